import assert from 'node:assert/strict';
import type { SimilarPv } from '../../../../src/model/iocPlace';
import { VainSearches } from '../../../../src/services/search/vainSearches';
import { FakeClock } from '../../../support/fakeClock';

describe('searches in vain', () => {
  const clock = new FakeClock();
  const temp: SimilarPv = { name: 'A:TEMP', iocName: 'ioc', containerName: 'dev' };
  const caget = { pid: 7, command: 'caget' };
  let served: string | undefined;
  let compared: string[];
  let changes: number;
  let vain: VainSearches;
  beforeEach(() => {
    compared = [];
    changes = 0;
    served = undefined;
    vain = new VainSearches({
      findSimilar: (name) => {
        compared.push(name);
        return Promise.resolve(name.startsWith('A:') ? [temp] : []);
      },
      findClient: ({ endpoint: { port } }) =>
        port === 7 ? Promise.resolve(caget) : Promise.reject(new Error('hidden')),
      isServed: (name) => name === served,
      onChange: () => changes++,
      clock,
    });
  });
  afterEach(() => vain.dispose());
  const told = (): string[] =>
    vain.problems.map((problem) => (problem.code === 'searched-in-vain' ? problem.pv : ''));

  it('are told if the name is like one that there is, once, until a minute after the last', async () => {
    let isOpen = true;
    vain.sought('A:TMP', () => isOpen);
    vain.sought('A:TMP', () => isOpen);
    vain.sought('SITE:OTHER', () => true);
    await clock.advance(1000);
    assert.deepEqual([told(), compared, changes], [['A:TMP'], ['A:TMP', 'SITE:OTHER'], 1]);
    await clock.advance(300_000);
    assert.deepEqual(told(), ['A:TMP']);
    isOpen = false;
    await clock.advance(50_000);
    assert.deepEqual(told(), ['A:TMP']);
    await clock.advance(20_000);
    assert.deepEqual([told(), changes], [[], 2]);
  });

  it('end when a server has the name by now, although nobody has asked for it since', async () => {
    vain.sought('A:TMP', () => true);
    await clock.advance(1000);
    assert.deepEqual(told(), ['A:TMP']);
    served = 'A:TMP';
    await clock.advance(5000);
    assert.deepEqual(told(), []);
  });

  it('by UDP end a minute after the last one, because nobody says that he has given up', async () => {
    const origin = { transport: 'udp' as const, endpoint: { host: '127.0.0.1', port: 7 } };
    vain.sought('A:TMP', () => true, origin);
    await clock.advance(50_000);
    vain.sought('A:TMP', () => true, origin);
    await clock.advance(50_000);
    assert.deepEqual(told(), ['A:TMP']);
    await clock.advance(15_000);
    assert.deepEqual(told(), []);
  });

  it('have a client, if the system shows it', async () => {
    const from = (port: number) => ({
      ...{ transport: 'udp' as const, endpoint: { host: '127.0.0.1', port } },
    });
    vain.sought('A:TMP', () => true, from(7));
    vain.sought('A:TAMP', () => true, from(8));
    await clock.advance(1000);
    assert.deepEqual(
      vain.problems.map((problem) => 'client' in problem && problem.client),
      [caget, false],
    );
  });

  it('are no business of ours where the client has gone at once', async () => {
    vain.sought('A:TMP', () => false);
    await clock.advance(1000);
    assert.deepEqual([told(), compared], [[], []]);
  });

  it('end when a server has the name, and are few', async () => {
    for (let at = 0; at < 500; at++) vain.sought(`A:${at}`, () => true);
    await clock.advance(1000);
    assert.equal(compared.length, 100);
    assert.deepEqual([told(), changes], [['A:0', 'A:1', 'A:2', 'A:3', 'A:4'], 1]);
    vain.found('A:2');
    assert.deepEqual(told(), ['A:0', 'A:1', 'A:3', 'A:4']);
  });

  it('change rarely, and stay for a while, however many others come', async () => {
    for (let second = 0; second < 60; second++) {
      for (let at = 0; at < 20; at++) vain.sought(`A:${second}:${at}`, () => true);
      await clock.advance(1000);
    }
    assert.ok(changes <= 13, `${changes} changes`);
    assert.equal(told().length, 5);
  });
});
