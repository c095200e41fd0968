import assert from 'node:assert/strict';
import { fakeVscode } from '../../support/fakeVscode';
import type { TreeItem } from 'vscode';
import type { TreeNode } from '../../../src/present/pvTree';
import { PvsView, type PvsViewInput } from '../../../src/ui/pvsView';
import { tooltipOf } from '../../../src/ui/pvTooltip';
import { WindowExposure } from '../../../src/ui/windowExposure';
import { CoreScene } from '../../support/coreScene';
import { FakeClock } from '../../support/fakeClock';
import type { FakeContainer } from '../../support/fakeEngine';
import { snapshotWith } from '../../support/snapshots';
import { until } from '../../support/until';
import { windowCore } from '../../support/windowScene';

describe('the message of the view PVs', () => {
  function drawn(place: PvsViewInput['place'], isExposing: boolean): unknown[] {
    const exposure = {
      isExposing,
      snapshot: snapshotWith([{}]),
      onDidChange: () => ({ dispose: () => undefined }),
    };
    const view = new PvsView({
      exposure,
      ownContainerKey: () => undefined,
      place,
      clock: new FakeClock(),
    } as unknown as PvsViewInput);
    exposure.isExposing = false;
    view.refresh();
    view.dispose();
    return fakeVscode.view.messages;
  }

  // An empty message hides the welcome text in Theia.
  it('is not set where there is none', () => assert.deepEqual(drawn('here', true), []));

  it('goes with the lines that it is about', () => {
    const [message, ...rest] = drawn('inside', true);
    assert.match(String(message), /inside the container/);
    assert.deepEqual(rest, [undefined]);
  });
});

