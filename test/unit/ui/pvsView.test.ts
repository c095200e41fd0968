import assert from 'node:assert/strict';
import { fakeVscode } from '../../support/fakeVscode';
import type { TreeItem } from 'vscode';
import type { Arrangement, TreeNode } from '../../../src/present/pvTree';
import { LiveValues } from '../../../src/ui/liveValues';
import { PvsView, type PvsViewInput } from '../../../src/ui/pvsView';
import { tooltipOf } from '../../../src/ui/pvTooltip';
import { WatchList } from '../../../src/ui/watchList';
import { WindowExposure } from '../../../src/ui/windowExposure';
import { CoreScene } from '../../support/coreScene';
import { FakeClock } from '../../support/fakeClock';
import type { FakeContainer } from '../../support/fakeEngine';
import { FakeMemento } from '../../support/fakeMemento';
import { snapshotWith } from '../../support/snapshots';
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
      watched: new WatchList(new FakeMemento()),
      ownContainerKey: () => undefined,
      place,
      memory: new FakeMemento(),
      clock: new FakeClock(),
    } as unknown as PvsViewInput);
    exposure.isExposing = false;
    view.refresh();
    view.dispose();
    return fakeVscode.view.messages;
  }

  it('gives way to a line that names the setting that is wrong', async () => {
    const exposure = {
      isExposing: true,
      problem: { kind: 'bad-settings', message: '"x:" is no engine address' },
      snapshot: snapshotWith([]),
      onDidChange: () => ({ dispose: () => undefined }),
    };
    const input = {
      exposure,
      ownContainerKey: () => undefined,
      place: 'here',
      watched: new WatchList(new FakeMemento()),
      memory: new FakeMemento(),
      clock: new FakeClock(),
    };
    const view = new PvsView(input as unknown as PvsViewInput);
    const [node, ...others] = await view.getChildren();
    assert.equal(node?.label, 'epicsExpose.engine: "x:" is no engine address');
    assert.deepEqual(others, []);
    assert.equal(node && view.getTreeItem(node).contextValue, 'problem settings');
    view.dispose();
  });

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
  let live: LiveValues;
  let memory: FakeMemento;
  let list: WatchList;
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
    live = new LiveValues(exposure, scene.clock);
    memory = new FakeMemento();
    list = new WatchList(new FakeMemento());
    open('servers');
  });
  afterEach(async () => {
    view.dispose();
    live.dispose();
    exposure.dispose();
    await scene.end();
  });

  function open(arrangement?: Arrangement): void {
    if (arrangement) void memory.update('arrangement', arrangement);
    view = new PvsView({
      ...{
        exposure,
        live,
        watched: list,
        ownContainerKey: () => 'engine#dev',
        place: 'here',
        memory,
      },
      tooltipOf: (node, isLive) => tooltipOf(exposure, node, isLive ? live : undefined),
      clock: scene.clock,
    });
    redrawn.length = 0;
    view.onDidChangeTreeData((nodes) => redrawn.push(nodes));
  }

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

  it('is arranged and sorted in the next window as in this one', () => {
    view.order = 'severity';
    view.dispose();
    open();
    assert.deepEqual([view.arrangement, view.order], ['servers', 'severity']);
  });

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

  it('fills the star of a PV as soon as it is watched', async () => {
    const rows = await view.getChildren(await server());
    const motor = rows.find(({ label }) => label === 'DEMO:MOTOR');
    assert.ok(motor?.kind === 'pv');
    const contexts: unknown[] = [];
    rows.forEach(item);
    for (const act of [() => list.add([motor.row]), () => list.remove([motor.row])]) {
      redrawn.length = 0;
      contexts.push(item(motor).contextValue);
      await act();
      await scene.clock.advance(1000);
      assert.ok(redrawn.some((nodes) => nodes?.includes(motor)));
    }
    contexts.push(item(motor).contextValue);
    assert.deepEqual(contexts, ['pv ca', 'pv ca watched', 'pv ca']);
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
    const changed = redrawn.flatMap((nodes) => nodes ?? []);
    assert.ok(changed.includes(container));
    assert.ok(changed.every(({ kind }) => kind !== 'search'));
    // What VS Code knows the line by is older than what it says now.
    assert.match(String(item(container).description), /paused/);
    assert.equal(fakeVscode.view.badge?.value, 12);
    await child(await child(undefined, 'container'), 'problem');
  });

  it('draws all of it where a line comes or goes', async () => {
    await server();
    scene.engine.run('other').start({ name: 'OTHER' });
    await scene.untilSettled();
    await scene.clock.advance(1000);
    assert.deepEqual(redrawn, [undefined]);
    const containers = (await view.getChildren()).filter(({ kind }) => kind === 'container');
    assert.deepEqual(labels(containers), ['dev', 'other']);
  });

  it('shows what a filter leaves, and says where that is nothing', async () => {
    view.filter = { pattern: ' beam ' };
    assert.deepEqual(view.filter, { pattern: 'beam' });
    assert.equal(fakeVscode.contextKeys.get('epicsExpose.isFiltered'), true);
    assert.equal(fakeVscode.view.description, 'filter: beam');
    const one = await server();
    assert.equal(item(one).collapsibleState, 2);
    const shown = await view.getChildren(one);
    assert.deepEqual(labels(shown), ['DEMO:BEAM:CURRENT', 'DEMO:BEAM:X', 'DEMO:BEAM:Y']);
    view.filter = { pattern: 'DEMO*Y' };
    const wild = labels(await view.getChildren(one));
    assert.ok(wild.includes('DEMO:BEAM:Y') && !wild.includes('DEMO:MOTOR'));
    view.filter = { pattern: 'nothing' };
    await scene.clock.advance(0);
    const rows = await view.getChildren();
    assert.deepEqual(labels(rows), ['Filter: nothing']);
    assert.equal(rows[0]?.kind, 'filter');
    assert.match(String(rows[0] && item(rows[0]).description), /nothing matches/);
    view.filter = {};
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
    view.filter = { pattern: 'beam' };
    await view.reveal(motor.row);
    assert.deepEqual(view.filter, {});
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

  const token = { isCancellationRequested: false } as Parameters<PvsView['resolveTreeItem']>[2];
  const hover = async (node: TreeNode): Promise<string> => {
    const { tooltip } = await view.resolveTreeItem(item(node), node, token);
    return tooltip && typeof tooltip === 'object' ? tooltip.value : '';
  };
  const timesDrawn = (node: TreeNode): number =>
    redrawn.filter((nodes) => nodes?.includes(node)).length;

  it('leaves a row alone while it is hovered, and tells what is so when it is hovered again', async () => {
    const one = await server();
    const rows = await view.getChildren(one);
    const counter = rows.find(({ label }) => label === 'DEMO:COUNTER');
    const motor = rows.find(({ label }) => label === 'DEMO:MOTOR');
    assert.ok(counter && motor);
    await scene.clock.advance(2000);
    redrawn.length = 0;
    const first = await hover(counter);
    assert.match(first, /DEMO:COUNTER/);
    await scene.clock.advance(3900);
    assert.equal(timesDrawn(counter), 0);
    // Its time to be read is over, and it would say something else.
    await scene.clock.advance(3000);
    assert.ok(timesDrawn(counter) > 0);
    assert.notEqual(await hover(counter), first);
    // The pointer is known to be elsewhere.
    redrawn.length = 0;
    await hover(motor);
    await scene.clock.advance(250);
    assert.ok(timesDrawn(counter) > 0);
    redrawn.length = 0;
    await hover(one);
    await scene.clock.advance(250);
    assert.ok(timesDrawn(motor) > 0);
  });

  describe('with the values of PVs', () => {
    const rowsBelow = async (parent: TreeNode): Promise<TreeNode[]> => {
      const rows = (await view.getChildren(parent)).filter(({ kind }) => kind === 'pv');
      for (const row of rows) item(row);
      return rows;
    };
    const said = (rows: readonly TreeNode[], label: string): string => {
      const row = rows.find((one) => one.label === label);
      return row ? String(item(row).description) : 'no such row';
    };
    let ioc: TreeNode;
    beforeEach(async () => {
      view.dispose();
      open('records');
      ioc = await child(await child(undefined, 'container'), 'ioc');
    });

    it('has each record once below its IOC, after the servers', async () => {
      const kinds = (await view.getChildren(ioc)).map(({ kind }) => kind);
      assert.deepEqual(kinds, ['server', 'server', ...Array.from({ length: 12 }, () => 'pv')]);
      assert.match(String(item(ioc).description), /12 of 12 reachable/);
    });

    it('shows value and unit, and draws the rows that changed and no others', async () => {
      const rows = await rowsBelow(ioc);
      assert.equal(said(rows, 'DEMO:MOTOR'), '');
      await scene.clock.advance(1000);
      assert.match(said(rows, 'DEMO:MOTOR'), /^[\d.]+ mm$/);
      assert.match(said(rows, 'DEMO:COUNTER'), /^\d+ counts$/);
      for (const row of rows) item(row);
      redrawn.length = 0;
      await scene.clock.advance(4000);
      const drawn = new Set(redrawn.flatMap((nodes) => nodes ?? []));
      const counter = rows.find(({ label }) => label === 'DEMO:COUNTER');
      assert.ok(counter && drawn.has(counter));
      assert.ok(![...drawn].some(({ label }) => label === 'DEMO:SHUTTER'));
      // Not at each of its four changes, and at most four times a second all together.
      assert.ok(redrawn.length <= 16, `${redrawn.length} redraws`);
    });

    it('shows first values at once, also while the user looks at a hover', async () => {
      const rows = await rowsBelow(ioc);
      const [first] = rows;
      assert.ok(first);
      await hover(first);
      await scene.clock.advance(1000);
      const without = rows.filter((row) => row !== first && !timesDrawn(row));
      assert.deepEqual(labels(without), []);
    });

    it('tells alarms by icon and text', async () => {
      const rows = await rowsBelow(ioc);
      await scene.until(
        () => /degC MINOR/.test(said(rows, 'DEMO:TEMPERATURE')),
        'an alarm',
        60_000,
      );
      const row = rows.find(({ label }) => label === 'DEMO:TEMPERATURE');
      assert.ok(row);
      const { iconPath, accessibilityInformation } = item(row);
      assert.equal((iconPath as { id: string }).id, 'warning');
      assert.match(String(accessibilityInformation?.label), /MINOR/);
    });

    it('may have the worst first, and sorts again when that changes', async () => {
      view.order = 'severity';
      assert.equal(fakeVscode.contextKeys.get('epicsExpose.order'), 'severity');
      await scene.clock.advance(1000);
      ioc = await child(await child(undefined, 'container'), 'ioc');
      const rows = await rowsBelow(ioc);
      const isWorst = async (): Promise<boolean> => {
        const [first] = await rowsBelow(ioc);
        return first?.label === 'DEMO:TEMPERATURE';
      };
      await scene.until(() => /MINOR/.test(said(rows, 'DEMO:TEMPERATURE')), 'an alarm', 60_000);
      await scene.clock.advance(3000);
      assert.ok(timesDrawn(ioc) > 0);
      assert.ok(await isWorst());
      await scene.until(() => !/MINOR/.test(said(rows, 'DEMO:TEMPERATURE')), 'its end', 60_000);
      assert.ok(!(await isWorst()));
      view.order = 'name';
    });

    it('shows which PVs are in alarm, and among how many was looked', async () => {
      const rows = await rowsBelow(ioc);
      await scene.until(() => /MINOR/.test(said(rows, 'DEMO:TEMPERATURE')), 'an alarm', 60_000);
      view.filter = { state: 'alarm' };
      await scene.clock.advance(1000);
      const [filter, container] = await view.getChildren();
      assert.ok(filter);
      assert.match(String(item(filter).description), /^1 PV of 12, at [\d:]+$/);
      const shown = await view.getChildren(await child(container, 'ioc'));
      assert.deepEqual(
        shown.filter(({ kind }) => kind === 'pv').map(({ label }) => label),
        ['DEMO:TEMPERATURE'],
      );
      view.filter = { state: 'alarm', pattern: 'MOTOR' };
      await scene.clock.advance(1000);
      const nothing = await view.getChildren();
      assert.deepEqual(labels(nothing), ['Filter: in alarm, MOTOR']);
      view.filter = {};
    });

    it('says why there is no value, beside the last one', async () => {
      const rows = await rowsBelow(ioc);
      await scene.clock.advance(1000);
      dev.setPaused(true);
      await scene.clock.advance(3000);
      assert.match(said(rows, 'DEMO:MOTOR'), /^container paused \(was [\d.]+ mm\)/);
      dev.setPaused(false);
      await scene.clock.advance(10_000);
      assert.match(said(rows, 'DEMO:MOTOR'), /^[\d.]+ mm$/);
    });

    it('follows none while a branch or the view is closed', async () => {
      const rows = await rowsBelow(ioc);
      await scene.clock.advance(1000);
      assert.ok(live.latest({ name: 'DEMO:MOTOR', protocol: 'ca' }));
      const isFollowed = (): boolean =>
        live.latest({ name: 'DEMO:MOTOR', protocol: 'ca' }) !== undefined;
      fakeVscode.view.collapsed.fire({ element: ioc });
      await scene.clock.advance(2000);
      assert.equal(isFollowed(), false);
      fakeVscode.view.expanded.fire({ element: ioc });
      await scene.clock.advance(2000);
      assert.equal(isFollowed(), true);
      fakeVscode.view.visible = false;
      fakeVscode.view.visibilityChanged.fire();
      await scene.clock.advance(2000);
      assert.equal(isFollowed(), false);
      assert.equal(said(rows, 'DEMO:MOTOR'), 'reachable, not live');
    });

    it('follows two hundred rows, those of the branch that was opened last first', async () => {
      const box = scene.engine.run('box');
      const names = ['A', 'B', 'C'].flatMap((area) =>
        Array.from({ length: 150 }, (_, at) => `${area}:${at}`),
      );
      box.files.set('/x.db', names.map((name) => `record(ai, "${name}") {}`).join('\n'));
      box.start({
        name: 'BOX',
        servers: { 40_001: 'ca' },
        commandLine: ['softIoc', '-d', '/x.db'],
      });
      await scene.untilSettled();
      view.refresh();
      const containers = await view.getChildren();
      const one = containers.find(({ label }) => label === 'box');
      const groups = await view.getChildren(await child(one, 'ioc'));
      const lists: TreeNode[][] = [];
      for (const group of groups.filter(({ kind }) => kind === 'group')) {
        lists.push(await rowsBelow(group));
      }
      const liveCounts = (): number[] =>
        lists.map(
          (rows) =>
            rows.filter(({ label: name }) => live.latest({ name, protocol: 'ca' }) !== undefined)
              .length,
        );
      await scene.clock.advance(1000);
      assert.equal(lists.length, 3);
      const last = liveCounts();
      assert.equal(
        last.reduce((sum, count) => sum + count, 0),
        200,
      );
      assert.equal(last[2], lists[2]?.length);
      const first = groups.find(({ label }) => label === 'A:');
      assert.ok(first);
      fakeVscode.view.expanded.fire({ element: first });
      await scene.clock.advance(2000);
      assert.equal(liveCounts()[0], lists[0]?.length);
    });
  });
});
