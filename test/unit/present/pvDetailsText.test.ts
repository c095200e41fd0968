import assert from 'node:assert/strict';
import type { PvPath, PvRow } from '../../../src/model/coreApi';
import { previewOf } from '../../../src/model/preview';
import {
  formatLocal,
  formatMoment,
  detailsSections,
  tooltipSections,
} from '../../../src/present/pvDetailsText';
import { childrenOf, type TreeNode, treeOf } from '../../../src/present/pvTree';
import { PORT_TAKEN, snapshotWith } from '../../support/snapshots';
import { WINDOW_WORDS } from '../../../src/present/frontEndWords';
import type { Problem } from '../../../src/model/problem';

const nowMs = Date.parse('2026-01-02T03:04:05Z');
const row: PvRow = {
  name: 'X:Y',
  protocol: 'ca',
  step: 'reachable',
  state: 'reachable',
  source: { kind: 'user' },
  containerName: 'dev',
  iocName: 'IOC1',
  serverKey: 's',
};
const path: PvPath = {
  row,
  implementation: 'rsrv',
  pid: 7,
  route: 'entered',
  listening: { host: '0.0.0.0', port: 5064 },
  local: { host: '127.0.0.1', port: 5064 },
  since: '2026-01-02T03:01:00Z',
};
const told = (one: PvPath): Record<string, string> =>
  Object.fromEntries(
    detailsSections({ name: 'X:Y', paths: [one] }, nowMs, WINDOW_WORDS).flatMap(({ lines }) =>
      lines.map(({ label, text }) => [label, text]),
    ),
  );

describe('detailsSections', () => {
  it('tells value, state and path', () => {
    const time = '2026-01-02T03:04:04.123456789Z';
    const reading = { value: 1.5, units: 'mA', severity: 'MINOR', alarmMessage: 'HIGH', time };
    assert.deepEqual(told({ ...path, reading, readAt: time }), {
      Value: '1.5 mA',
      Alarm: 'MINOR HIGH',
      Time: formatLocal(time),
      State: `reachable, since ${formatMoment('2026-01-02T03:01:00Z', nowMs)}`,
      Path: "IOC IOC1 (pid 7) in container dev, :5064 \u2192 agent in the container's network \u2192 127.0.0.1:5064",
    });
  });

  it('tells which record a field belongs to', () => {
    const reading = { value: 'mA', severity: 'NO_ALARM' };
    const field = { name: 'X:Y.EGU', paths: [{ ...path, reading }] };
    const [section] = detailsSections(field, nowMs, WINDOW_WORDS);
    assert.deepEqual(section?.lines.slice(0, 2), [
      { label: 'Record', text: 'X:Y' },
      { label: 'Value', text: 'mA' },
    ]);
  });

  it('tells of a PV that was not found whether the lists are complete', () => {
    const nobody = { name: 'X', paths: [] };
    const complete = snapshotWith([]);
    assert.equal(detailsSections(nobody, nowMs, WINDOW_WORDS, complete)[0]?.heading, 'not found');
    const [container] = complete.containers;
    assert.ok(container?.iocs[0]);
    const namesNotes = [{ code: 'gateway-names' as const }];
    const ioc = { ...container.iocs[0], namesNotes, mayLackNames: true };
    const cut = { ...complete, containers: [{ ...container, iocs: [ioc] }] };
    const [section] = detailsSections(nobody, nowMs, WINDOW_WORDS, cut);
    assert.equal(section?.heading, 'not found, and the list is incomplete');
    assert.match(section.lines[1]?.text ?? '', /^IOC \w+ in container \w+: /);
  });

  it('tells the step that failed and what to do', () => {
    const lines = told({ ...path, row: { ...row, step: 'create-refused' } });
    assert.match(lines['State'] ?? '', /refuses the channel/);
    assert.match(lines['What to do'] ?? '', /access security/);
  });

  it('tells to whom reading is denied', () => {
    const denied = { ...path, row: { ...row, step: 'no-read-access' as const } };
    const lines = told({ ...denied, deniedTo: 'user ann on host desk' });
    assert.match(lines['State'] ?? '', /no read access for user ann on host desk, since/);
    assert.match(lines['What to do'] ?? '', /access security file/);
    assert.equal(
      detailsSections({ name: 'X:Y', paths: [denied] }, nowMs, WINDOW_WORDS)[0]?.health,
      'bad',
    );
  });

  it("tells the server's trouble first", () => {
    const { local: _, ...unrelayed } = path;
    const lines = told({ ...unrelayed, problem: PORT_TAKEN });
    assert.match(
      lines['State'] ?? '',
      /^port 5064 is taken on this machine: .*socat \(pid 7\), since \d+:01:00$/,
    );
    assert.match(lines['What to do'] ?? '', /^End that program/);
    assert.match(lines['Path'] ?? '', /not on this machine$/);
  });

  it('tells when a value was read that could not be read again', () => {
    const reading = { value: 'on', severity: 'NO_ALARM' };
    const readAt = '2026-01-02T03:04:00Z';
    const lines = told({
      ...path,
      reading,
      readAt,
      readProblem: { code: 'not-read', detail: 'no answer in time' },
    });
    assert.equal(lines['Value'], 'on');
    assert.equal(lines['Time'], 'no time stamp');
    assert.equal(lines['Read'], formatMoment(readAt, nowMs));
    assert.equal(lines['No newer value'], 'no answer in time');
  });

  it('tells when a value was read that is more than a second old', () => {
    const reading = { value: 'on', severity: 'NO_ALARM' };
    const at = (age: number): string => new Date(nowMs - age).toISOString();
    assert.equal(told({ ...path, reading, readAt: at(1000) })['Read'], undefined);
    assert.equal(
      told({ ...path, reading, readAt: at(1001) })['Read'],
      formatMoment(at(1001), nowMs),
    );
  });

  it('says the same later, as long as nothing changes', () => {
    const reading = { value: 'on', severity: 'NO_ALARM' };
    const readAt = '2026-01-02T03:04:00Z';
    const details = {
      name: 'X:Y',
      paths: [{ ...path, reading, readAt, readProblem: { code: 'broker-gone' } as const }],
    };
    assert.deepEqual(
      detailsSections(details, nowMs, WINDOW_WORDS),
      detailsSections(details, nowMs + 50_000, WINDOW_WORDS),
    );
  });

  it('tells that a value was asked for and did not come yet', () =>
    assert.equal(told(path)['Value'], 'no answer yet'));

  it('tells type, size and first elements of an image', () => {
    const value = { name: 'ubyteValue', value: new Uint8Array(12) };
    const reading = previewOf({ value, severity: 'NO_ALARM', dimensions: [3, 4] });
    const lines = told({ ...path, reading });
    assert.match(lines['Value'] ?? '', /^\[0, 0, .* 2 more\]$/);
    assert.equal(lines['Size'], 'ubyte[12], 3 \u00d7 4, 12 bytes');
  });

  it('says so when no IOC tells the name', () => {
    const [section] = detailsSections({ name: 'X:Y', paths: [] }, nowMs, WINDOW_WORDS);
    assert.equal(section?.health, 'bad');
    assert.match(section?.lines[1]?.text ?? '', /epicsExpose\.pvNames/);
  });
});

