import assert from 'node:assert/strict';
import type { PvQuery } from '../../../../src/model/coreApi';
import { NameTable, type PvStep } from '../../../../src/model/pvTable';
import type { ServerState } from '../../../../src/model/snapshot';
import { listBranch, listPvs } from '../../../../src/services/pvs/pvLists';
import type { PvServer } from '../../../../src/services/exposure/pvServer';
import { quickSlices } from '../../../support/quickSlices';

const { signal } = new AbortController();

/** A server with these PVs, all of them reachable but those that are named with a step. */
function serverWith(
  key: string,
  all: readonly string[],
  steps: Readonly<Record<string, PvStep>> = {},
  state?: Partial<ServerState>,
): PvServer {
  const names = new NameTable();
  names.add(all, { kind: 'user' });
  return {
    ...{ key, protocol: 'ca', names },
    stepOf: (index: number) => steps[names.name(index)] ?? 'reachable',
    ioc: { name: 'ioc', state: () => ({ servers: state ? [{ key, ...state }] : [] }) },
    container: { name: 'c' },
  } as unknown as PvServer;
}

describe('lists of very many PVs', () => {
  it('are made in slices', async () => {
    const names = Array.from({ length: 100_000 }, (_, at) => `N:${at}`);
    const slices = quickSlices();
    const query = { pattern: '*9*9*9*9*9', offset: 0, limit: 3 };
    const { total, rows } = await listPvs([serverWith('k', names)], query, slices, signal);
    assert.equal(total, 1);
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['N:99999'],
    );
    assert.ok(slices.count >= 10, `${slices.count} slices`);
  });
});

describe('a list of PVs', () => {
  const servers = [
    serverWith('a', ['X:3', 'X:1', 'Y:1'], { 'X:3': 'not-found', 'Y:1': 'not-served' }),
    serverWith('b', ['X:2', 'X:4', 'X:1'], { 'X:4': 'disconnected' }),
  ];
  async function list(query: Partial<PvQuery>): Promise<[number, number, string[]]> {
    const whole = { offset: 0, limit: 100, ...query };
    const { total, reachable, rows } = await listPvs(servers, whole, quickSlices(), signal);
    return [total, reachable, rows.map(({ name, serverKey }) => `${name} ${serverKey}`)];
  }

  it('is of all servers, by name, without those that are not theirs', async () => {
    assert.deepEqual(await list({}), [5, 3, ['X:1 a', 'X:1 b', 'X:2 b', 'X:3 a', 'X:4 b']]);
  });

  it('comes in pages', async () => {
    assert.deepEqual(await list({ offset: 1, limit: 2 }), [5, 3, ['X:1 b', 'X:2 b']]);
    assert.deepEqual(await list({ offset: 4, limit: 2 }), [5, 3, ['X:4 b']]);
  });

  it('may be of one server, of a part of the names, or of what is not reachable', async () => {
    assert.deepEqual(await list({ serverKey: 'a' }), [2, 1, ['X:1 a', 'X:3 a']]);
    assert.deepEqual(await list({ pattern: '*1' }), [2, 2, ['X:1 a', 'X:1 b']]);
    assert.deepEqual(await list({ onlyUnreachable: true }), [2, 0, ['X:3 a', 'X:4 b']]);
  });

  it('tells the trouble of a server before that of its PVs', async () => {
    const problem = { code: 'port-taken', port: 5064, taken: [] } as const;
    const states = [{ status: 'gone' }, { status: 'failed', problem }, {}] as const;
    const all = states.map((state, at) => serverWith(`${at}`, ['X'], { X: 'no-answer' }, state));
    const { rows } = await listPvs(all, { offset: 0, limit: 9 }, quickSlices(), signal);
    assert.deepEqual(
      rows.map(({ step, state }) => [step, state]),
      [
        ['no-answer', 'ioc-gone'],
        ['no-answer', 'port-taken'],
        ['no-answer', 'no-answer'],
      ],
    );
  });

  it('ends when nobody wants it any more', async () => {
    const names = Array.from({ length: 100_000 }, (_, at) => `N:${at}`);
    const abort = new AbortController();
    const query = { offset: 0, limit: 1 };
    const listing = listPvs([serverWith('k', names)], query, quickSlices(), abort.signal);
    abort.abort();
    await assert.rejects(listing, { code: 'cancelled' });
  });
});

describe('a level of the PVs of a server', () => {
  const all = ['A', 'B'].flatMap((area) =>
    Array.from({ length: 60 }, (_, at) => `${area}:${String(at).padStart(2, '0')}`),
  );
  const server = serverWith('k', [...all, 'ALONE'], { 'A:07': 'no-answer' });

  it('is groups with their counts, and what is in none', async () => {
    const top = await listBranch([server], { serverKey: 'k', prefix: '' }, quickSlices(), signal);
    assert.deepEqual(top.groups, [
      { prefix: 'A:', total: 60, reachable: 59 },
      { prefix: 'B:', total: 60, reachable: 60 },
    ]);
    assert.deepEqual(
      top.rows.map(({ name }) => name),
      ['ALONE'],
    );
  });

  it('is of a group, or of what matches', async () => {
    const query = { serverKey: 'k', prefix: 'A:' };
    const group = await listBranch([server], query, quickSlices(), signal);
    const count = group.rows.length + group.groups.reduce((sum, { total }) => sum + total, 0);
    assert.equal(count, 60);
    const filtered = { ...query, prefix: '', pattern: '*7' };
    const few = await listBranch([server], filtered, quickSlices(), signal);
    assert.equal(few.rows.length, 12);
  });

  it('is empty where the server is not known', async () => {
    const query = { serverKey: 'gone', prefix: '' };
    assert.deepEqual(await listBranch([server], query, quickSlices(), signal), {
      groups: [],
      rows: [],
    });
  });
});