describe('the view PVs', () => {
  let scene: CoreScene;
  let dev: FakeContainer;
  let exposure: WindowExposure;
  let view: PvsView;
  let redrawn: (readonly TreeNode[] | undefined)[];
  beforeEach(async () => {
    fakeVscode.settings.clear();
    scene = new CoreScene();
    dev = scene.engine.run('dev');
    dev.start({ name: 'IOC' });
    const { core } = scene;
    exposure = new WindowExposure(async () => windowCore(core.openFrontEnd()), []);
    redrawn = [];
    await exposure.expose();
    await scene.untilSettled();
    view = new PvsView({
      ...{ exposure, ownContainerKey: () => 'engine#dev', place: 'here' },
      tooltipOf: (node) => tooltipOf(exposure, node),
      clock: scene.clock,
    });
    view.onDidChangeTreeData((nodes) => redrawn.push(nodes));
  });
  afterEach(async () => {
    view.dispose();
    exposure.dispose();
    await scene.end();
  });

  async function child(parent: TreeNode | undefined, kind: TreeNode['kind']): Promise<TreeNode> {
    const node = (await view.getChildren(parent)).find((one) => one.kind === kind);
    assert.ok(node, `${kind} below ${parent?.label}`);
    return node;
  }
  async function server(): Promise<TreeNode> {
    return child(await child(await child(undefined, 'container'), 'ioc'), 'server');
  }
  const labels = (nodes: readonly TreeNode[]): string[] => nodes.map(({ label }) => label);
  const item = (node: TreeNode): TreeItem => view.getTreeItem(node);

  it('shows containers, IOCs, servers and PVs, opened down to the servers', async () => {
    const container = await child(undefined, 'container');
    const ioc = await child(container, 'ioc');
    const servers = await view.getChildren(ioc);
    const [first] = servers;
    assert.ok(first);
    const pvs = await view.getChildren(first);
    assert.deepEqual([container.label, ioc.label, servers.length], ['dev', 'IOC', 2]);
    assert.ok(labels(pvs).includes('DEMO:MOTOR'));
    const states = [container, ioc, first, pvs[0]].map(
      (node) => node && item(node).collapsibleState,
    );
    assert.deepEqual(states, [2, 2, 1, 0]);
    assert.equal(item(pvs[0] as TreeNode).contextValue, 'pv ca');
    assert.deepEqual(await view.getChildren(pvs[0]), []);
  });

  it('is empty when nothing is exposed', async () => {
    await exposure.stop();
    view.refresh();
    assert.deepEqual(await view.getChildren(), []);
    assert.equal(redrawn.at(-1), undefined);
  });

  it('draws the lines that changed, and no others', async () => {
    const container = await child(undefined, 'container');
    await server();
    dev.setPaused(true);
    await scene.clock.advance(1000);
    await until(() => redrawn.length > 0, 5000, 'a redraw');
    const changed = redrawn.flatMap((nodes) => nodes ?? []);
    assert.ok(changed.includes(container));
    assert.ok(changed.every(({ kind }) => kind !== 'search'));
    // What VS Code knows the line by is older than what it says now.
    assert.match(String(item(container).description), /paused/);
    assert.equal(fakeVscode.view.badge?.value, 24);
    await child(await child(undefined, 'container'), 'problem');
  });

  it('draws all of it where a line comes or goes', async () => {
    await server();
    scene.engine.run('other').start({ name: 'OTHER' });
    await scene.untilSettled();
    await scene.clock.advance(100);
    await until(() => redrawn.length > 0, 5000, 'a redraw');
    assert.deepEqual(redrawn, [undefined]);
    const containers = (await view.getChildren()).filter(({ kind }) => kind === 'container');
    assert.deepEqual(labels(containers), ['dev', 'other']);
  });

  it('shows what a filter leaves, and says where that is nothing', async () => {
    view.filter = ' beam ';
    assert.equal(view.filter, 'beam');
    assert.equal(fakeVscode.contextKeys.get('epicsExpose.isFiltered'), true);
    assert.equal(fakeVscode.view.description, 'filter: beam');
    const one = await server();
    assert.equal(item(one).collapsibleState, 2);
    const shown = await view.getChildren(one);
    assert.deepEqual(labels(shown), ['DEMO:BEAM:CURRENT', 'DEMO:BEAM:X', 'DEMO:BEAM:Y']);
    view.filter = 'DEMO*Y';
    const wild = labels(await view.getChildren(one));
    assert.ok(wild.includes('DEMO:BEAM:Y') && !wild.includes('DEMO:MOTOR'));
    view.filter = 'nothing';
    assert.deepEqual(
      (await view.getChildren(one)).map(({ kind }) => kind),
      ['problem'],
    );
    view.filter = '';
    assert.equal(fakeVscode.view.description, '');
    assert.equal((await view.getChildren(one)).length, 12);
  });

  it('says that PVs cannot be listed', async () => {
    const one = await server();
    const core = exposure.core;
    assert.ok(core);
    core.listBranch = () => Promise.reject(new Error('away'));
    assert.deepEqual(
      (await view.getChildren(one)).map(({ kind }) => kind),
      ['problem'],
    );
    await exposure.stop();
    assert.deepEqual(await view.getChildren(one), []);
  });

  it('reveals a PV: each line knows the one above', async () => {
    const one = await server();
    const motor = (await view.getChildren(one)).find(({ label }) => label === 'DEMO:MOTOR');
    assert.ok(motor?.kind === 'pv');
    view.filter = 'beam';
    await view.reveal(motor.row);
    assert.equal(view.filter, '');
    const [revealed] = fakeVscode.view.revealed;
    assert.equal(revealed?.id, motor.id);
    const above: string[] = [];
    for (let node: TreeNode | undefined = revealed; node; node = await view.getParent(node)) {
      above.push(node.kind);
    }
    assert.deepEqual(above, ['pv', 'server', 'ioc', 'container']);
  });

  it('knows which PV is selected', async () => {
    const one = await server();
    fakeVscode.view.selection = [one];
    const pv = await child(one, 'pv');
    const selected = [one, pv].map((node) => {
      fakeVscode.view.selection = [node];
      return view.selectedPv?.name;
    });
    assert.deepEqual(selected, [undefined, pv.label]);
  });

  it('finds the way down to a PV through groups', async () => {
    const box = scene.engine.run('box');
    const names = ['A', 'B'].flatMap((area) =>
      Array.from({ length: 60 }, (_, at) => `${area}:${at}`),
    );
    box.files.set('/x.db', names.map((name) => `record(ai, "${name}") {}`).join('\n'));
    box.start({ name: 'BOX', servers: { 40_001: 'ca' }, commandLine: ['softIoc', '-d', '/x.db'] });
    await scene.untilSettled();
    view.refresh();
    const { key } = scene.server('box', 'ca');
    const [group] = await listed(key);
    assert.ok(group?.kind === 'group');
    assert.equal(item(group).collapsibleState, 1);
    const [pv] = await view.getChildren(group);
    assert.ok(pv?.kind === 'pv');
    assert.equal((await view.getParent(pv))?.id, group.id);
    assert.equal((await view.getParent(group))?.id, key);
  });

  async function listed(serverKey: string): Promise<TreeNode[]> {
    for (const container of await view.getChildren()) {
      for (const ioc of await view.getChildren(container)) {
        for (const one of await view.getChildren(ioc)) {
          if (one.id === serverKey) return view.getChildren(one);
        }
      }
    }
    return [];
  }

  it('tells a PV when it is hovered, and again when that has changed', async () => {
    const one = await server();
    const pv = (await view.getChildren(one)).find(({ label }) => label === 'DEMO:COUNTER');
    assert.ok(pv);
    const token = { isCancellationRequested: false } as Parameters<PvsView['resolveTreeItem']>[2];
    const { tooltip } = await view.resolveTreeItem(item(pv), pv, token);
    assert.match(String(tooltip && typeof tooltip === 'object' && tooltip.value), /DEMO:COUNTER/);
    await scene.clock.advance(6000);
    assert.deepEqual(redrawn, [[pv]]);
    // Over another line nothing is left to be drawn anew.
    redrawn.length = 0;
    await view.resolveTreeItem(item(pv), pv, token);
    fakeVscode.view.selectionChanged.fire();
    assert.deepEqual(redrawn, [[pv]]);
    await view.resolveTreeItem(item(pv), pv, token);
    await view.resolveTreeItem(item(one), one, token);
    assert.deepEqual(redrawn, [[pv], [pv]]);
    await scene.clock.advance(6000);
    assert.deepEqual(redrawn, [[pv], [pv]]);
  });
});
