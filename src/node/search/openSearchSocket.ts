/** The UDP ports of Channel Access and pvAccess on 127.0.0.1, beside others that use them. */
import { createSocket } from 'node:dgram';
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
      return await bound(local, events);
    } catch (error) {
      return { endpoint: local, reason: messageOf(error) };
    }
  };
}

function bound({ host, port }: Endpoint, events: SearchSocketEvents): Promise<SearchSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    let isOpen = false;
    const closing = toDisposable(() => socket.close());
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
      resolve({
        local: { host, port: socket.address().port },
        send(datagram, to) {
          if (socket.getSendQueueSize() > MAX_QUEUED_BYTES) return;
          // With no callback an error of one datagram would end the socket.
          socket.send(datagram, to.port, to.host, () => undefined);
        },
        dispose: () => closing.dispose(),
      });
    });
  });
}
