import assert from 'node:assert/strict';
import type { BranchQuery, PvFilter, PvQuery } from '../../../../src/model/coreApi';
import { NameTable, type PvStep } from '../../../../src/model/pvTable';
import type { ServerState } from '../../../../src/model/snapshot';
import { countPvs, listBranch, listPvs } from '../../../../src/services/pvs/pvLists';
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
    ...{ key, iocKey: 'ioc', protocol: 'ca', names },
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
    const top = await listBranch([server], { key: 'k', prefix: '' }, quickSlices(), signal);
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
    const query = { key: 'k', prefix: 'A:' };
    const group = await listBranch([server], query, quickSlices(), signal);
    const count = group.rows.length + group.groups.reduce((sum, { total }) => sum + total, 0);
    assert.equal(count, 60);
    const filtered = { ...query, prefix: '', pattern: '*7' };
    const few = await listBranch([server], filtered, quickSlices(), signal);
    assert.equal(few.rows.length, 12);
  });

  it('is empty where the server is not known', async () => {
    const query = { key: 'gone', prefix: '' };
    assert.deepEqual(await listBranch([server], query, quickSlices(), signal), {
      groups: [],
      rows: [],
    });
  });
});

describe('a level of the PVs of an IOC', () => {
  const names = new NameTable();
  names.add(['CH10', 'CH9', 'GROUP', 'LOST', 'HALF'], { kind: 'user' });
  const serverOf = (
    protocol: 'ca' | 'pva',
    steps: Readonly<Record<string, PvStep>>,
    state: Partial<ServerState> = {},
  ): PvServer =>
    ({
      ...{ key: protocol, iocKey: 'ioc', protocol, names },
      stepOf: (index: number) => steps[names.name(index)] ?? 'reachable',
      ioc: { name: 'ioc', state: () => ({ servers: [{ key: protocol, ...state }] }) },
      container: { name: 'c' },
    }) as unknown as PvServer;
  const servers = [
    serverOf('ca', { GROUP: 'not-served', LOST: 'disconnected', HALF: 'no-answer' }),
    serverOf('pva', { LOST: 'disconnected' }),
  ];
  const list = async (query: Partial<BranchQuery> = {}): Promise<string[]> => {
    const whole = { key: 'ioc', prefix: '', ...query };
    const { rows } = await listBranch(servers, whole, quickSlices(), signal);
    return rows.map(({ name, protocol, others = [] }) =>
      [name, protocol, ...others.map((other) => `${other.protocol} ${other.step}`)].join(' '),
    );
  };

  it('has each name once, in natural order, of the server that can be read', async () => {
    assert.deepEqual(await list(), [
      'CH9 ca pva reachable',
      'CH10 ca pva reachable',
      'GROUP pva',
      'HALF pva ca no-answer',
      'LOST ca pva disconnected',
    ]);
  });

  it('may be of those in a state at one of the servers', async () => {
    assert.deepEqual(await list({ state: 'unreachable' }), [
      'HALF pva ca no-answer',
      'LOST ca pva disconnected',
    ]);
    assert.deepEqual(await list({ state: 'disconnected' }), ['LOST ca pva disconnected']);
    assert.deepEqual(await list({ pattern: 'CH' }), [
      'CH9 ca pva reachable',
      'CH10 ca pva reachable',
    ]);
  });

  it('is counted, by IOC and by server, where there is something', async () => {
    const count = async (filter: PvFilter): Promise<Record<string, number>> =>
      Object.fromEntries(
        (await countPvs(servers, filter, quickSlices(), signal)).map(({ key, count: n }) => [
          key,
          n,
        ]),
      );
    assert.deepEqual(await count({}), { ioc: 5, ca: 4, pva: 5 });
    assert.deepEqual(await count({ pattern: 'group' }), { ioc: 1, pva: 1 });
    assert.deepEqual(await count({ state: 'unreachable' }), { ioc: 2, ca: 2, pva: 1 });
    assert.deepEqual(await count({ pattern: 'nobody' }), {});
  });

  it('is of what the server as a whole lets through', async () => {
    const gone = [serverOf('ca', {}, { status: 'gone' })];
    const query = { key: 'ioc', prefix: '', state: 'disconnected' } as const;
    const { rows } = await listBranch(gone, query, quickSlices(), signal);
    assert.equal(rows.length, 5);
  });
});

describe('natural order in pages', () => {
  it('is the same from wherever a page begins', async () => {
    // Of lengths that differ, with names that several have.
    const servers = [700, 40, 333, 1, 0, 90].map((count, list) =>
      serverWith(
        `${list}`,
        Array.from({ length: count }, (_, at) => `N:${(at * 7919 + list * 31) % 997}`),
      ),
    );
    const all = await listPvs(servers, { offset: 0, limit: 2000 }, quickSlices(), signal);
    assert.equal(all.rows.length, 1164);
    const places = ({ rows }: typeof all): string[] =>
      rows.map(({ name, serverKey }) => `${name} ${serverKey}`);
    const expected = places(all);
    for (let offset = 0; offset < 1180; offset += 13) {
      const page = await listPvs(servers, { offset, limit: 13 }, quickSlices(), signal);
      assert.deepEqual(places(page), expected.slice(offset, offset + 13), `from ${offset}`);
    }
  });

  it('is that of the branches', async () => {
    const servers = [serverWith('a', ['CH10', 'CH9', 'CH89']), serverWith('b', ['CH9', 'CH11'])];
    const { rows } = await listPvs(servers, { offset: 0, limit: 9 }, quickSlices(), signal);
    assert.deepEqual(
      rows.map(({ name, serverKey }) => `${name} ${serverKey}`),
      ['CH9 a', 'CH9 b', 'CH10 a', 'CH11 b', 'CH89 a'],
    );
  });
});
