import assert from 'node:assert/strict';
import {
  branchNodes,
  changeOf,
  childrenOf,
  totalsOf,
  type TreeNode,
  treeOf,
  unreachableText,
} from '../../../src/present/pvTree';
import type { PvRow } from '../../../src/model/coreApi';
import type { IocState, Snapshot } from '../../../src/model/snapshot';
import { PORT_TAKEN, snapshotWith } from '../../support/snapshots';
import { WINDOW_WORDS } from '../../../src/present/frontEndWords';

const local = { host: '127.0.0.1', port: 5064 };

/** `label | description | health`, indented by level. */
function drawn(nodes: readonly TreeNode[], level = 0): string[] {
  return nodes.flatMap((node) => [
    `${'  '.repeat(level)}${node.label} | ${node.description} | ${node.health}`,
    ...drawn(childrenOf(node), level + 1),
  ]);
}

describe('treeOf', () => {
  it('tells containers, IOCs and servers with state and counts', () => {
    const tree = treeOf(
      snapshotWith([
        { local },
        { protocol: 'pva', implementation: 'pvxs', status: 'failed', problem: PORT_TAKEN },
        { pvs: { total: 0, reachable: 0, pending: 0 } },
        { status: 'identifying', pvs: { total: 0, reachable: 0, pending: 0 } },
      ]),
      { ownContainerKey: 'engine#id', arrangement: 'servers' },
      WINDOW_WORDS,
    );
    assert.deepEqual(drawn(tree), [
      'dev | 3 of 3 reachable, this workspace | bad',
      '  DEV_TEST_IOC | pid 1, 3 of 3 reachable | bad',
      '    CA rsrv :5064 | 3 of 3 reachable \u2192 127.0.0.1:5064 | good',
      '    PVA pvxs :5064 | port taken | bad',
      '    CA rsrv :5064 | PV names unknown | good',
      '    CA rsrv :5064 | asking | busy',
    ]);
    assert.equal(tree[0]?.spoken, 'container dev, 3 of 3 reachable, this workspace, problem');
  });

  it('tells where searches are answered, and what is not', () => {
    const of = (change: Partial<Snapshot>): string[] =>
      drawn(
        treeOf({ ...snapshotWith([{}]), ...change }, { arrangement: 'servers' }, WINDOW_WORDS),
      ).slice(3);
    assert.deepEqual(of({}), []);
    const search = {
      ca: { problem: PORT_TAKEN },
      pva: { local: { host: '127.0.0.1', port: 5076 } },
    };
    assert.deepEqual(of({ search }), ['Searches | CA not answered, PVA 127.0.0.1:5076 | bad']);
    const nameServers = { ca: { host: '127.0.0.1', port: 5063 } };
    assert.deepEqual(of({ search, nameServers }), [
      'Searches | CA 127.0.0.1:5063, PVA 127.0.0.1:5076 | good',
    ]);
  });

  it("puts the window's container first, and what is wrong last", () => {
    const one = snapshotWith([{}]);
    const [container] = one.containers;
    assert.ok(container);
    const snapshot: Snapshot = {
      ...one,
      containers: [
        { ...container, key: 'a', name: 'a' },
        { ...container, key: 'b', name: 'b' },
        { ...container, key: 'empty', name: 'empty', iocs: [] },
      ],
      engineProblem: PORT_TAKEN,
      unknownNames: ['NO:SUCH'],
    };
    assert.deepEqual(
      treeOf(snapshot, { ownContainerKey: 'b', arrangement: 'servers' }, WINDOW_WORDS).map(
        ({ label }) => label,
      ),
      [
        'b',
        'a',
        'port 5064 is taken on this machine: 127.0.0.1:5064 is held by socat (pid 7)',
        'No IOC here has a PV named NO:SUCH',
      ],
    );
  });

  it('is empty without an IOC, so that the welcome text shows', () => {
    assert.deepEqual(
      treeOf(
        { ...snapshotWith([]), containers: [], engineProblem: PORT_TAKEN },
        { arrangement: 'records' },
        WINDOW_WORDS,
      ),
      [],
    );
  });
});

