import assert from 'node:assert/strict';
import { WINDOW_WORDS } from '../../../src/present/frontEndWords';
import { reportLines, type ReportInput } from '../../../src/present/reportText';
import { PORT_TAKEN, snapshotWith } from '../../support/snapshots';

describe('a report', () => {
  const snapshot = {
    ...snapshotWith([{ status: 'failed', problem: PORT_TAKEN }]),
    engines: [
      {
        ...{ key: 'ssh://carla@beamline.example:22', kind: 'docker', version: '28.0' },
        status: 'connected' as const,
      },
    ],
  };
  const input: ReportInput = {
    ...{ versions: ['epics-expose 1.0.0'], time: '2026-01-02T03:04:05Z', address: 'https://x/y' },
    ...{ findings: [], pvs: [], snapshot, words: WINDOW_WORDS },
    log: undefined,
    identity: { user: 'carla', host: 'ws7.example.org', home: '/home/carla' },
  };
  const text = (more: Partial<ReportInput> = {}): string =>
    reportLines({ ...input, ...more }).join('\n');

  it('has versions, engines, servers and why', () => {
    const lines = text();
    assert.match(lines, /^Report of epics-expose, 2026-01-02T03:04:05Z\n/);
    assert.match(lines, /attach it at https:\/\/x\/y/);
    assert.match(lines, /== Versions\nepics-expose 1\.0\.0\n/);
    assert.match(lines, /== Engines\ndocker 28\.0, connected, ssh:\/\/USER@beamline\.example:22\n/);
    assert.match(lines, /== Servers\ndev: image, running\ndev +DEV_TEST_IOC +CA/);
    assert.match(lines, /== Log of the background process\nnone$/);
  });

  it('has no name of user or machine, no home and no credentials', () => {
    const log = [
      'opened /home/carla/x and /run/user/carla/y and /home/carlaz/z',
      'PV A:B of carla on ws7: no read access; carla@ws7.example.org, http://carla:secret@proxy/',
      'tcp://carla:pa/s@s@h:2375 and /nfs/users/carla/x and CORP\\\\carla and user=carla',
      'IOC carla-ioc in container ws7-dev, PV CARLA:X, on ws7.',
    ].join('\n');
    const lines = text({ log });
    assert.doesNotMatch(lines, /secret|\bcarla on|carla@|\bws7\b(?!-dev)/);
    assert.match(lines, /opened ~\/x and \/run\/user\/USER\/y and \/home\/carlaz\/z/);
    assert.match(lines, /of USER on HOST: no read access; USER@HOST, http:\/\/USER@proxy\//);
    assert.match(
      lines,
      /tcp:\/\/USER@h:2375 and \/nfs\/users\/USER\/x and CORP\\\\USER and user=USER/,
    );
    // What merely has such letters in it stays.
    assert.match(lines, /IOC carla-ioc in container ws7-dev, PV CARLA:X, on HOST\./);
  });

  it('has the end of the log only, and nothing that steers a terminal', () => {
    const log = Array.from({ length: 1000 }, (_, at) => `line ${at} \u001b[31m`).join('\n');
    const lines = text({ log }).split('\n');
    assert.ok(lines.length < 260, `${lines.length}`);
    assert.equal(lines.at(-1), 'line 999 \\x1b[31m');
  });
});
