/** The other processes of search.ts; sends its ports to its parent. */
import { createSocket } from 'node:dgram';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { silentLog } from '../../../src/base/log';
import { type Endpoint, isLoopback } from '../../../src/model/endpoint';
import type { PvProtocol } from '../../../src/model/snapshot';
import { CaServerCircuit, readCaSearches, writeCaFound } from '../../../src/protocol/ca';
import {
  ntScalarType,
  PvaServerConnection,
  readPvaSearches,
  StoredPv,
  writePvaFound,
} from '../../../src/protocol/pva';
import { connectTcp } from '../../../src/node/relay/connectTcp';
import { openTcpRelay } from '../../../src/node/relay/tcpRelay';
import { createSearchSockets } from '../../../src/node/search/openSearchSockets';
import { systemClock } from '../../../src/node/systemClock';
import type { InterceptCircuit } from '../../../src/services/host/connection';
import { NameService } from '../../../src/services/search/nameService';
import { circuitSearches } from '../../../src/services/search/circuitSearches';
import { UdpResponder } from '../../../src/services/search/udpResponder';

const LOCAL = { host: '127.0.0.1', port: 0 };
const GUID = '0123456789abcdef01234567';

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Sends as many bytes of CA events as wanted, in messages of one size, as soon as spoken to. */
async function serveBulk(messageBytes: number, lengthBytes: number): Promise<number[]> {
  const isLarge = messageBytes >= 0xffff;
  const message = Buffer.alloc((isLarge ? 24 : 16) + messageBytes, 7);
  message.writeUInt16BE(1, 0);
  message.writeUInt16BE(isLarge ? 0xffff : messageBytes, 2);
  if (isLarge) message.writeUInt32BE(messageBytes, 16);
  const count = Math.max(1, Math.ceil((256 * 1024) / message.length));
  const chunk = Buffer.concat(Array.from({ length: count }, () => message));
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      let left = lengthBytes + message.length;
      const go = (): void => {
        while (left > 0) {
          left -= chunk.length;
          if (!socket.write(chunk)) {
            socket.once('drain', go);
            return;
          }
        }
      };
      go();
    });
  });
  return [await portOf(server)];
}

async function openRelay(port: number, intercept?: InterceptCircuit): Promise<number> {
  const result = await openTcpRelay(
    LOCAL,
    async (signal, onread) => ({
      stream: await connectTcp({ host: '127.0.0.1', port }, signal, onread),
      usesOnread: true,
    }),
    intercept && { intercept },
  );
  if (result.kind !== 'listening') throw new Error(result.kind);
  return result.relay.local.port;
}

const createNames = (protocol: PvProtocol): NameService =>
  new NameService(protocol, {
    clientName: 'bench',
    hostName: 'here',
    clock: systemClock,
    log: silentLog,
    onNote: () => undefined,
  });

const siftWith = (protocol: PvProtocol, names: NameService): InterceptCircuit =>
  circuitSearches(protocol, 'name-server', names).intercept;

async function openRelays(port: number): Promise<number[]> {
  return [await openRelay(port), await openRelay(port, siftWith('ca', createNames('ca')))];
}

/** By pairs what answers for servers that have every name, and such a server: see searchAnswers.ts. */
async function openNames(): Promise<number[]> {
  const ports: number[] = [];
  for (const protocol of ['ca', 'pva'] as const) {
    const port = await serveEveryName(protocol);
    const endpoint = (): Endpoint => ({ host: '127.0.0.1', port });
    const names = createNames(protocol);
    names.setServers([
      {
        key: 'server',
        label: 'server',
        isGateway: false,
        guid: undefined,
        endpoint,
        ...{ directEndpoint: () => undefined, broadcastEndpoint: endpoint },
        isReachable: (name) => name.startsWith('KNOWN:'),
        home: 'home',
        isOwn: () => false,
        reachableCount: () => 0,
        dialInside: (signal) => connectTcp({ host: '127.0.0.1', port }, signal),
      },
    ]);
    ports.push(await openRelay(port, siftWith(protocol, names)), port);
    ports.push(await respondByUdp(protocol, names), await serveEveryNameByUdp(protocol, port));
  }
  return ports;
}

async function serveEveryName(protocol: PvProtocol): Promise<number> {
  const caPv = { element: 'DOUBLE', maxCount: 1 } as never;
  const pvaPv = new StoredPv(ntScalarType('double'));
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    const flush = (): void => void socket.write(circuit.takeOutput());
    const onOutput = (): void => void setImmediate(flush);
    const { port } = server.address() as AddressInfo;
    const circuit =
      protocol === 'ca'
        ? new CaServerCircuit({ find: () => caPv }, { peer: 'client', port, onOutput })
        : new PvaServerConnection(
            { names: () => [], find: () => pvaPv },
            { guid: GUID, tcpPort: port, version: 'bench', onOutput },
          );
    socket.on('data', (bytes) => {
      circuit.receive(bytes);
      flush();
    });
    socket.on('close', () => circuit.dispose());
    flush();
  });
  return portOf(server);
}

async function respondByUdp(protocol: PvProtocol, names: NameService): Promise<number> {
  const isOwnAddress = isLoopback;
  const responder = new UdpResponder({
    ...{ protocol, names, isOwnAddress, clock: systemClock, log: silentLog },
  });
  const opened = await createSearchSockets({ ca: 0, pva: 0 }).open(protocol, 0, {
    received: (datagram, from, isBroadcast) => {
      if ('local' in opened) responder.receive(datagram, from, isBroadcast, opened);
    },
    ended: (reason) => console.error(reason),
  });
  if (!('local' in opened)) throw new Error(opened.reason);
  return opened.local.port;
}

/** The least that a server can do with a search by UDP. */
async function serveEveryNameByUdp(protocol: PvProtocol, tcpPort: number): Promise<number> {
  const server = { host: '127.0.0.1', port: tcpPort };
  const answers = (datagram: Uint8Array): Uint8Array[] => {
    if (protocol === 'pva') {
      return readPvaSearches(datagram, 'client').map((search) =>
        writePvaFound(search, [{ ...server, guid: GUID, ids: search.names.map(({ id }) => id) }]),
      );
    }
    const { sequence, questions } = readCaSearches(datagram, 'client');
    return [
      writeCaFound(
        sequence,
        questions.map(({ cid }) => ({ cid, ...server })),
      ),
    ];
  };
  const socket = createSocket('udp4');
  socket.on('message', (datagram, { address, port }) => {
    for (const answer of answers(datagram)) socket.send(answer, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket.address().port;
}

const [what, first, second] = process.argv.slice(2);
const roles: Record<string, () => Promise<number[]>> = {
  bulk: () => serveBulk(Number(first), Number(second)),
  relays: () => openRelays(Number(first)),
  names: openNames,
};
void roles[what ?? '']?.().then((ports) => process.send?.(ports));
process.on('disconnect', () => process.exit(0));
