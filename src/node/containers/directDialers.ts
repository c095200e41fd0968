/**
 * The routes that need nothing in the container: its ports, or its address, are reachable from this
 * machine.
 */
import type { OnReadOpts, Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { TransportError, messageOf } from '../../base/errors';
import {
  formatEndpoint,
  isIpv4,
  isLoopback,
  isUnspecified,
  unmapped,
  type Endpoint,
} from '../../model/endpoint';
import type { PublishedPort } from '../../services/host/engine';
import { connectTcp } from '../relay/connectTcp';
import type { DialledStream } from '../relay/tcpRelay';
import type { Dialer } from './dialledRoute';
import type { IsExpected } from './expectConnection';

/** For a container that uses this machine's own network. */
export function hostNetworkDialer(): Dialer {
  return {
    kind: 'host-network',
    label: 'host network',
    directEndpoint: (target) =>
      isOfThisMachine(target.host)
        ? loopbackFor(target).find(({ host }) => isIpv4(host))
        : undefined,
    async connect(target, signal, onread) {
      if (!isOfThisMachine(target.host)) throw foreignAddress(target);
      return connectFirst(loopbackFor(target), signal, onread);
    },
  };
}

/** A program may listen at an address that its network has not (IP_FREEBIND): others answer there. */
export function isOfThisMachine(host: string): boolean {
  if (isUnspecified(host) || isLoopback(host)) return true;
  return Object.values(networkInterfaces()).some((all) =>
    all?.some(({ address }) => address === unmapped(host)),
  );
}

function foreignAddress(target: Endpoint): TransportError {
  return new TransportError(`its network has no address ${formatEndpoint(target)}`);
}

/** For ports that the engine publishes on this machine, under the same or another number. */
export function publishedDialer(ports: readonly PublishedPort[]): Dialer {
  const find = (target: Endpoint): Endpoint[] => {
    // The engine connects to the container's address, which a server on its loopback does not have.
    if (isLoopback(target.host)) return [];
    return ports
      .filter((port) => port.transport === 'tcp' && port.containerPort === target.port)
      .map(({ hostIp, hostPort }) => ({ host: reachableHost(hostIp), port: hostPort }))
      .sort((a, b) => Number(a.port !== target.port) - Number(b.port !== target.port));
  };
  return {
    kind: 'published',
    label: 'published port',
    // Ports published on IPv6 alone are relayed, because clients get IPv4 addresses.
    directEndpoint: (target) =>
      find(target).find(({ host, port }) => port === target.port && isIpv4(host)),
    async connect(target, signal, onread) {
      const endpoints = find(target);
      if (endpoints.length === 0) throw new TransportError(whyNotPublished(target));
      return connectFirst(endpoints, signal, onread);
    },
  };
}

function whyNotPublished(target: Endpoint): string {
  return isLoopback(target.host)
    ? `${formatEndpoint(target)} is the container's loopback, where no published port leads`
    : `the container's port ${target.port} is not published`;
}

/** `0.0.0.0`, `::` and an empty address mean every address of this machine. */
function reachableHost(hostIp: string): string {
  if (hostIp === '' || hostIp === '0.0.0.0') return '127.0.0.1';
  return hostIp === '::' ? '::1' : hostIp;
}

/** The addresses that a container has. */
export interface ContainerAddresses {
  /** As its engine last reported them; undefined: not known. */
  readonly known: () => readonly string[] | undefined;
  /** Asks its engine. */
  readonly find: (signal: AbortSignal) => Promise<readonly string[]>;
  /**
   * Called before connecting to one of them: what tells whether the other end of that connection is
   * in the container's network. This machine may route the address elsewhere.
   */
  readonly expectPeer: (address: string) => Promise<IsExpected>;
}

/** Reading the kernel's connections costs milliseconds: for clients of relays, what was proved holds so long. */
const PROVED_MS = 1000;

/**
 * For containers whose own address is routable from here: a rootful engine on this Linux machine.
 */
export function addressDialer(
  label: string,
  { known, find, expectPeer }: ContainerAddresses,
): Dialer {
  /** The address that accepted the last connection, by port. */
  const own = new Map<number, string>();
  /** When it was last proved that an endpoint is in the container, by the clock of the process. */
  const provedAtMs = new Map<string, number>();
  /** What its engine reported then. */
  let reported: readonly string[] | undefined;
  const isProved = (where: string): boolean => {
    const reportedNow = known();
    if (reportedNow !== reported) provedAtMs.clear();
    reported = reportedNow;
    return performance.now() - (provedAtMs.get(where) ?? -Infinity) < PROVED_MS;
  };
  /** Connects, and proves that this led into the container. */
  const connectProved = async (
    endpoint: Endpoint,
    signal: AbortSignal,
    onread: OnReadOpts | undefined,
  ): Promise<Socket> => {
    const where = formatEndpoint(endpoint);
    const isExpected = await expectPeer(endpoint.host);
    const nowMs = performance.now();
    const socket = await connectTcp(endpoint, signal, onread);
    const isInside = await isExpected(socket).catch((error: unknown) => {
      socket.destroy();
      throw error;
    });
    if (!isInside) {
      socket.destroy();
      throw new TransportError(`${where} leads from here to something other than the container`);
    }
    provedAtMs.set(where, nowMs);
    return socket;
  };
  const addressesNow = async (signal: AbortSignal): Promise<readonly string[]> => {
    const addresses = known() ?? [];
    return addresses.length > 0 ? addresses : find(signal);
  };
  const connect = async (
    { host, port }: Endpoint,
    signal: AbortSignal,
    connectOne: (endpoint: Endpoint) => Promise<Socket>,
  ): Promise<Socket> => {
    const plain = unmapped(host);
    if (isLoopback(host)) {
      const where = formatEndpoint({ host, port });
      throw new TransportError(`${where} can only be reached from inside the container`);
    }
    const all = await addressesNow(signal);
    if (all.length === 0) throw new TransportError('the container has no address');
    if (!isUnspecified(host)) {
      if (!all.includes(plain)) throw foreignAddress({ host, port });
      return connectOne({ host: plain, port });
    }
    // The one that it was goes on to be it, whatever networks the container has been given since.
    const first = all.filter((address) => address === own.get(port));
    const endpoints = [...new Set([...first, ...all])].map((address) => ({ host: address, port }));
    return firstThatConnects(endpoints, async (endpoint) => {
      const socket = await connectOne(endpoint);
      own.set(port, endpoint.host);
      return socket;
    });
  };
  return {
    kind: 'address',
    label,
    ownEndpoint({ host, port }) {
      const address = isUnspecified(host) ? own.get(port) : unmapped(host);
      if (address === undefined || !isIpv4(address)) return undefined;
      // An address that it had may be another container's by now.
      return known()?.includes(address) === true ? { host: address, port } : undefined;
    },
    async connect(target, signal, onread) {
      const stream = await connect(target, signal, (endpoint) =>
        connectProved(endpoint, signal, onread),
      );
      return { stream, usesOnread: onread !== undefined };
    },
    async connectForRelay(target, signal, onread) {
      const stream = await connect(target, signal, (endpoint) =>
        isProved(formatEndpoint(endpoint))
          ? connectTcp(endpoint, signal, onread)
          : connectProved(endpoint, signal, onread),
      );
      return { stream, usesOnread: onread !== undefined };
    },
  };
}

/** What to connect to inside a namespace to reach a listener there; IPv4 first, as in EPICS. */
export function loopbackFor({ host, port }: Endpoint): readonly [Endpoint, ...Endpoint[]] {
  if (host === '0.0.0.0') return [{ host: '127.0.0.1', port }];
  if (host !== '::') return [{ host, port }];
  return [
    { host: '127.0.0.1', port },
    { host: '::1', port },
  ];
}

/** Connects to the first endpoint that accepts. Rejects with an error that lists every failure. */
export async function firstThatConnects<T>(
  endpoints: readonly Endpoint[],
  connect: (endpoint: Endpoint) => Promise<T>,
): Promise<T> {
  const failures: string[] = [];
  for (const endpoint of endpoints) {
    try {
      return await connect(endpoint);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      failures.push(messageOf(error));
    }
  }
  throw new TransportError(failures.join(', '));
}

async function connectFirst(
  endpoints: readonly Endpoint[],
  signal: AbortSignal,
  onread?: OnReadOpts,
): Promise<DialledStream> {
  const stream = await firstThatConnects(endpoints, (endpoint) =>
    connectTcp(endpoint, signal, onread),
  );
  return { stream, usesOnread: onread !== undefined };
}
