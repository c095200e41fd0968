/** The UDP ports of Channel Access and pvAccess on 127.0.0.1, beside others that use them. */
import { createSocket, type Socket } from 'node:dgram';
import { toDisposable } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import type { Endpoint } from '../../model/endpoint';
import type { PvProtocol } from '../../model/snapshot';
import type {
  OpenSearchSocket,
  SearchSocket,
  SearchSocketEvents,
} from '../../services/search/loopbackSearch';
import { findUdpPortHolder } from '../portHolder';

export const SEARCH_PORTS: Readonly<Record<PvProtocol, number>> = { ca: 5064, pva: 5076 };

/** Where those who share the PVA port of a machine pass searches on to each other. */
const PVA_GROUP = '224.0.0.128';
const HOST = '127.0.0.1';
/** What waits in the kernel; datagrams beyond that are lost, as ever with UDP. */
const MAX_QUEUED_BYTES = 1024 * 1024;

/** Another port is for tests. */
export function createOpenSearchSocket(ports = SEARCH_PORTS): OpenSearchSocket {
  return async (protocol, events) => {
    const local = { host: HOST, port: ports[protocol] };
    // The socket of the narrower address gets all that is sent to it, so a CA server that is there
    // would not be found any more. PVA clients have that port too, and pass on what they get.
    const holder = protocol === 'ca' ? findUdpPortHolder(local) : undefined;
    if (holder) return { endpoint: local, holder, reason: 'another program has it' };
    try {
      return await bound(local, events, protocol === 'pva');
    } catch (error) {
      return { endpoint: local, reason: messageOf(error) };
    }
  };
}

function bound(
  { host, port }: Endpoint,
  events: SearchSocketEvents,
  isPva: boolean,
): Promise<SearchSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    let isOpen = false;
    const group = isPva ? joinGroup(port, events) : undefined;
    const closing = toDisposable(() => {
      group?.close();
      socket.close();
    });
    socket.on('error', (error) => {
      closing.dispose();
      if (isOpen) events.ended(messageOf(error));
      else reject(error);
    });
    socket.on('message', (datagram, from) =>
      events.received(datagram, { host: from.address, port: from.port }),
    );
    socket.bind(port, host, () => {
      isOpen = true;
      socket.setMulticastInterface(host);
      socket.setMulticastTTL(0);
      resolve({
        local: { host, port: socket.address().port },
        send(datagram, to) {
          if (socket.getSendQueueSize() > MAX_QUEUED_BYTES) return;
          // With no callback an error of one datagram would end the socket.
          socket.send(datagram, to.port, to.host, () => undefined);
        },
        passOn(datagram) {
          if (socket.getSendQueueSize() > MAX_QUEUED_BYTES) return;
          socket.send(datagram, socket.address().port, PVA_GROUP, () => undefined);
        },
        dispose: () => closing.dispose(),
      });
    });
  });
}

/** Hears what others pass on. Where the system does not let us, only what is sent to us is heard. */
function joinGroup(port: number, events: SearchSocketEvents): Socket {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('error', () => undefined);
  socket.on('message', (datagram, from) => {
    // What we passed on ourselves comes from our own port.
    if (from.port !== port) {
      events.received(datagram, { host: from.address, port: from.port });
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
