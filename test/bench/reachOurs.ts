/**
 * How long our own service takes to know PVs as reachable, as one line of JSON on standard output.
 * A process of its own for each measurement, as the peers are: caches and compiled code are cold.
 *
 *   reachOurs.js ca|pva HOST PORT PREFIX COUNT
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { silentLog } from '../../src/base/log';
import { NameTable } from '../../src/model/pvTable';
import type { PvProtocol } from '../../src/model/snapshot';
import { connectTcp } from '../../src/node/relay/connectTcp';
import { systemClock } from '../../src/node/systemClock';
import { createReachability } from '../../src/services/upstream/createReachability';

const [protocol, host = '', port, prefix = '', countText] = process.argv.slice(2);
const count = Number(countText);
const names = new NameTable();
names.add(
  Array.from({ length: count }, (_, index) => `${prefix}${index}`),
  { kind: 'pva-list' },
);

const delays = monitorEventLoopDelay({ resolution: 5 });
delays.enable();
let changes = 0;
const startMs = performance.now();
const reachability = createReachability(protocol as PvProtocol, {
  names,
  dial: (signal) => connectTcp({ host, port: Number(port) }, signal),
  onCircuitLost: () => undefined,
  isGateway: false,
  clientName: 'bench',
  hostName: 'localhost',
  clock: systemClock,
  log: silentLog,
});
reachability.onDidChange(() => {
  changes++;
  if (reachability.steps.count('reachable') < count) return;
  const seconds = (performance.now() - startMs) / 1000;
  delays.disable();
  reachability.dispose();
  console.log(JSON.stringify({ seconds, changes, maxDelayMs: delays.max / 1e6 }));
});
