import assert from 'node:assert/strict';
import type { PvDetails, PvPath, PvRow } from '../../../src/model/coreApi';
import { previewOf } from '../../../src/model/preview';
import {
  formatLocal,
  formatMoment,
  type DetailsSection,
  pvText,
  type PvTextOptions,
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
const allOf = (details: PvDetails, options?: PvTextOptions): DetailsSection[] => {
  const { head, rest } = pvText(details, nowMs, WINDOW_WORDS, options);
  return [head, ...rest];
};
const told = (one: PvPath): Record<string, string> =>
  Object.fromEntries(
    allOf({ name: 'X:Y', paths: [one] }).flatMap(({ lines }) =>
      lines.map(({ label, text }) => [label, text]),
    ),
  );

describe('pvText', () => {
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

  it('tells where clients are sent without a relay', () => {
    const direct = { host: '172.17.0.2', port: 5064 };
    const { Path } = told({ ...path, route: 'address', direct });
    assert.match(
      Path ?? '',
      /, :5064 → 172\.17\.0\.2:5064, or → the container's address → 127\.0\.0\.1:5064$/,
    );
  });

  it('tells which record a field belongs to', () => {
    const reading = { value: 'mA', severity: 'NO_ALARM' };
    const field = { name: 'X:Y.EGU', paths: [{ ...path, reading }] };
    const [section] = allOf(field);
    assert.deepEqual(section?.lines.slice(0, 2), [
      { label: 'Record', text: 'X:Y' },
      { label: 'Value', text: 'mA' },
    ]);
  });

  it('tells of a PV that was not found whether the lists are complete', () => {
    const nobody = { name: 'X', paths: [] };
    const complete = snapshotWith([]);
    assert.equal(allOf(nobody, { snapshot: complete })[0]?.heading, 'not found');
    const [container] = complete.containers;
    assert.ok(container?.iocs[0]);
    const namesNotes = [{ code: 'gateway-names' as const }];
    const ioc = { ...container.iocs[0], namesNotes, mayLackNames: true };
    const cut = { ...complete, containers: [{ ...container, iocs: [ioc] }] };
    const [section] = allOf(nobody, { snapshot: cut });
    assert.equal(section?.heading, 'not found, and the list is incomplete');
    assert.match(section.lines[1]?.text ?? '', /^IOC \w+ in container \w+: /);
  });

  it('names what serves nothing first, for a PV that was not found', () => {
    const [container] = snapshotWith([]).containers;
    const [ioc] = container?.iocs ?? [];
    assert.ok(container && ioc);
    const idle = { ...ioc, name: 'IDLE', problem: { code: 'ioc-no-port', pid: 7 } as const };
    const ended = {
      ...{ ...container, name: 'old', iocs: [], status: 'stopped' as const },
      problem: { code: 'container-restarts', container: 'old', count: 4 } as const,
    };
    const iocs = [{ ...ioc, mayLackNames: true }, idle];
    const snapshot = { ...snapshotWith([]), containers: [{ ...container, iocs }, ended] };
    const nobody = { name: 'X', paths: [] };
    const [section] = allOf(nobody, { snapshot });
    const texts = section?.lines.filter(({ label }) => label === 'Incomplete') ?? [];
    assert.deepEqual(
      texts.map(({ text }) => text.slice(0, 40)),
      [
        'IOC IDLE in container dev: it runs (pid 7), but opened'.slice(0, 40),
        'container old ends and is started again, 4'.slice(0, 40),
        'IOC DEV_TEST_IOC in container dev',
      ],
    );
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
    assert.equal(allOf({ name: 'X:Y', paths: [denied] })[0]?.health, 'bad');
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

  it('calls nothing good that could not be read', () => {
    const unread = { ...path, readProblem: { code: 'not-read', detail: 'no PV X:Y.NOF' } as const };
    const [record, field] = ['X:Y', 'X:Y.NOF'].map((name) => allOf({ name, paths: [unread] })[0]);
    const lineOf = (label: string, one = field): string | undefined =>
      one?.lines.find((line) => line.label === label)?.text;
    assert.deepEqual([record?.health, field?.health], ['bad', 'bad']);
    assert.equal(lineOf('No value'), 'no PV X:Y.NOF');
    assert.equal(lineOf('No newer value'), undefined);
    assert.match(lineOf('State') ?? '', /^its record is reachable, since /);
    assert.match(lineOf('State', record) ?? '', /^reachable, since /);
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
      pvText(details, nowMs, WINDOW_WORDS),
      pvText(details, nowMs + 50_000, WINDOW_WORDS),
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

  const pva: PvPath = {
    ...path,
    row: { ...row, protocol: 'pva' },
    implementation: 'pvxs',
    listening: { host: '0.0.0.0', port: 5075 },
    local: { host: '127.0.0.1', port: 5075 },
  };
  const linesOf = (section: DetailsSection | undefined): string[] =>
    section?.lines.map(({ label, text }) => `${label}: ${text}`) ?? [];

  it('tells what matters first, by the protocol that is meant, and what differs below', () => {
    const time = '2026-01-02T03:04:04.5Z';
    const reading = { value: 1.5, units: 'mA', severity: 'MINOR', alarmMessage: 'HIGH', time };
    const read = { reading, readAt: time };
    const details = {
      name: 'X:Y',
      paths: [
        { ...path, ...read },
        { ...pva, ...read },
      ],
    };
    const [head, first, other] = allOf(details, { protocol: 'pva' });
    assert.deepEqual(
      linesOf(head).map((line) => line.split(':')[0]),
      ['Value', 'Alarm', 'State', 'Path'],
    );
    assert.match(linesOf(head).at(-1) ?? '', /127\.0\.0\.1:5075$/);
    assert.equal(head?.health, 'alarm');
    assert.deepEqual(
      [first?.heading, other?.heading],
      ['pvAccess (pvxs)', 'Channel Access (rsrv)'],
    );
    assert.deepEqual(linesOf(first), [`Time: ${formatLocal(time)}`]);
    assert.deepEqual(linesOf(other), [
      'Value: the same',
      `State: reachable, since ${formatMoment('2026-01-02T03:01:00Z', nowMs)}`,
      "Path: :5064 \u2192 agent in the container's network \u2192 127.0.0.1:5064",
    ]);
  });

  it('tells a cause once', () => {
    const problem = { code: 'container-paused', container: 'dev' } as const;
    const paused = { problem, readProblem: problem };
    const details = {
      name: 'X:Y',
      paths: [
        { ...path, ...paused },
        { ...pva, ...paused },
      ],
    };
    const text = allOf(details).flatMap(linesOf).join('\n');
    assert.equal(text.match(/paused/g)?.length, 1, text);
    assert.match(text, /State: the same/);
    assert.equal(text.match(/What to do/g)?.length, 1);
  });

  it('tells the value that is followed while a read takes its time', () => {
    const live = {
      reading: { text: '7 mA', severity: 'MAJOR' },
      ...{ receivedAtMs: nowMs, isCurrent: true },
    };
    const details = { name: 'X:Y', paths: [path] };
    assert.deepEqual(linesOf(allOf(details, { live })[0]).slice(0, 2), [
      'Value: 7 mA',
      'Alarm: MAJOR',
    ]);
    const readAt = new Date(nowMs).toISOString();
    const reading = { value: 8, severity: 'NO_ALARM' };
    const read = { name: 'X:Y', paths: [{ ...path, reading, readAt }] };
    assert.equal(linesOf(allOf(read, { live })[0])[0], 'Value: 8');
  });

  it('tells the last value that came before the PV went away, as its row does', () => {
    const last = { reading: { text: '20.7 C' }, receivedAtMs: nowMs - 60_000, isCurrent: false };
    const readAt = new Date(nowMs - 200_000).toISOString();
    const reading = { value: 27.3, severity: 'NO_ALARM' };
    const gone = { ...path, reading, readAt, readProblem: { code: 'disconnected', detail: 'x' } };
    const [head] = allOf({ name: 'X:Y', paths: [gone as PvPath] }, { live: last });
    const [value, , read, why] = linesOf(head);
    assert.equal(value, 'Value: 20.7 C');
    assert.match(read ?? '', /^Read: /);
    assert.match(why ?? '', /^No newer value: /);
  });

  it('says so when no IOC tells the name', () => {
    const [section] = allOf({ name: 'X:Y', paths: [] });
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
    const nodes = all(treeOf(snapshot, { arrangement: 'servers' }, WINDOW_WORDS));
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
    const node = treeOf(snapshot, { arrangement: 'servers' }, WINDOW_WORDS).at(-1);
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
