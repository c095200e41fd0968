import '../../support/fakeVscode';
import assert from 'node:assert/strict';
import { EventEmitter } from '../../../src/base/event';
import type { PlotRequest, PlotUpdate, PlotValue } from '../../../src/model/plotValue';
import type { ToPlot } from '../../../src/present/plot/plotMessages';
import { PlotSession } from '../../../src/ui/plotSession';
import type { ConnectedCore } from '../../../src/ui/windowExposure';
import { FakeClock } from '../../support/fakeClock';

const A = { name: 'A', protocol: 'pva' } as const;
const B = { name: 'B', protocol: 'ca' } as const;
const WAVE: PlotValue = { kind: 'wave', count: 0, low: '' };
const READY = { type: 'ready', width: 800, height: 600 } as const;

interface Plot {
  readonly request: PlotRequest;
  readonly send: (update: PlotUpdate) => void;
  isEnded: boolean;
}

describe('a session of a plot', () => {
  let clock: FakeClock;
  let plots: Plot[];
  let sent: ToPlot[];
  let core: ConnectedCore | undefined;
  let changed: EventEmitter<void>;
  let session: PlotSession;

  beforeEach(() => {
    clock = new FakeClock();
    plots = [];
    sent = [];
    changed = new EventEmitter();
    core = {
      plotPv(request: PlotRequest, send: (update: PlotUpdate) => void) {
        const plot: Plot = { request, send, isEnded: false };
        plots.push(plot);
        return { dispose: () => (plot.isEnded = true) };
      },
      describePv: async ({ name }: { name: string }) => ({ name, paths: [] }),
      listPvs: async () => ({ total: 1, reachable: 1, rows: [B] }),
    } as unknown as ConnectedCore;
    const exposure = {
      get core() {
        return core;
      },
      onDidChange: changed.event,
    };
    session = new PlotSession({ exposure, clock, send: (message) => sent.push(message) });
  });
  afterEach(() => {
    session.dispose();
    assert.ok(plots.every(({ isEnded }) => isEnded));
    assert.equal(clock.pendingCount, 0);
  });

  const open = (): Plot[] => plots.filter(({ isEnded }) => !isEnded);
  const number = (value: number): PlotUpdate => ({
    ...{ kind: 'value', value: { kind: 'number', value }, severity: 'NO_ALARM' },
  });
  const newsCount = (): number => sent.filter(({ type }) => type === 'news').length;

  it('sends nothing before the page listens, then everything', () => {
    session.add([A, B]);
    plots[0]?.send(number(1));
    assert.deepEqual(sent, []);
    session.receive(READY);
    assert.deepEqual(
      sent.map(({ type }) => type),
      ['tracks', 'news'],
    );
  });

  it('sends no more before the page has drawn, and then ten a second', async () => {
    session.add([A]);
    session.receive(READY);
    for (let at = 0; at < 100; at++) {
      plots[0]?.send(number(at));
      await clock.advance(10);
    }
    assert.equal(newsCount(), 1);
    for (let at = 0; at < 100; at++) {
      plots[0]?.send(number(at));
      session.receive({ type: 'drawn' });
      await clock.advance(10);
    }
    assert.ok(newsCount() > 8 && newsCount() < 13, `${newsCount()} messages in a second`);
    await clock.advance(200);
  });

  it('follows lines while it is hidden, and no pictures', () => {
    session.add([A, B]);
    session.receive(READY);
    plots[0]?.send(number(1));
    plots[1]?.send({ kind: 'value', value: WAVE, severity: 'NO_ALARM' });
    session.hide();
    assert.deepEqual(open(), [plots[0]]);
    const before = sent.length;
    plots[0]?.send(number(2));
    assert.equal(sent.length, before);
    session.receive(READY);
    assert.equal(open().length, 2);
    assert.equal(session.csv.split('\r\n').filter((row) => row.startsWith('pva://A')).length, 2);
  });

  it('leaves a picture that comes while it is hidden', () => {
    session.add([A]);
    plots[0]?.send({ kind: 'value', value: WAVE, severity: 'NO_ALARM' });
    assert.deepEqual(open(), []);
  });

  it('asks for pictures of another size where the panel has another', () => {
    session.add([A, B]);
    session.receive(READY);
    plots[0]?.send({ kind: 'value', value: WAVE, severity: 'NO_ALARM' });
    session.receive({ type: 'size', width: 810, height: 590 });
    assert.equal(plots.length, 2);
    session.receive({ type: 'size', width: 300, height: 200 });
    assert.deepEqual(
      open().map(({ request }) => request.name),
      ['B', 'A'],
    );
    assert.ok((open().at(-1)?.request.width ?? 0) < 800);
  });

  it('follows again after Stop and Expose', () => {
    session.add([A]);
    session.receive(READY);
    plots[0]?.send(number(1));
    const kept = core;
    core = undefined;
    changed.fire();
    assert.deepEqual(open(), []);
    assert.match(session.csv, /Z,,,,,,\r\n$/);
    core = kept;
    changed.fire();
    assert.equal(open().length, 1);
  });

  it('adds what the user types, once, and removes it', async () => {
    session.receive(READY);
    session.receive({ type: 'add', text: 'pva://A\nB # comment\npva://A\nloc://x' });
    await clock.advance(1);
    assert.deepEqual(session.pvs, [A, B]);
    const notice = sent.find((message) => message.type === 'notice');
    assert.match(notice?.text ?? '', /not the name of a PV: loc:\/\/x/);
    session.receive({ type: 'remove', id: 0 });
    assert.deepEqual(session.pvs, [B]);
    assert.equal(open().length, 1);
  });

  it('offers names', async () => {
    session.receive(READY);
    session.receive({ type: 'suggest', text: 'b' });
    await clock.advance(1);
    assert.deepEqual(sent.at(-1), { type: 'names', names: ['ca://B'] });
  });

  it('has a limit, and says so', () => {
    session.receive(READY);
    session.add(
      Array.from({ length: 60 }, (_, at) => ({ name: `N${at}`, protocol: 'ca' as const })),
    );
    assert.equal(session.pvs.length, 50);
    assert.ok(sent.some((message) => message.type === 'notice' && /at most 50/.test(message.text)));
  });
});
