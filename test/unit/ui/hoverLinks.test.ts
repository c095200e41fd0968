import assert from 'node:assert/strict';
import type { PvDetails } from '../../../src/model/coreApi';
import type { Snapshot } from '../../../src/model/snapshot';
import { WINDOW_WORDS } from '../../../src/present/frontEndWords';
import { childrenOf, treeOf, type TreeNode } from '../../../src/present/pvTree';
import { lineLinks, pvLinks } from '../../../src/ui/hoverLinks';
import { PORT_TAKEN, snapshotWith } from '../../support/snapshots';

const SERVER = 'engine#id#1@2#0';

function inState(snapshot: Snapshot, status: 'running' | 'paused' | 'stopped'): Snapshot {
  return { ...snapshot, containers: snapshot.containers.map((one) => ({ ...one, status })) };
}
function lineOf(snapshot: Snapshot, kind: TreeNode['kind']): TreeNode {
  const options = { ownContainerKey: undefined, arrangement: 'servers' } as const;
  const all = (nodes: readonly TreeNode[]): TreeNode[] =>
    nodes.flatMap((node) => [node, ...all(childrenOf(node))]);
  return all(treeOf(snapshot, options, WINDOW_WORDS)).find((node) => node.kind === kind)!;
}
function titles(snapshot: Snapshot, kind: TreeNode['kind']): string[] {
  return lineLinks(snapshot, lineOf(snapshot, kind)).map(({ title }) => title);
}

describe('the links of hovers', () => {
  const whole = snapshotWith([{ local: { host: '127.0.0.1', port: 5064 } }]);
  const broken = snapshotWith([{ status: 'failed', problem: PORT_TAKEN }]);

  it('cure a container that does not run', () => {
    assert.deepEqual(titles(whole, 'container'), ['Log of container']);
    assert.deepEqual(titles(inState(whole, 'paused'), 'container'), [
      'Unpause container',
      'Log of container',
    ]);
    assert.deepEqual(titles(inState(whole, 'stopped'), 'ioc'), [
      'Start container',
      'Log of container',
    ]);
  });

  it('copy the address of a server, and ask why it has none', () => {
    assert.deepEqual(titles(whole, 'server'), ['Copy address', 'Log of container']);
    assert.deepEqual(titles(broken, 'server'), ['Log of container', 'Why?']);
  });

  it('of a PV begin with the cure where it is not reachable', () => {
    const details = (state: string): PvDetails => ({
      name: 'A',
      paths: [
        {
          row: {
            ...{ name: 'A', protocol: 'ca', step: 'reachable', state, source: { kind: 'user' } },
            ...{ containerName: 'dev', iocName: 'DEV', serverKey: SERVER },
          },
          ...{ implementation: 'rsrv', listening: { host: '0.0.0.0', port: 5064 } },
        },
      ],
    });
    const of = (snapshot: Snapshot, state: string): (string | undefined)[] =>
      pvLinks(snapshot, details(state), 'ca').map(({ title }) => title);
    assert.deepEqual(of(whole, 'reachable').slice(0, 2), ['Monitor', 'Watch']);
    const paused = of(inState(whole, 'paused'), 'container-paused');
    assert.deepEqual(paused.slice(0, 4), [
      'Why?',
      'Unpause container',
      'Log of container',
      'Monitor',
    ]);
    const nobody = pvLinks(whole, { name: 'B', paths: [] }, undefined);
    assert.deepEqual(
      nobody.map(({ title, args }) => [title, args]),
      [
        ['Why?', [{ name: 'B' }]],
        ['Settings', []],
      ],
    );
  });
});
