import assert from 'node:assert/strict';
import { tableNotes, tableRows } from '../../../src/present/table';
import { PORT_TAKEN, snapshotWith } from '../../support/snapshots';
import { TERMINAL_WORDS, WINDOW_WORDS } from '../../../src/present/frontEndWords';
import { treeOf } from '../../../src/present/pvTree';

describe('table', () => {
  it('names container and IOC once, and tells each server', () => {
    const rows = tableRows(
      snapshotWith([
        { local: { host: '127.0.0.1', port: 5064 } },
        {
          protocol: 'pva',
          implementation: 'pvxs',
          listening: { host: '127.0.0.1', port: 5075 },
          status: 'failed',
          problem: PORT_TAKEN,
        },
        {
          local: { host: '127.0.0.1', port: 5064 },
          direct: { host: '172.17.0.2', port: 5064 },
        },
        { status: 'gone', listening: { host: '::', port: 9 } },
        { pvs: { total: 0, reachable: 0, pending: 0 } },
        { pvs: { total: 5, reachable: 2, pending: 3 } },
        { pvs: { total: 5, reachable: 4, pending: 0 } },
        { pvs: { total: 5, reachable: 4, unreadable: 1, pending: 0 } },
      ]),
    );
    assert.deepEqual(
      rows.map((row) => [row.container, row.ioc, row.local, row.pvs, row.health]),
      [
        ['dev', 'DEV_TEST_IOC', '127.0.0.1:5064', '3 of 3 reachable', 'good'],
        ['', '', 'failed', 'port taken', 'bad'],
        ['', '', '127.0.0.1:5064, direct 172.17.0.2', '3 of 3 reachable', 'good'],
        ['', '', '-', 'IOC gone', 'bad'],
        ['', '', 'failed', 'names unknown', 'good'],
        ['', '', 'failed', '2 of 5 reachable', 'busy'],
        ['', '', 'failed', '4 of 5 reachable', 'bad'],
        ['', '', 'failed', '4 of 5 reachable, 1 without read access', 'bad'],
      ],
    );
    assert.match(rows[1]?.server ?? '', /^PVA {2}pvxs .*127\.0\.0\.1:5075 \(inside only\)$/);
  });

  it('says what is not known yet, rather than that it is unknown', () => {
    const pvs = { total: 0, reachable: 0, pending: 0 };
    const asked = { total: 3, reachable: 1, pending: 2 };
    const unknown = { implementation: 'unknown' } as const;
    const servers = [
      { ...unknown, status: 'identifying', pvs } as const,
      { ...unknown, pvs },
      { ...unknown, pvs: asked },
      { ...unknown },
    ];
    const cells = (isNaming: boolean): string[] => {
      const snapshot = snapshotWith(servers);
      const [container] = snapshot.containers;
      const iocs = container!.iocs.map((ioc) => ({ ...ioc, ...(isNaming && { isNaming }) }));
      const rows = tableRows({ ...snapshot, containers: [{ ...container!, iocs }] });
      return rows.map(({ server, pvs: text }) => `${server.split(/ +/)[1]} | ${text}`);
    };
    assert.deepEqual(cells(true), [
      'asking | asking',
      'asking | asking',
      'asking | 1 of 3 reachable',
      'unknown | 3 of 3 reachable',
    ]);
    assert.deepEqual(cells(false).slice(0, 2), ['asking | asking', 'unknown | names unknown']);
  });

  it('says that an IOC may have more PVs than are listed, and why', () => {
    const snapshot = snapshotWith([{}]);
    const [container] = snapshot.containers;
    const [ioc] = container!.iocs;
    const namesNotes = [{ code: 'names-other-loaders', commands: ['require', 'luash'] }] as const;
    const lacking = {
      ...snapshot,
      containers: [{ ...container!, iocs: [{ ...ioc!, mayLackNames: true, namesNotes }] }],
    };
    assert.equal(tableRows(lacking)[0]?.pvs, '3 of 3 reachable, more may exist');
    assert.deepEqual(tableNotes(lacking, TERMINAL_WORDS), [
      'DEV_TEST_IOC in dev may have more PVs than are listed: 2 commands may load more records: require, luash',
    ]);
    const [node] = treeOf(lacking, { arrangement: 'servers' }, WINDOW_WORDS);
    assert.equal(
      node?.kind === 'container' && node.children[0]?.description,
      'pid 1, 3 of 3 reachable, more may exist',
    );
  });

  it('says each trouble once, as a sentence and what to do', () => {
    const snapshot = snapshotWith([
      { status: 'failed', problem: PORT_TAKEN },
      { status: 'failed', problem: PORT_TAKEN },
      { notes: [{ code: 'no-answers', count: 2 }, { code: 'says-yes' }] },
    ]);
    assert.deepEqual(tableNotes({ ...snapshot, unknownNames: ['X'] }, TERMINAL_WORDS), [
      'DEV_TEST_IOC in dev, CA :5064: port 5064 is taken on this machine: 127.0.0.1:5064 is held by socat (pid 7). End that program or let it use another port; the port is used as soon as it is free.',
      'DEV_TEST_IOC in dev, CA :5064: 2 PVs got no answer in time; it says yes to every name, so it is asked last',
      'X: no IOC here has a PV of this name. Check its spelling.',
    ]);
  });
});
