import assert from 'node:assert/strict';
import type { NamePlace, SearchQuestion } from '../../../../src/services/host/connection';
import { PendingLookups } from '../../../../src/services/search/pendingLookups';
import { RemoteNames } from '../../../../src/services/search/remoteNames';

const PLACE: NamePlace = { endpoint: { host: '127.0.0.1', port: 5064 }, guid: '0'.repeat(24) };

describe('names that another process knows', () => {
  let questions: SearchQuestion[];
  let told: string[];
  let names: RemoteNames;
  const client = new PendingLookups<number>();

  beforeEach(() => {
    questions = [];
    told = [];
    names = new RemoteNames((question) => questions.push(question));
  });

  const ask = (name: string): { dispose(): void } =>
    names.ask(name, {
      client,
      found: ({ endpoint }) => told.push(`${name} at ${endpoint.port}`),
      absent: () => told.push(`${name} absent`),
      dropped: () => told.push(`${name} dropped`),
    });

  it('each answer goes to who asked, once', () => {
    ask('A');
    ask('B');
    const [a, b] = questions.map(({ id }) => id);
    assert.ok(a !== undefined && b !== undefined);
    names.take({ kind: 'absent', id: a });
    names.take({ kind: 'found', id: b, place: PLACE });
    names.take({ kind: 'found', id: a, place: PLACE });
    names.take({ kind: 'found', id: a, place: PLACE });
    names.take({ kind: 'dropped', id: 99 });
    assert.deepEqual(told, ['A absent', 'B at 5064', 'A at 5064']);
  });

  it('nobody there waits for what nobody here waits for', () => {
    const asked = ask('A');
    asked.dispose();
    asked.dispose();
    assert.deepEqual(questions, [
      { kind: 'name', id: 0, name: 'A' },
      { kind: 'drop', id: 0 },
    ]);
    names.take({ kind: 'found', id: 0, place: PLACE });
    assert.deepEqual(told, []);
  });

  it('a client that asks for all servers again and again costs one list at a time', () => {
    let lists = 0;
    for (let count = 0; count < 100_000; count++) names.servers(() => lists++);
    assert.equal(questions.length, 1);
    names.take({ kind: 'servers', id: questions[0]?.id ?? -1, places: [PLACE] });
    assert.ok(lists > 0 && lists <= 100, `${lists} answers`);
    names.servers(() => lists++);
    assert.equal(questions.length, 2);
  });
});
