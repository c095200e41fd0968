/**
 * Connects to a listener in the network namespace that the agent runs in. To one that is bound to every
 * address it connects from, and to, the namespace's own address first: from loopback, rules by host in
 * the IOC would take every client of ours for a program of the container.
 */
import { isIPv4, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { messageOf, TransportError } from '../base/errors';
import { type Endpoint, isLoopback, isUnspecified } from '../model/endpoint';
import { connectTcp } from '../node/relay/connectTcp';

/** Own addresses that are tried. */
const MAX_OWN = 3;
/** For each of them; what goes to an own address never leaves the machine, so it answers at once. */
const OWN_TIMEOUT_MS = 2000;

/**
 * Never aborted: a connection that nobody waits for any more is closed when it is there. By hand,
 * for the Nodes that have no AbortController yet.
 */
const never = {
  aborted: false,
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
} as unknown as AbortSignal;

/** Rejects with TransportError, which tells of every address that was tried. */
export async function connectInside(target: Endpoint): Promise<Socket> {
  const places = placesOf(target, isUnspecified(target.host) ? ownAddresses() : []);
  const failures: string[] = [];
  for (const place of places) {
    const timeoutMs = isLoopback(place.host) ? undefined : OWN_TIMEOUT_MS;
    try {
      return await connectTcp(place, never, undefined, places.length > 1 ? timeoutMs : undefined);
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  throw new TransportError(failures.join(', '));
}

/** In the order in which they are tried; loopback last, which is all that `--network none` has. */
export function placesOf({ host, port }: Endpoint, own: readonly string[]): Endpoint[] {
  if (!isUnspecified(host)) return [{ host, port }];
  const takesIpv6 = host === '::';
  const usable = own.filter((address) => takesIpv6 || isIPv4(address)).slice(0, MAX_OWN);
  const loopbacks = takesIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
  return [...usable, ...loopbacks].map((address) => ({ host: address, port }));
}

/** IPv4 first, as EPICS is; without those that need an interface to be named. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const own = all
    .filter(({ internal, address }) => !internal && !/^fe80:/i.test(address))
    .map(({ address }) => address);
  return [...own.filter((one) => isIPv4(one)), ...own.filter((one) => !isIPv4(one))];
}
