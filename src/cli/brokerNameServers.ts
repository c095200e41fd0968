import { type NameServers, nameServersOf } from '../present/clientEnvironment';
import { type BrokerCore, findBroker } from '../node/broker/connectBroker';
import { systemClock } from '../node/systemClock';
import { brokerOptions } from './brokerOptions';
import type { Terminal } from './terminal';
import { untilSettled } from './untilSettled';

/**
 * The name servers of a running broker, whatever it exposes and for whom; undefined: no broker
 * runs, or it has none.
 */
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

/**
 * The name servers that a broker reports; undefined if it exposes nothing, and no front end wants
 * it to.
 */
export async function toldBy(
  broker: BrokerCore,
  signal: AbortSignal,
): Promise<NameServers | undefined> {
  // No front end wants anything, so nothing will come.
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
