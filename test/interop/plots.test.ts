/** What reaches a panel of PVs of each kind, over the real broker, from real servers. */
import assert from 'node:assert/strict';
import { decodeBase64, decodeDoubles } from '../../src/base/base64';
import type { PvUpdate } from '../../src/model/coreApi';
import type { PlotReading, PlotUpdate, PlotValue } from '../../src/model/plotValue';
import type { PvProtocol } from '../../src/model/snapshot';
import type { BrokerCore } from '../../src/node/broker/connectBroker';
import { Brokers } from '../support/brokers';
import type { LabEngine } from '../support/lab/engine';
import type { IocKind } from '../support/lab/ioc';
import { needsEngine } from '../support/lab/needs';
import { Scene } from '../support/scene';
import { until } from '../support/until';

const PANEL = { width: 512, height: 512 };
/** Of one image, in base64. */
const MOST_CHARACTERS = 90_000;

type Kind = PlotValue['kind'];
type ValueOf<K extends Kind> = Extract<PlotValue, { kind: K }>;

describe('plots: docker', () => {
  let lab: LabEngine;
  let scene: Scene;
  let brokers: Brokers;

  before(async function () {
    this.timeout(180_000);
    lab = await needsEngine(this, 'docker');
  });
  beforeEach(() => {
    scene = new Scene(lab);
    brokers = new Brokers(1500);
  });
  afterEach(async () => {
    await brokers?.end();
    await scene?.end();
  });

  async function windowOn(ioc: IocKind, ...names: string[]): Promise<BrokerCore> {
    const box = await scene.ioc({ ioc, image: 'py-ioc', macros: 'P=X:' });
    const window = await brokers.connect();
    const selection = { containers: [box.name], labels: [] };
    await window.setRequest({ selection, engines: [lab.endpoint], names });
    return window;
  }

  /** The first value that a panel gets of a PV. */
  async function plotted<K extends Kind>(
    window: BrokerCore,
    name: string,
    kind: K,
    protocol: PvProtocol = 'pva',
  ): Promise<PlotReading & { value: ValueOf<K> }> {
    let reading: PlotReading | undefined;
    let last: PlotUpdate | undefined;
    const plot = window.plotPv({ name: `X:${name}`, protocol, ...PANEL }, (update) => {
      last = update;
      if (update.kind === 'value') reading ??= update;
    });
    try {
      await until(
        () => reading !== undefined,
        20_000,
        () => `${name}: ${JSON.stringify(last)}`,
      );
      assert.equal(reading?.value.kind, kind, name);
      return reading as PlotReading & { value: ValueOf<K> };
    } finally {
      plot.dispose();
    }
  }

  it('have a value of each normative type as it is drawn', async function () {
    this.timeout(60_000);
    const window = await windowOn('plotP4p');
    const sine = await plotted(window, 'SINE', 'number');
    assert.equal(sine.units, 'mm');
    assert.ok(Math.abs(Date.parse(sine.time ?? '') - Date.now()) < 10_000);
    const { value: mode } = await plotted(window, 'MODE', 'choice');
    assert.deepEqual(mode.choices, ['Idle', 'Run', 'Fault']);
    assert.match((await plotted(window, 'STATE', 'string')).value.text, /calm|busy|upset/);

    const { value: wave } = await plotted(window, 'WAVE', 'wave');
    assert.equal(wave.count, 5000);
    const [low, high] = [decodeDoubles(wave.low), decodeDoubles(wave.high ?? '')];
    assert.equal(low.length, PANEL.width);
    assert.ok(Math.min(...low) < -0.99 && Math.max(...high) > 0.99);

    const { value: image } = await plotted(window, 'IMAGE', 'image');
    assert.deepEqual([image.fullWidth, image.fullHeight, image.type], [1000, 1000, 'ubyte']);
    assert.ok(image.width >= 250 && image.width <= 512, `${image.width}`);
    const pixels = decodeBase64(image.pixels);
    assert.equal(pixels.length, image.width * image.height);
    assert.ok(image.max > 190 && pixels.includes(255) && pixels.includes(0));

    const { value: colours } = await plotted(window, 'COLOURS', 'image');
    assert.deepEqual([colours.width, colours.height, colours.channels], [80, 60, 3]);
    const rgb = decodeBase64(colours.pixels);
    assert.deepEqual([...rgb.subarray(0, 3)], [255, 0, 255]);
    assert.deepEqual([...rgb.subarray(-3)], [0, 0, 0]);

    const { value: jpeg } = await plotted(window, 'JPEG', 'encoded');
    assert.deepEqual([...decodeBase64(jpeg.bytes).subarray(0, 2)], [0xff, 0xd8]);
    assert.match((await plotted(window, 'BLOSC', 'text')).value.summary, /codec blosc/);

    const { value: table } = await plotted(window, 'TABLE', 'table');
    assert.deepEqual(table.labels, ['name', 'position', 'moves']);
    assert.deepEqual(table.rows[1], ['axis 1', '0.5', 'false']);
    assert.match((await plotted(window, 'LONG', 'text')).value.text, /^a long text, a long/);
    const { value: settings } = await plotted(window, 'SETTINGS', 'text');
    assert.match(settings.text, /"gain": 1.5/);
  });

  for (const [protocol, ioc, kind] of [
    ['pva', 'cameraP4p', 'image'],
    ['ca', 'cameraIoc', 'wave'],
  ] as const) {
    it(`of an image over ${protocol} are bounded, and keep no other PV waiting`, async function () {
      this.timeout(90_000);
      const window = await windowOn(ioc, 'X:IMAGE', 'X:COUNT');
      const sizes: number[] = [];
      const request = { name: 'X:IMAGE', protocol, ...PANEL };
      const plot = window.plotPv(request, (update) => {
        if (update.kind !== 'value') return;
        assert.equal(update.value.kind, kind);
        sizes.push(JSON.stringify(update).length);
      });
      const counts: { value: unknown; atMs: number }[] = [];
      const address = { name: 'X:COUNT', protocol };
      const count = window.monitorPv(address, (update: PvUpdate) => {
        if (update.kind !== 'value') return;
        counts.push({ value: update.reading.value, atMs: performance.now() });
      });
      try {
        await until(() => sizes.length > 3 && counts.length > 3, 30_000, 'the first updates');
        const from = counts.length;
        await until(() => counts.length > from + 40, 30_000, 'forty counts');
        const gaps = counts.slice(from).map(({ atMs }, at) => atMs - counts[from + at - 1]!.atMs);
        const longest = Math.max(...gaps);
        console.log(
          `        ${sizes.length} updates of ${Math.max(...sizes)} characters at most; ` +
            `the longest wait for the other PV was ${longest.toFixed(0)} ms`,
        );
        assert.ok(sizes.length > 10, `${sizes.length} updates`);
        assert.ok(Math.max(...sizes) < MOST_CHARACTERS, `${Math.max(...sizes)} characters`);
        assert.ok(longest < 2000, `${longest} ms`);
      } finally {
        plot.dispose();
        count.dispose();
      }
    });
  }
});
