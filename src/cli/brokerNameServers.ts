/** What the broker that runs tells clients; how a command finds it, and waits. */
import { join } from 'node:path';
import { DisposableStore } from '../base/disposable';
import type { Exposure } from '../model/exposure';
import { type NameServers, nameServersOf } from '../model/nameServers';
import {
  type BrokerExposure,
  type ConnectBrokerOptions,
  findBroker,
} from '../node/broker/connectBroker';
import { systemClock } from '../node/systemClock';
import { version } from '../../package.json';
import type { Terminal } from './terminal';

/** When a look is taken as it is, although something still does not answer. */
const SETTLE_TIMEOUT_MS = 20_000;

export function brokerOptions(terminal: Terminal, command: string): ConnectBrokerOptions {
  return {
    env: process.env,
    clientName: `epics-expose ${command}`,
    version,
    program: join(__dirname, 'broker.js'),
    log: terminal.log,
  };
}

/** What a broker that runs tells clients now, whatever it exposes and for whom; undefined: nothing. */
export async function brokerNameServers(
  terminal: Terminal,
  signal: AbortSignal,
): Promise<NameServers | undefined> {
  const broker = await findBroker(brokerOptions(terminal, 'env'), signal);
  if (!broker) return undefined;
  try {
    return await toldBy(broker, signal);
  } finally {
    await broker.close();
  }
}

/** Undefined where it exposes nothing, and nobody wants it to. */
export async function toldBy(
  broker: BrokerExposure,
  signal: AbortSignal,
): Promise<NameServers | undefined> {
  // Nobody wants anything: nothing will come.
  if ((await broker.listWishes(signal)).length === 0) return undefined;
  const told = (): NameServers => nameServersOf(broker.snapshot);
  await untilSettled(broker, signal, () => broker.snapshot.nameServers !== undefined);
  return isTold(told()) ? told() : undefined;
}

function isTold({ ca, pva }: NameServers): boolean {
  return ca.length + pva.length > 0;
}

/** Resolves when what is there is settled, or `isEnough`; after a while in any case. */
export function untilSettled(
  exposure: Exposure,
  signal: AbortSignal,
  isEnough = (): boolean => false,
): Promise<void> {
  return new Promise((done) => {
    const store = new DisposableStore();
    const finish = (): void => {
      store.dispose();
      signal.removeEventListener('abort', finish);
      done();
    };
    const check = (): void => {
      if (exposure.snapshot.isSettled || isEnough()) finish();
    };
    store.add(exposure.onDidChange(check));
    store.add(systemClock.after(SETTLE_TIMEOUT_MS, finish));
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted) finish();
    else check();
  });
}
