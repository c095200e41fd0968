import { fakeVscode } from '../../support/fakeVscode';
import assert from 'node:assert/strict';
import { EventEmitter } from '../../../src/base/event';
import type { LiveReading } from '../../../src/model/liveReading';
import { keyOf, type WantedPv } from '../../../src/model/pvList';
import type { PvAddress } from '../../../src/model/pvAddress';
import type { LiveValue } from '../../../src/ui/liveValues';
import { WatchedValues } from '../../../src/ui/watchedValues';
import { MAX_WATCHED, WatchList, type WatchMemory } from '../../../src/ui/watchList';
import { WatchView } from '../../../src/ui/watchView';
import { FakeClock } from '../../support/fakeClock';

const A = { name: 'A' };
const B = { name: 'B', protocol: 'ca' } as const;
const C = { name: 'C', protocol: 'pva' } as const;

class Memory implements WatchMemory {
  readonly values = new Map<string, unknown>();
  get(key: string): unknown {
    return this.values.get(key);
  }
  async update(key: string, value: unknown): Promise<void> {
    this.values.set(key, value);
  }
}

/** The live values of a window; a test tells what comes. */
class Live {
  readonly values = new Map<string, LiveValue>();
  readonly listeners = new Map<string, Set<() => void>>();

  get followed(): string[] {
    return [...this.listeners].filter(([, all]) => all.size > 0).map(([key]) => key);
  }
  follow(address: PvAddress, onChange: () => void): { dispose(): void } {
    const all = this.listeners.get(keyOf(address)) ?? new Set();
    this.listeners.set(keyOf(address), all.add(onChange));
    return { dispose: () => void all.delete(onChange) };
  }
  latest(address: PvAddress): LiveValue | undefined {
    return this.values.get(keyOf(address));
  }
  send(key: string, value: { reading?: LiveReading; problem?: LiveValue['problem'] }): void {
    const { problem, reading } = value;
    this.values.set(key, {
      readAtMs: 0,
      ...(reading && { reading }),
      ...(problem && { problem }),
    });
    for (const listener of this.listeners.get(key) ?? []) listener();
  }
}
const number = (value: number): { reading: LiveReading } => ({
  reading: { text: `${value}`, number: value },
});
const AWAY = { problem: { code: 'not-served', protocol: 'ca' } } as const;

describe('the list of watched PVs', () => {
  let memory: Memory;
  let list: WatchList;
  beforeEach(() => {
    memory = new Memory();
    list = new WatchList(memory);
  });

  it('is kept for the workspace', async () => {
    await list.add([A, B]);
    assert.deepEqual(new WatchList(memory).pvs, [A, B]);
    await list.remove([A]);
    assert.deepEqual(new WatchList(memory).pvs, [B]);
  });

  it('survives whatever the memory has', () => {
    for (const value of [5, null, [1], 'x y z\n\u0000']) {
      memory.values.set('watched', value);
      assert.ok(new WatchList(memory).pvs.length <= 1);
    }
  });

  it('has each PV once, and a limit', async () => {
    assert.deepEqual(await list.add([A, A, B]), { added: 2, known: 1, refused: 0 });
    const many = Array.from({ length: 600 }, (_, at) => ({ name: `N${at}` }));
    assert.deepEqual(await list.add(many), { added: 498, known: 0, refused: 102 });
    assert.equal(list.pvs.length, MAX_WATCHED);
  });

  it('is moved by the user', async () => {
    await list.add([A, B, C]);
    const names = (): string => list.pvs.map(({ name }) => name).join('');
    await list.move([C], A);
    assert.equal(names(), 'CAB');
    await list.move([A, C], undefined);
    assert.equal(names(), 'BCA');
    await list.move([C], C);
    assert.equal(names(), 'BCA');
  });
});