describe('tooltipSections', () => {
  it('has something to say of every line above the PVs', () => {
    const problem: Problem = { code: 'engine-idle' };
    const snapshot = {
      ...snapshotWith([{ problem, notes: [{ code: 'says-yes' }], route: 'entered' }]),
      engineProblem: problem,
    };
    const all = (nodes: readonly TreeNode[]): TreeNode[] =>
      nodes.flatMap((node) => [node, ...all(childrenOf(node))]);
    const nodes = all(treeOf(snapshot, undefined, WINDOW_WORDS));
    assert.deepEqual(
      nodes.map(({ kind }) => kind),
      ['container', 'ioc', 'server', 'problem'],
    );
    for (const node of nodes) {
      const [section] = tooltipSections(node, nowMs, WINDOW_WORDS);
      assert.ok(section && section.lines.length > 0, node.kind);
      for (const { text } of section.lines) assert.notEqual(text, '');
    }
  });
});

describe('tooltip of searches', () => {
  it('tells each route, and the trouble of one', () => {
    const snapshot = {
      ...snapshotWith([{}]),
      nameServers: { ca: { host: '127.0.0.1', port: 5063 } },
      search: {
        ca: { broadcasts: ['10.0.0.255'], problem: { code: 'engine-idle' } as const },
      },
    };
    const node = treeOf(snapshot, undefined, WINDOW_WORDS).at(-1);
    assert.ok(node);
    const [ca, pva] = tooltipSections(node, 0, WINDOW_WORDS);
    assert.deepEqual(
      ca?.lines.map(({ label, text }) => `${label}: ${text}`),
      [
        'Name server: 127.0.0.1:5063, for EPICS_CA_NAME_SERVERS',
        'By UDP: not answered',
        "Broadcasts: of this machine's own clients, to 10.0.0.255",
        'Problem: Podman runs no container.',
        'What to do: Start one, or run "systemctl --user start podman.socket".',
      ],
    );
    assert.deepEqual([pva?.heading, pva?.lines[0]?.text], ['pvAccess', 'none']);
  });
});

describe('formatMoment', () => {
  it('tells the time of today, and the day of another', () => {
    const [day, time] = formatLocal('2026-01-02T03:04:01.5Z').split(' ');
    assert.equal(formatMoment('2026-01-02T03:04:01.5Z', nowMs), time?.slice(0, 8));
    assert.equal(
      formatMoment('2026-01-02T03:04:01.5Z', nowMs + 3 * 86_400_000),
      `${day} ${time?.slice(0, 8)}`,
    );
    assert.equal(formatMoment('nonsense', nowMs), 'an unknown time');
  });
});
