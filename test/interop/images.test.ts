/** PVs of megabytes, ten times a second: what of them reaches a front end, and what waits for them. */
import assert from 'node:assert/strict';
import type { PvPath, PvUpdate } from '../../src/model/coreApi';
import { sizeText, valueText } from '../../src/model/reading';
import type { PvProtocol } from '../../src/model/snapshot';
import type { BrokerCore } from '../../src/node/broker/connectBroker';
import { Brokers } from '../support/brokers';
import type { LabEngine } from '../support/lab/engine';
import type { IocKind } from '../support/lab/ioc';
import { needsEngine } from '../support/lab/needs';
import { Scene } from '../support/scene';
import { until } from '../support/until';

/** All that may cross of one update, whatever the size of the PV. */
const MOST_CHARACTERS = 1500;
const never = new AbortController().signal;

const cameras: { protocol: PvProtocol; ioc: IocKind; text: RegExp; size: string }[] = [
  {
    protocol: 'pva',
    ioc: 'cameraP4p',
    text: /^NTNDArray 1000x1000 ubyte, codec none, 1000000 bytes, uniqueId \d+$/,
    size: '',
  },
  {
    protocol: 'ca',
    ioc: 'cameraIoc',
    text: /^\[\d+, .* 999990 more\]/,
    size: 'double[1000000], 8.0 MB',
  },
];

describe('images: docker', () => {
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

  async function windowOn(ioc: IocKind, name: string): Promise<BrokerCore> {
    const box = await scene.ioc({ ioc, image: 'py-ioc', macros: 'P=CAM:' });
    const window = await brokers.connect();
    await window.setRequest({
      selection: { containers: [box.name], labels: [] },
      engines: [lab.endpoint],
      names: [name],
    });
    return window;
  }

  for (const { protocol, ioc, text, size } of cameras) {
    const pathOf = async (window: BrokerCore, name: string): Promise<PvPath | undefined> => {
      const { paths } = await window.describePv({ name, maxWaitMs: 700 }, never);
      return paths.find(({ row }) => row.protocol === protocol);
    };

    it(`of an image over ${protocol} as much crosses as is shown, and all of it to who reads it`, async () => {
      const window = await windowOn(ioc, 'CAM:IMAGE');
      let path: PvPath | undefined;
      const hasValue = async (): Promise<boolean> => {
        path = await pathOf(window, 'CAM:IMAGE');
        return path?.reading !== undefined;
      };
      await until(hasValue, 20_000, () => `a value: ${JSON.stringify(path)}`);
      assert.ok(path?.reading);
      assert.equal(sizeText(path.reading), size);
      assert.match(valueText(path.reading), text);
      assert.ok(JSON.stringify(path.reading).length < MOST_CHARACTERS);
      const { value } = await window.readPv({ name: 'CAM:IMAGE', protocol }, never);
      const all = (Array.isArray(value) ? value : (value as { value: unknown }).value) as unknown[];
      assert.equal(all.length, 1e6);
    });

    it(`a monitor on an image over ${protocol} keeps no other PV waiting`, async () => {
      const window = await windowOn(ioc, 'CAM:IMAGE');
      const updates: PvUpdate[] = [];
      const monitor = window.monitorPv({ name: 'CAM:IMAGE', protocol }, (update) =>
        updates.push(update),
      );
      try {
        const values = (): number => updates.filter(({ kind }) => kind === 'value').length;
        let before = 0;
        await until(() => values() > before + 2, 20_000, 'updates of the image');
        const counts = new Set<unknown>();
        for (let look = 0; look < 5; look++) {
          before = values();
          // Longer than what was read for the look before counts as fresh.
          await until(() => values() > before + 8, 20_000, 'more updates of the image');
          const path = await pathOf(window, 'CAM:COUNT');
          counts.add(path?.reading?.value);
        }
        // Each look at the other PV was answered, with what it was then.
        assert.equal(counts.size, 5, [...counts].join());
        for (const update of updates) {
          const text = JSON.stringify(update);
          assert.ok(text.length < MOST_CHARACTERS, text.slice(0, MOST_CHARACTERS));
        }
      } finally {
        monitor.dispose();
      }
    });
  }
});