describe('the values of watched PVs', () => {
  let live: Live;
  let values: WatchedValues;
  let changed: WantedPv[];
  beforeEach(() => {
    live = new Live();
    values = new WatchedValues(live);
    changed = [];
    values.onDidChange((pv) => changed.push(pv));
  });
  afterEach(() => {
    values.dispose();
    assert.deepEqual(live.followed, []);
  });

  it('come over either protocol, and then over the one that has them', () => {
    values.follow([A, B]);
    assert.deepEqual(live.followed.sort(), ['ca://A', 'ca://B', 'pva://A']);
    assert.equal(values.addressOf(A), undefined);
    live.send('pva://A', AWAY);
    live.send('ca://A', number(1));
    assert.deepEqual(live.followed.sort(), ['ca://A', 'ca://B']);
    assert.deepEqual(values.addressOf(A), { name: 'A', protocol: 'ca' });
    assert.equal(values.valueOf(A).reading?.text, '1');
    assert.ok(changed.length > 0);
  });

  it('come over pvAccess where both have them', () => {
    values.follow([A]);
    live.values.set('pva://A', { readAtMs: 0, ...number(2) });
    live.send('ca://A', number(1));
    live.send('pva://A', number(3));
    assert.deepEqual(live.followed, ['pva://A']);
    assert.equal(values.valueOf(A).reading?.text, '3');
  });

  it('are looked for over both again with another core', () => {
    values.follow([A]);
    live.send('ca://A', number(1));
    live.values.clear();
    for (const listener of live.listeners.get('ca://A') ?? []) listener();
    assert.deepEqual(live.followed.sort(), ['ca://A', 'pva://A']);
    assert.deepEqual(values.valueOf(A), { numbers: [] });
  });

  it('have a short memory of numbers, with gaps', () => {
    values.follow([B]);
    for (let at = 0; at < 40; at++) live.send('ca://B', number(at));
    live.send('ca://B', { ...number(39), ...AWAY });
    live.send('ca://B', { ...number(39), ...AWAY });
    const { numbers } = values.valueOf(B);
    assert.equal(numbers.length, 8);
    assert.deepEqual(numbers.slice(-3), [38, 39, NaN]);
  });
});

describe('the view Watch', () => {
  let live: Live;
  let list: WatchList;
  let values: WatchedValues;
  let view: WatchView;
  let clock: FakeClock;
  let exposure: { isExposing: boolean; onDidChange: EventEmitter<void>['event'] };
  let changed: EventEmitter<void>;
  beforeEach(async () => {
    live = new Live();
    list = new WatchList(new Memory());
    await list.add([A, B, C]);
    values = new WatchedValues(live);
    clock = new FakeClock();
    changed = new EventEmitter();
    exposure = { isExposing: true, onDidChange: changed.event };
    view = new WatchView({
      ...{ list, values, exposure, clock, isNotifying: () => false },
      tooltipOf: async () => ({ markdown: {} as never, isAnswer: true }),
    });
  });
  afterEach(() => {
    view.dispose();
    values.dispose();
    assert.equal(clock.pendingCount, 0);
  });
  const rows = (): string[] =>
    view.getChildren().map((node) => {
      const { label, description } = view.getTreeItem(node);
      return `${label as string} ${description as string}`;
    });

  it('shows what it knows of each PV', () => {
    live.send('ca://B', number(4));
    live.send('pva://C', AWAY);
    assert.deepEqual(rows().slice(0, 2), ['A no answer yet', 'B 4']);
    exposure.isExposing = false;
    assert.equal(rows()[0], 'A not exposed');
  });

  it('draws what changed at once, and then every two seconds', async () => {
    const [node] = view.getChildren().slice(1);
    const drawn: unknown[] = [];
    view.onDidChangeTreeData((nodes) => {
      drawn.push(nodes);
      rows(); // as VS Code does
    });
    for (let at = 0; at < 500; at++) {
      live.send('ca://B', number(at));
      await clock.advance(10);
      if (at === 50) assert.equal(drawn.length, 1);
    }
    assert.ok(drawn.length >= 2 && drawn.length <= 3, `${drawn.length} redraws in five seconds`);
    assert.deepEqual(drawn[0], [node]);
    await clock.advance(3000);
  });

  it('follows nothing while nobody looks', () => {
    fakeVscode.view.visible = false;
    fakeVscode.view.visibilityChanged.fire();
    assert.deepEqual(live.followed, []);
    fakeVscode.view.visible = true;
    fakeVscode.view.visibilityChanged.fire();
    assert.equal(live.followed.length, 4);
  });

  it('is ordered, and filled, by dragging', async () => {
    const [a, , c] = view.getChildren();
    const data = new Map<string, { value: unknown; asString(): Promise<string> }>();
    view.handleDrag([c!], data as never);
    await view.handleDrop(a, data as never);
    assert.deepEqual(list.pvs, [C, A, B]);
    const text = { value: '', asString: async () => 'D\nca://B\n' };
    await view.handleDrop(undefined, new Map([['text/plain', text]]) as never);
    assert.deepEqual(list.pvs, [C, A, B, { name: 'D' }]);
  });
});
