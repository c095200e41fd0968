import { isIPv4, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { messageOf, TransportError } from '../base/errors';
import { type Endpoint, isLoopback, isUnspecified } from '../model/endpoint';
import { connectTcp } from '../node/relay/connectTcp';

/** How many own addresses are tried. */
const MAX_OWN = 3;
/**
 * For each of them. Traffic to an own address never leaves the machine, so the answer is immediate.
 */
const OWN_TIMEOUT_MS = 2000;

/**
 * Never aborted: a connection that is no longer wanted is closed when it arrives. Written by hand
 * for versions of Node without AbortController.
 */
const never = {
  aborted: false,
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
} as unknown as AbortSignal;

/**
 * Connects to a listener in the network namespace that the agent runs in. If the listener is bound
 * to every address, it connects from and to the namespace's own address first: from loopback, rules
 * by host in the IOC would take all our clients for programs of the container. Rejects with
 * TransportError that lists every address tried.
 */
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

/**
 * The endpoints to try, in this order. Loopback comes last; with `--network none` it is all there
 * is.
 */
export function placesOf({ host, port }: Endpoint, own: readonly string[]): Endpoint[] {
  if (!isUnspecified(host)) return [{ host, port }];
  const takesIpv6 = host === '::';
  const usable = own.filter((address) => takesIpv6 || isIPv4(address)).slice(0, MAX_OWN);
  const loopbacks = takesIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
  return [...usable, ...loopbacks].map((address) => ({ host: address, port }));
}

/** IPv4 first, as in EPICS; without those that need an interface name. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const own = all
    .filter(({ internal, address }) => !internal && !/^fe80:/i.test(address))
    .map(({ address }) => address);
  return [...own.filter((one) => isIPv4(one)), ...own.filter((one) => !isIPv4(one))];
}
