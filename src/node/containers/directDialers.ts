/** The routes that need nothing in the container: its ports are on this machine, or its address. */
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

/** The container uses this machine's own network. */
export function hostNetworkDialer(): Dialer {
  return {
    kind: 'host-network',
    label: 'host network',
    directEndpoint: (target) => loopbackFor(target).find(({ host }) => isIpv4(host)),
    connect: (target, signal, onread) => connectFirst(loopbackFor(target), signal, onread),
  };
}

/** The engine listens on this machine for the container's ports, under the same or another number. */
export function publishedDialer(ports: readonly PublishedPort[]): Dialer {
  const find = (target: Endpoint): Endpoint[] => {
    // The engine connects to the container's address, where a server on its loopback is not.
    if (isLoopback(target.host)) return [];
    return ports
      .filter((port) => port.transport === 'tcp' && port.containerPort === target.port)
      .map(({ hostIp, hostPort }) => ({ host: reachableHost(hostIp), port: hostPort }))
      .sort((a, b) => Number(a.port !== target.port) - Number(b.port !== target.port));
  };
  return {
    kind: 'published',
    label: 'published port',
    // What is published on IPv6 alone is relayed: clients are told IPv4 addresses.
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

/** `0.0.0.0`, `::` and nothing mean every address of this machine. */
function reachableHost(hostIp: string): string {
  if (hostIp === '' || hostIp === '0.0.0.0') return '127.0.0.1';
  return hostIp === '::' ? '::1' : hostIp;
}

/** The container's own address is routable from here: an engine of root on this Linux machine. */
export function addressDialer(
  label: string,
  findAddresses: (signal: AbortSignal) => Promise<readonly string[]>,
): Dialer {
  /** The one that took the last connection. */
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
        throw new TransportError(`${where} can be reached from inside the container only`);
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

/** What to connect to inside a namespace to reach a listener there, IPv4 first, as EPICS is. */
export function loopbackFor({ host, port }: Endpoint): readonly [Endpoint, ...Endpoint[]] {
  if (host === '0.0.0.0') return [{ host: '127.0.0.1', port }];
  if (host !== '::') return [{ host, port }];
  return [
    { host: '127.0.0.1', port },
    { host: '::1', port },
  ];
}

/** Connects to the first endpoint that takes it; an error tells of all. */
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
