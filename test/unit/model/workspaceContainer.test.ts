import assert from 'node:assert/strict';
import type { ContainerState, Snapshot } from '../../../src/model/snapshot';
import {
  type ContainerHint,
  findOwnContainer,
  parseRemoteAuthority,
  type WindowRemote,
} from '../../../src/model/workspaceContainer';

const hex = (data: unknown): string =>
  Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)).toString('hex');

const configFile = { $mid: 1, path: '/home/me/ioc/.devcontainer/devcontainer.json', scheme: 'x' };
const linux = { hostPath: '/home/me/ioc', localDocker: false, configFile };
const linuxHint = { folder: '/home/me/ioc', configFile: configFile.path };
const wslPath = '\\\\wsl.localhost\\NixOS\\home\\me\\ioc';

describe('parseRemoteAuthority', () => {
  const rows: [string, string, WindowRemote][] = [
    ['a folder of this machine', '', { kind: 'none' }],
    [
      'the JSON of Dev Containers',
      `dev-container+${hex(linux)}`,
      { kind: 'container', container: linuxHint },
    ],
    [
      'upper-case hex, percent-encoded',
      `dev-container%2B${hex(linux).toUpperCase()}`,
      { kind: 'container', container: linuxHint },
    ],
    [
      'a plain path',
      `dev-container+${hex('/home/me/ioc')}`,
      { kind: 'container', container: { folder: '/home/me/ioc' } },
    ],
    [
      'a path of WSL',
      `dev-container+${hex({ hostPath: wslPath })}`,
      { kind: 'container', container: { folder: wslPath } },
    ],
    [
      'over ssh',
      `dev-container+${hex(linux)}@ssh-remote+reddev`,
      { kind: 'container', container: linuxHint, parent: 'machine' },
    ],
    [
      'over a tunnel',
      `dev-container+${hex('/x')}@tunnel+box`,
      { kind: 'container', container: { folder: '/x' }, parent: 'machine' },
    ],
    [
      'within WSL',
      `dev-container+${hex('/x')}@wsl+Ubuntu`,
      { kind: 'container', container: { folder: '/x' }, parent: 'wsl' },
    ],
    [
      'attached by name',
      `attached-container+${hex({ containerName: '/my_ioc' })}`,
      { kind: 'container', container: { name: 'my_ioc' } },
    ],
    [
      'attached in a context',
      `attached-container+${hex({ containerName: '/a', settings: { context: 'lab' } })}`,
      { kind: 'container', container: { name: 'a' }, engine: 'lab' },
    ],
    [
      'attached on another machine',
      `attached-container+${hex({ containerName: '/a', settings: { host: 'ssh://me@box' } })}`,
      { kind: 'container', container: { name: 'a' }, engine: 'ssh://me@box' },
    ],
    [
      'attached, the old form, by name',
      `attached-container+${hex('my_ioc')}`,
      { kind: 'container', container: { name: 'my_ioc' } },
    ],
    [
      'attached, the old form, by id',
      `attached-container+${hex('ec5a2ae7fcf2')}`,
      { kind: 'container', container: { id: 'ec5a2ae7fcf2', name: 'ec5a2ae7fcf2' } },
    ],
    [
      'a fork with ids',
      `dev-container+${hex({ settingType: 'container', containerId: 'ec5a2ae7fcf2' })}`,
      { kind: 'container', container: { id: 'ec5a2ae7fcf2' } },
    ],
    [
      'a fork with paths',
      `dev-container+${hex({ workspacePath: '/w', devcontainerPath: '/w/d.json' })}`,
      { kind: 'container', container: { folder: '/w', configFile: '/w/d.json' } },
    ],
    [
      'JSON that says nothing we know',
      `dev-container+${hex({ volumeName: 'v' })}`,
      { kind: 'container', container: {} },
    ],
    ['no hex at all', 'dev-container+xyz', { kind: 'container' }],
    ['hex of no text', 'dev-container+fffe', { kind: 'container' }],
    ['WSL', 'wsl+Ubuntu', { kind: 'wsl' }],
    ['ssh', 'ssh-remote+box', { kind: 'machine' }],
    ['a codespace', 'codespaces+name', { kind: 'machine' }],
    ['a server of the web', '127.0.0.1:8080', { kind: 'unknown' }],
    ['a stray %', '%zz', { kind: 'unknown' }],
  ];
  for (const [title, authority, expected] of rows) {
    it(title, () => assert.deepEqual(parseRemoteAuthority(authority), expected));
  }
});

describe('findOwnContainer', () => {
  const container = (key: string, more: Partial<ContainerState>): ContainerState => ({
    key,
    engineKey: 'e',
    id: `${key}`.padEnd(64, '0'),
    name: key,
    image: '',
    labels: {},
    status: 'running',
    iocs: [],
    ...more,
  });
  const labels = (folder: string, file = '/c.json'): Record<string, string> => ({
    'devcontainer.local_folder': folder,
    'devcontainer.config_file': file,
  });
  const find = (containers: ContainerState[], hint: ContainerHint): string | undefined => {
    const snapshot: Snapshot = { isSettled: true, engines: [], containers, unknownNames: [] };
    return findOwnContainer(snapshot, hint)?.key;
  };

  it('by folder, however it is spelled', () => {
    const containers = [
      container('a', { labels: labels('/home/me/ioc') }),
      container('b', { labels: labels('c:\\Work\\ioc') }),
    ];
    assert.equal(find(containers, { folder: wslPath }), 'a');
    assert.equal(find(containers, { folder: 'C:/work/ioc/' }), 'b');
    assert.equal(find(containers, { folder: '/elsewhere' }), undefined);
  });

  it('by configuration, where the folder has several', () => {
    const containers = [
      container('a', { labels: labels('/x', '/x/1.json') }),
      container('b', { labels: labels('/x', '/x/2.json') }),
    ];
    assert.equal(find(containers, { folder: '/x', configFile: '/x/2.json' }), 'b');
    assert.equal(find(containers, { folder: '/x' }), undefined);
  });

  it('the running one after a rebuild', () => {
    const containers = [
      container('old', { labels: labels('/x'), status: 'stopped' }),
      container('new', { labels: labels('/x') }),
    ];
    assert.equal(find(containers, { folder: '/x' }), 'new');
  });

  it('by name, and by the beginning of the id', () => {
    const containers = [container('abc', {}), container('def', { name: 'my_ioc' })];
    assert.equal(find(containers, { name: 'my_ioc' }), 'def');
    assert.equal(find(containers, { id: 'abc000000000' }), 'abc');
    assert.equal(find(containers, {}), undefined);
  });
});
