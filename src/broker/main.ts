/**
 * The broker's own process, one per user: owns engines, relays and circuits, so that they outlive a
 * window that reloads. The first front end starts it; it ends after the last one has gone.
 */
import { version } from '../../package.json';
import { messageOf } from '../base/errors';
import { printableLines } from '../base/printable';
import { brokerPaths } from '../node/broker/brokerPaths';
import { systemClock } from '../node/systemClock';
import { BrokerServer, GRACE_MS } from './brokerServer';
import { collectLeftovers } from './collectLeftovers';
import { openCore } from './openCore';
import { openRotatingLog } from './rotatingLog';

/** If something does not end in an orderly way, the process exits by then all the same. */
const END_TIMEOUT_MS = 5000;

async function main(): Promise<void> {
  const place = brokerPaths(process.env);
  if (!place) return;
  const isDebug = process.env['EPICS_EXPOSE_LOG'] === 'debug';
  const { logFile, addressFile } = place;
  const log = openRotatingLog(logFile, isDebug ? 'debug' : 'info');
  const clock = systemClock;
  process.on('uncaughtException', (error) => {
    log('error', 'session', `unexpected error: ${error.stack ?? messageOf(error)}`);
    process.exit(1);
  });
  const core = openCore({ env: process.env, opensRelays: true, addressFile, log });
  const leftovers = collectLeftovers({ onDidChange: core.onDidChange, clock });
  const endings = [async () => leftovers.dispose(), () => core.close()];
  let isEnding = false;
  const end = (why: string): void => {
    if (isEnding) return;
    isEnding = true;
    log('info', 'session', `background process ${version} ends: ${why}`);
    clock.after(END_TIMEOUT_MS, () => process.exit(1));
    void inTurn(endings).then(() => process.exit(0));
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => end(name));
  const broker = await BrokerServer.listen({
    place,
    core,
    version: process.env['EPICS_EXPOSE_TEST_VERSION'] ?? version,
    isForeground: false,
    graceMs: Number(process.env['EPICS_EXPOSE_BROKER_GRACE_MS'] ?? GRACE_MS),
    clock,
    log,
    onStop: () => end('a front end asked for it'),
    onIdle: () => end('no front end is left'),
  });
  if (!broker) {
    log('info', 'session', 'another background process was first');
    process.exit(0);
  }
  endings.unshift(() => broker.close());
  log('info', 'session', `background process ${version} serves as pid ${process.pid}`);
}

async function inTurn(steps: readonly (() => Promise<void>)[]): Promise<void> {
  for (const step of steps) await step();
}

main().catch((error: unknown) => {
  process.stderr.write(`epics-expose broker: ${printableLines(messageOf(error))}\n`);
  process.exit(1);
});
