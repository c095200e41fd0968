/**
 * The routes that need nothing in the container: its ports, or its address, are reachable from this
 * machine.
 */
import type { OnReadOpts } from 'node:net';
import { TransportError, messageOf } from '../../base/errors';
import {
  formatEndpoint,
  isIpv4,
  isLoopback,
  isUnspecified,
  type Endpoint,
} from '../../model/endpoint';
import type { PublishedPort } from '../../services/host/engine';
import { connectTcp } from '../relay/connectTcp';
import type { DialledStream } from '../relay/tcpRelay';
import type { Dialer } from './dialledRoute';

/** For a container that uses this machine's own network. */
export function hostNetworkDialer(): Dialer {
  return {
    kind: 'host-network',
    label: 'host network',
    directEndpoint: (target) => loopbackFor(target).find(({ host }) => isIpv4(host)),
    connect: (target, signal, onread) => connectFirst(loopbackFor(target), signal, onread),
  };
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

/**
 * For containers whose own address is routable from here: a rootful engine on this Linux machine.
 */
export function addressDialer(
  label: string,
  findAddresses: (signal: AbortSignal) => Promise<readonly string[]>,
): Dialer {
  /** The address that accepted the last connection. */
  let own: string | undefined;
  return {
    kind: 'address',
    label,
    ownEndpoint({ host, port }) {
      const address = isUnspecified(host) ? own : host;
      return address !== undefined && isIpv4(address) ? { host: address, port } : undefined;
    },
    async connect({ host, port }, signal, onread) {
      if (isLoopback(host)) {
        const where = formatEndpoint({ host, port });
        throw new TransportError(`${where} can only be reached from inside the container`);
      }
      const addresses = isUnspecified(host) ? await findAddresses(signal) : [host];
      if (addresses.length === 0) throw new TransportError('the container has no address');
      const endpoints = addresses.map((address) => ({ host: address, port }));
      const stream = await firstThatConnects(endpoints, async (endpoint) => {
        const connected = await connectTcp(endpoint, signal, onread);
        if (isUnspecified(host)) own = endpoint.host;
        return connected;
      });
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
