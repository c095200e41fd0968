/** What the broker that runs tells clients; how a command finds it. */
import { join } from 'node:path';
import { type NameServers, nameServersOf } from '../present/nameServers';
import {
  type BrokerCore,
  type ConnectBrokerOptions,
  findBroker,
} from '../node/broker/connectBroker';
import { systemClock } from '../node/systemClock';
import { version } from '../../package.json';
import type { Terminal } from './terminal';
import { untilSettled } from './untilSettled';

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
  broker: BrokerCore,
  signal: AbortSignal,
): Promise<NameServers | undefined> {
  // Nobody wants anything: nothing will come.
  if ((await broker.listRequests(signal)).length === 0) return undefined;
  const told = (): NameServers => nameServersOf(broker.snapshot);
  await untilSettled(broker, systemClock, signal, {
    afterMs: 0,
    isEnough: ({ snapshot }) => snapshot.nameServers !== undefined,
  });
  return isTold(told()) ? told() : undefined;
}

function isTold({ ca, pva }: NameServers): boolean {
  return ca.length + pva.length > 0;
}