describe('changeOf', () => {
  const tree = (reachable: number, servers = 1): readonly TreeNode[] =>
    treeOf(
      snapshotWith(
        Array.from({ length: servers }, () => ({ pvs: { total: 3, reachable, pending: 0 } })),
      ),
      { arrangement: 'servers' },
      WINDOW_WORDS,
    );

  it('is nothing between equal trees', () => {
    assert.deepEqual(changeOf(tree(3), tree(3)), { all: false, ids: [] });
  });

  it('is the highest line that changed', () => {
    assert.deepEqual(changeOf(tree(3), tree(2)), { all: false, ids: ['engine#id'] });
  });

  it('is all when containers came or went', () => {
    assert.equal(changeOf(tree(3), []).all, true);
  });
});

describe('branchNodes', () => {
  const row: PvRow = {
    name: 'A:\u0007B',
    protocol: 'ca',
    step: 'no-answer',
    state: 'no-answer',
    source: { kind: 'user' },
    containerName: 'c',
    iocName: 'i',
    serverKey: 's',
  };

  it('tells groups and PVs', () => {
    const nodes = branchNodes('s', {
      groups: [{ prefix: 'A:', total: 3, reachable: 2 }],
      rows: [row, { ...row, step: 'reachable', state: 'reachable' }],
    });
    assert.deepEqual(drawn(nodes), [
      'A: | 2 of 3 reachable | bad',
      'A:\\x07B | no answer | bad',
      'A:\\x07B | reachable | good',
    ]);
  });
});

describe('a tree that is filtered', () => {
  const broken = snapshotWith([{ status: 'failed', problem: PORT_TAKEN }, { protocol: 'pva' }]);
  const kinds = (withProblems: boolean): string[] => {
    const filter = { text: 'x', counts: new Map(), withProblems };
    const all = (nodes: readonly TreeNode[]): string[] =>
      nodes.flatMap((node) => [node.kind, ...all(childrenOf(node))]);
    return all(treeOf(broken, { arrangement: 'servers', filter }, WINDOW_WORDS));
  };

  it('has no line without a match, unless those with a problem match', () => {
    assert.deepEqual(kinds(false), ['filter']);
    assert.deepEqual(kinds(true), ['filter', 'container', 'ioc', 'server']);
  });
});

describe('totalsOf', () => {
  const none = { total: 0, reachable: 0, pending: 0 };
  const withRecords = (
    records: IocState['records'],
    servers: Parameters<typeof snapshotWith>[0],
  ): Snapshot => {
    const snapshot = snapshotWith(servers);
    const [container] = snapshot.containers;
    assert.ok(container);
    const iocs = container.iocs.map((ioc) => ({ ...ioc, records }));
    return { ...snapshot, containers: [{ ...container, iocs }] };
  };

  it('counts each record once', () => {
    const pvs = { total: 5, reachable: 2, pending: 1 };
    assert.deepEqual(totalsOf(withRecords(pvs, [{ pvs }, { pvs, protocol: 'pva' }])), {
      ...pvs,
      ...{ unreachable: 2, brokenServers: 0 },
    });
  });

  it('counts a server that nobody reaches, unless its PVs say so', () => {
    const broken = { status: 'failed', problem: PORT_TAKEN, pvs: none } as const;
    const totals = totalsOf(withRecords({ total: 3, reachable: 3, pending: 0 }, [{}, broken]));
    assert.deepEqual([totals.unreachable, totals.brokenServers], [0, 1]);
    assert.equal(unreachableText(totals), '1 server with a problem');
    const all = totalsOf(withRecords({ total: 3, reachable: 0, pending: 0 }, [broken]));
    assert.deepEqual([all.unreachable, all.brokenServers], [3, 0]);
    assert.equal(unreachableText(all), '3 PVs not reachable');
  });
});
