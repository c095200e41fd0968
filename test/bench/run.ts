/**
 * `npm run bench`, or some of them: `npm run bench -- reach idle`. Prints a table for each: figure, goal,
 * peer in the same run, verdict. With `--write`, the tables and pictures in docs are made anew; without,
 * nothing is written here.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpus } from 'node:os';
import { exitAfter } from '../support/atEnd';
import { missingForClients } from '../support/clients';
import { missingFor } from '../support/lab/engine';
import { missingForIocs } from '../support/lab/image';
import { withTable } from './benchmarksPage';
import { tableOf, type Figure } from './figure';
import { measureBroker } from './broker';
import { measureBusy } from './busy';
import { measureCamera } from './camera';
import { measureCircuits } from './circuits';
import { measureCommands } from './commands';
import { measureDoctor } from './doctor';
import { measureExtension } from './extension';
import { measureGrowth } from './growth';
import { measureHostile } from './hostile';
import { measureIdle } from './idle';
import { measureListen } from './listen';
import { measureLookUp } from './lookUp';
import { measureMemory } from './memory';
import { measureReach } from './reach';
import { measureReconnect } from './reconnect';
import { measureRelays } from './relay';
import { measureRoundTrips } from './roundTrips';
import { measureSearch } from './search';

/** Each by its name, in the order in which they run. */
export const benchmarks: Record<string, () => Promise<Figure[]>> = {
  'round-trip': measureRoundTrips,
  busy: measureBusy,
  relay: measureRelays,
  circuits: measureCircuits,
  camera: measureCamera,
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
  growth: measureGrowth,
  'look-up': measureLookUp,
};

const PAGE = join(__dirname, '../../docs/benchmarks.md');

async function main(words: readonly string[]): Promise<number> {
  const isWriting = words.includes('--write');
  const wanted = words.filter((word) => word !== '--write');
  // For pictures, which a benchmark draws itself.
  if (isWriting) process.env['EPICS_EXPOSE_BENCH_WRITE'] = '1';
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
    const before = load();
    const table = tableOf(await measure());
    console.log(`### ${name}\n\n${table}\n`);
    if (!isWriting) continue;
    const conditions = `${cpus().length} cores, Node.js ${process.version}, load ${before} before and ${load()} after.`;
    writePage(name, `${table}\n\n${conditions}`);
  }
  console.log(`load at the end ${load()}`);
  return 0;
}

function writePage(name: string, table: string): void {
  writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), name, table));
  execFileSync(process.execPath, [require.resolve('prettier/bin/prettier.cjs'), '--write', PAGE]);
}

if (process.argv[1] === __filename) exitAfter(main(process.argv.slice(2)));
