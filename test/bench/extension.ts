/**
 * What the extension as packed costs in its host, with an IOC of 100,000 PVs and the real broker: how long it
 * takes to load and activate, the longest turn of the host while all of that becomes reachable and
 * is drawn anew, and hovers.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { sharedEngine } from '../support/lab/engine';
import { missingForExtensionHost, runInExtensionHost } from '../support/vscodeExtensionHost';
import { makePackage } from '../support/vscodePackage';
import { runBigIoc } from './bigIoc';
import type { ExtensionTimes } from './extensionTimes';
import { median, percentile, runsNote, type Figure } from './figure';

const COUNT = 100_000;
const ROUNDS = 3;

export async function measureExtension(): Promise<Figure[]> {
  const missing = missingForExtensionHost();
  if (missing) throw new Error(missing);
  const rounds: ExtensionTimes[] = [];
  const engine = await sharedEngine('docker');
  const vsix = join(engine.folder, 'bench.vsix');
  await makePackage(vsix);
  execFileSync('python3', ['-m', 'zipfile', '-e', vsix, join(engine.folder, 'vsix')]);
  const ioc = await runBigIoc(engine, COUNT);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, result } = await runInExtensionHost(
        join(__dirname, 'extensionTimes.ts'),
        { EPICS_EXPOSE_BENCH: JSON.stringify({ endpoint: engine.endpoint, prefix: ioc.prefix }) },
        join(engine.folder, 'vsix/extension'),
      );
      if (!result) throw new Error(`VS Code ended with ${code} and without a result`);
      rounds.push(result as ExtensionTimes);
    }
  } finally {
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
    figure(`hover over one of ${pvs}, p95`, 300, ({ hoversMs }) => percentile(hoversMs, 95)),
  ];
}
