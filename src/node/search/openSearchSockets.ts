import { createSocket, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { toDisposable } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import type { Endpoint } from '../../model/endpoint';
import type { PvProtocol } from '../../model/snapshot';
import type {
  BeaconSocket,
  HostAddresses,
  SearchSocket,
  SearchSocketEvents,
  SearchSockets,
} from '../../services/host/searchSockets';
import { findPortHolder } from '../portHolder';
import { openNameServer } from './openNameServer';
import { version } from '../../../package.json';

/** The UDP ports to which clients send searches. */
export const SEARCH_PORTS: Readonly<Record<PvProtocol, number>> = { ca: 5064, pva: 5076 };

/** EPICS_CA_REPEATER_PORT, which clients hardly ever change. */
const CA_REPEATER_PORT = 5065;
/** The multicast group in which PVA programs of one machine pass on searches to each other. */
const PVA_GROUP = '224.0.0.128';
const HOST = '127.0.0.1';
const SLOW_LOOK_MS = 60_000;
/** Datagrams that wait in the kernel; more are lost, as always with UDP. */
const MAX_QUEUED_BYTES = 1024 * 1024;

/**
 * Opens the UDP sockets for searches on this machine, shared with other programs where that is
 * possible. Other ports are for tests.
 */
export function createSearchSockets(ports = SEARCH_PORTS): SearchSockets {
  let interfaces: Interfaces = {};
  return {
    ports,
    async open(protocol, port, events) {
      const local = { host: HOST, port };
      // The socket with the narrower address gets everything sent to it, so a CA server there would
      // not be found any more. PVA clients share that port and pass on what they get.
      const holder = protocol === 'ca' ? await findPortHolder(local, 'udp') : undefined;
      if (holder) return { endpoint: local, holder, reason: 'another program has it' };
      try {
        return await bound(local, false, protocol === 'pva', events);
      } catch (error) {
        return { endpoint: local, reason: messageOf(error) };
      }
    },
    openBroadcast: (protocol, address, events) =>
      bound({ host: address, port: ports[protocol] }, true, false, events),
    addresses: () => {
      try {
        interfaces = networkInterfaces();
      } catch {
        // It needs a free descriptor: until there is one again, they are as they were.
      }
      return hostAddresses(process.platform, interfaces);
    },
    openBeacons,
    openNameServer: (protocol, port, intercept) =>
      openNameServer(protocol, port, version, intercept),
  };
}

function openBeacons(): BeaconSocket {
  const socket = createSocket('udp4');
  socket.bind(0, HOST);
  // Nothing waits for this socket: it must not keep a process alive, and its failures do not
  // matter.
  socket.on('error', () => undefined);
  socket.unref();
  let isClosed = false;
  return {
    send(datagram) {
      if (!isClosed) socket.send(datagram, CA_REPEATER_PORT, HOST, () => undefined);
    },
    dispose() {
      if (isClosed) return;
      isClosed = true;
      socket.close();
    },
  };
}

type Interfaces = Readonly<
  Record<
    string,
    | readonly {
        readonly family: string;
        readonly address: string;
        readonly netmask: string;
        readonly internal: boolean;
      }[]
    | undefined
  >
>;

/**
 * The addresses to listen on. On Linux a socket can bind a broadcast address: it receives what is
 * sent there, like every other such socket, and takes nothing from programs that listen on an
 * address of this machine. Elsewhere only "every address" works.
 */
export function hostAddresses(platform: string, interfaces: Interfaces): HostAddresses {
  const ipv4 = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal);
  const own = ipv4.map(({ address }) => address);
  if (platform !== 'linux') return { own, broadcasts: { loopback: [], thishost: ['0.0.0.0'] } };
  const loopback = ['127.255.255.255'];
  const networks = ipv4
    .filter(({ netmask }) => !/\.25[45]$/.test(netmask))
    .map(({ address, netmask }) => broadcastOf(address, netmask));
  return {
    own,
    broadcasts: {
      loopback,
      thishost: [...new Set([...loopback, ...networks, '255.255.255.255'])],
    },
  };
}

function broadcastOf(address: string, netmask: string): string {
  const mask = netmask.split('.').map(Number);
  return address
    .split('.')
    .map((part, index) => Number(part) | (~(mask[index] ?? 255) & 255))
    .join('.');
}

function bound(
  { host, port }: Endpoint,
  isBroadcast: boolean,
  joinsGroup: boolean,
  events: SearchSocketEvents,
): Promise<SearchSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    const isRivalDue = rivalPace();
    let isOpen = false;
    let isClosed = false;
    let group: Socket | undefined;
    const closing = toDisposable(() => {
      isClosed = true;
      group?.close();
      socket.close();
    });
    socket.on('error', (error) => {
      closing.dispose();
      if (isOpen) events.ended(messageOf(error));
      else reject(error);
    });
    socket.on('message', (datagram, from) =>
      events.received(datagram, { host: from.address, port: from.port }, isBroadcast),
    );
    const send = (datagram: Uint8Array, to: Endpoint): void => {
      if (isClosed || socket.getSendQueueSize() > MAX_QUEUED_BYTES) return;
      // Without a callback, an error of one datagram would end the socket.
      socket.send(datagram, to.port, to.host, () => undefined);
    };
    socket.bind(port, host, () => {
      isOpen = true;
      const bound = socket.address().port;
      if (joinsGroup) {
        socket.setMulticastInterface(host);
        socket.setMulticastTTL(0);
      }
      const searchSocket = {
        local: { host, port: bound },
        send,
        passOn: (datagram: Uint8Array) =>
          joinsGroup && send(datagram, { host: PVA_GROUP, port: bound }),
        findRival: async () => {
          if (isBroadcast || joinsGroup || !isRivalDue()) return undefined;
          return findPortHolder({ host: '0.0.0.0', port: bound }, 'udp');
        },
        dispose: () => closing.dispose(),
      };
      if (joinsGroup) group = joinGroup(bound, events);
      resolve(searchSocket);
    });
  });
}

/** Slows down the check on systems where it starts a program. */
function rivalPace(): () => boolean {
  let lookedAtMs = performance.now();
  return () => {
    const nowMs = performance.now();
    if (process.platform !== 'linux' && nowMs - lookedAtMs < SLOW_LOOK_MS) return false;
    lookedAtMs = nowMs;
    return true;
  };
}

/**
 * Receives what others pass on. If the system does not allow that, only what is sent to us is
 * received.
 */
function joinGroup(port: number, events: SearchSocketEvents): Socket {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('error', () => undefined);
  socket.on('message', (datagram, from) => {
    // What we passed on ourselves comes from our own port.
    if (from.port !== port) {
      events.received(datagram, { host: from.address, port: from.port }, true);
    }
  });
  socket.bind(port, PVA_GROUP, () => {
    try {
      socket.addMembership(PVA_GROUP, HOST);
    } catch {
      // As above.
    }
  });
  return socket;
}
