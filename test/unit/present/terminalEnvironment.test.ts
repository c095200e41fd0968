import assert from 'node:assert/strict';
import { environmentFiles, terminalEnvironment } from '../../../src/present/terminalEnvironment';
import { snapshotWith } from '../../support/snapshots';

const local = { host: '127.0.0.1', port: 5064 };
const ours = { EPICS_CA_NAME_SERVERS: '127.0.0.1:5064' };
const own = 'engine#id';

describe('terminalEnvironment', () => {
  const plain = snapshotWith([{ local }]);

  it('is set where terminals run on this machine', () => {
    assert.deepEqual(terminalEnvironment('auto', 'here', plain, undefined), ours);
    assert.deepEqual(terminalEnvironment('never', 'here', plain, undefined), {});
    assert.deepEqual(terminalEnvironment('auto', 'elsewhere', plain, undefined), {});
    assert.deepEqual(terminalEnvironment('always', 'elsewhere', plain, undefined), ours);
  });

  it('is set in a container window only where it is right in the container, too', () => {
    const inside = (snapshot: typeof plain, key?: string): object =>
      terminalEnvironment('auto', 'remote-window', snapshot, key);
    assert.deepEqual(inside(plain, own), ours);
    assert.deepEqual(inside(plain), {}, 'not known which container it is');
    const second = snapshotWith([{ local: { host: '127.0.0.2', port: 5064 } }]);
    assert.deepEqual(inside(second, own), {}, 'the container does not have it at 127.0.0.2');
    const bound = snapshotWith([{ local, listening: { host: '172.17.0.2', port: 5064 } }]);
    assert.deepEqual(inside(bound, own), {}, 'it does not listen on its loopback');
  });
});

describe('environmentFiles', () => {
  it('say it in the words of each shell', () => {
    const content = Object.fromEntries(
      environmentFiles(ours).map((file) => [file.name, file.content.split(/\r?\n/)[1]]),
    );
    assert.deepEqual(content, {
      'env.sh': 'export EPICS_CA_NAME_SERVERS=127.0.0.1:5064',
      'env.csh': "setenv EPICS_CA_NAME_SERVERS '127.0.0.1:5064'",
      'env.fish': "set -gx EPICS_CA_NAME_SERVERS '127.0.0.1:5064'",
      'env.ps1': "$env:EPICS_CA_NAME_SERVERS = '127.0.0.1:5064'",
      'env.bat': 'set "EPICS_CA_NAME_SERVERS=127.0.0.1:5064"',
    });
  });

  it('set nothing when nothing is exposed', () => {
    for (const { content } of environmentFiles({})) assert.doesNotMatch(content, /EPICS_/);
  });
});
