/**
 * What the extension as packed costs in its host, with an IOC of 100,000 PVs and the real broker: how long it
 * takes to load and activate, the longest turn of the host while all of that becomes reachable and
 * is drawn anew, and hovers; then the same host while it plots an image of 1000 x 1000 pixels ten times
 * a second.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { runIoc } from '../support/lab/container';
import { sharedEngine } from '../support/lab/engine';
import { missingForExtensionHost, runInExtensionHost } from '../support/vscodeExtensionHost';
import { makePackage } from '../support/vscodePackage';
import { runBigIoc } from './bigIoc';
import { measureLiveRows } from './liveRows';
import type { ExtensionTimes } from './extensionTimes';
import { median, percentile, round, runsNote, type Figure } from './figure';

const COUNT = 100_000;
const ROUNDS = 3;
const IMAGE = 'images of 1000 x 1000 pixels, 10 a second,';

export async function measureExtension(): Promise<Figure[]> {
  const missing = missingForExtensionHost();
  if (missing) throw new Error(missing);
  const rounds: ExtensionTimes[] = [];
  const engine = await sharedEngine('docker');
  const vsix = join(engine.folder, 'bench.vsix');
  await makePackage(vsix);
  execFileSync('python3', ['-m', 'zipfile', '-e', vsix, join(engine.folder, 'vsix')]);
  const rows = await measureLiveRows(engine, vsix);
  const ioc = await runBigIoc(engine, COUNT);
  const camera = await runIoc(engine, { ioc: 'cameraP4p', image: 'py-ioc', macros: 'P=CAM:' });
  const bench = { endpoint: engine.endpoint, prefix: ioc.prefix, image: 'CAM:IMAGE' };
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, result } = await runInExtensionHost(
        join(__dirname, 'extensionTimes.ts'),
        { EPICS_EXPOSE_BENCH: JSON.stringify(bench) },
        join(engine.folder, 'vsix/extension'),
      );
      if (!result) throw new Error(`VS Code ended with ${code} and without a result`);
      rounds.push(result as ExtensionTimes);
    }
  } finally {
    await camera.remove();
    await ioc.remove();
  }
  const figure = (what: string, limit: number, of: (times: ExtensionTimes) => number): Figure => {
    const values = rounds.map(of);
    const goal = { kind: 'below', limit } as const;
    return { what, unit: 'ms', ours: median(values), goal, note: runsNote(values) };
  };
  const pvs = `${COUNT.toLocaleString('en')} PVs`;
  return [
    figure('load and activate the extension', 50, (times) => times.loadMs + times.activationMs),
    figure(`longest turn of the extension host while ${pvs} become reachable`, 50, (times) =>
      Math.max(...times.exposeTurnsMs),
    ),
    figure(`longest turn while the tree of ${pvs} is drawn anew`, 50, (times) =>
      Math.max(...times.redrawTurnsMs),
    ),
    figure(`hover over one of ${pvs}, p50`, 300, ({ hoversMs }) => median(hoversMs)),
    figure(`hover over one of ${pvs}, p95`, 100, ({ hoversMs }) => percentile(hoversMs, 95)),
    {
      ...{ what: '200 rows on the screen that change ten times a second: drawn', unit: 'rows/s' },
      ours: rows.rowsPerSecond,
    },
    {
      ...{ what: '  extension host meanwhile', unit: '% of a core', ours: rows.hostPercent },
      goal: { kind: 'below', limit: 5 },
      note: `with the view closed: ${round(rows.idlePercent)} %`,
    },
    { what: '  broker meanwhile', unit: '% of a core', ours: rows.brokerPercent },
    {
      ...{ what: 'click to first value on the screen, p95, no broker running', unit: 'ms' },
      ours: percentile(rows.firstValuesMs, 95),
      goal: { kind: 'below', limit: 2000 },
      note: runsNote(rows.firstValuesMs),
    },
    figure(`longest turn while ${IMAGE} are plotted`, 20, ({ image }) => image.turnMs),
    figure(`processor time of the host for each of ${IMAGE}`, 20, ({ image }) => image.updateMs),
    {
      ...figure(
        `memory of the host grows while ${IMAGE} are plotted`,
        30,
        ({ image }) => image.grownMB,
      ),
      unit: 'MB',
    },
    figure(`hover over another PV while ${IMAGE} are plotted, p95`, 100, ({ image }) =>
      percentile(image.hoversMs, 95),
    ),
  ];
}
