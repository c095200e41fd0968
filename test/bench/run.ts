/**
 * `npm run bench`, or one of them: `npm run bench -- reach`. Prints a table for each; what the
 * numbers mean, and those of one machine, are in docs/benchmarks.md. Writes nothing here.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { exitAfter } from '../support/atEnd';
import { missingForClients } from '../support/clients';
import { missingFor } from '../support/lab/engine';
import { missingForIocs } from '../support/lab/image';
import { tableOf, type Figure } from './figure';
import { measureBroker } from './broker';
import { measureBusy } from './busy';
import { measureCommands } from './commands';
import { measureDoctor } from './doctor';
import { measureExtension } from './extension';
import { measureHostile } from './hostile';
import { measureIdle } from './idle';
import { measureListen } from './listen';
import { measureMemory } from './memory';
import { measureReach } from './reach';
import { measureReconnect } from './reconnect';
import { measureRelays } from './relay';
import { measureRoundTrips } from './roundTrips';
import { measureSearch } from './search';

const RELAY_ROUNDS = 3;

const benchmarks: Record<string, () => Promise<Figure[]>> = {
  'round-trip': measureRoundTrips,
  busy: measureBusy,
  relay: measureRelayFigures,
  search: measureSearch,
  listen: measureListen,
  reconnect: measureReconnect,
  reach: measureReach,
  memory: measureMemory,
  idle: measureIdle,
  broker: measureBroker,
  commands: measureCommands,
  extension: measureExtension,
  hostile: measureHostile,
  doctor: measureDoctor,
};

async function measureRelayFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of ['docker', 'rootless'] as const) {
    for (const { name, gigabitPerSecond, runs } of await measureRelays(kind, RELAY_ROUNDS)) {
      const note = `runs: ${runs.map((value) => value.toFixed(2)).join(' ')}`;
      figures.push({ what: `${kind}: ${name}`, unit: 'Gbit/s', ours: gigabitPerSecond, note });
    }
  }
  return figures;
}

async function main(wanted: readonly string[]): Promise<number> {
  const unknown = wanted.filter((name) => !(name in benchmarks));
  if (unknown.length > 0) {
    console.error(
      `no benchmark ${unknown.join(', ')}: one of ${Object.keys(benchmarks).join(', ')}`,
    );
    return 2;
  }
  const missing = missingForClients() ?? missingForIocs() ?? missingFor('docker');
  if (missing !== undefined) {
    console.error(`cannot measure here: ${missing}`);
    return 2;
  }
  const load = (): string => readFileSync('/proc/loadavg', 'utf8').split(' ')[0] ?? '';
  console.log(
    `${cpus().length} cores, Node.js ${process.version}, load at the beginning ${load()}\n`,
  );
  for (const [name, measure] of Object.entries(benchmarks)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    console.log(`### ${name}\n\n${tableOf(await measure())}\n`);
  }
  console.log(`load at the end ${load()}`);
  return 0;
}

exitAfter(main(process.argv.slice(2)));
