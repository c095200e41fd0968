/** The other processes of search.ts; sends its ports to its parent. */
import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { silentLog } from '../../../src/base/log';
import { CaServerCircuit } from '../../../src/protocol/ca';
import { connectTcp } from '../../../src/node/relay/connectTcp';
import { openTcpRelay } from '../../../src/node/relay/tcpRelay';
import { systemClock } from '../../../src/node/systemClock';
import type { SiftCircuit } from '../../../src/services/connection';
import { NameService } from '../../../src/services/search/nameService';
import { createSearchCircuit } from '../../../src/services/search/searchCircuit';

const LOCAL = { host: '127.0.0.1', port: 0 };

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

async function openRelay(port: number, sift?: SiftCircuit): Promise<number> {
  const result = await openTcpRelay(
    LOCAL,
    async (signal, onread) => ({
      stream: await connectTcp({ host: '127.0.0.1', port }, signal, onread),
      usesOnread: true,
    }),
    sift && { sift },
  );
  if (result.kind !== 'listening') throw new Error(result.kind);
  return result.relay.local.port;
}

const createNames = (): NameService =>
  new NameService('ca', {
    clientName: 'bench',
    hostName: 'here',
    clock: systemClock,
    log: silentLog,
    onNote: () => undefined,
  });

const siftWith =
  (names: NameService): SiftCircuit =>
  (onAnswer) =>
    createSearchCircuit('ca', names, onAnswer);

async function openRelays(port: number): Promise<number[]> {
  return [await openRelay(port), await openRelay(port, siftWith(createNames()))];
}

/** An aware relay in front of a server that has every name, and that server. */
async function openNames(): Promise<number[]> {
  const pv = { element: 'DOUBLE', maxCount: 1 } as never;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    const flush = (): void => void socket.write(circuit.takeOutput());
    const circuit = new CaServerCircuit(
      { find: () => pv },
      { peer: 'client', port: 5064, onOutput: () => setImmediate(flush) },
    );
    socket.on('data', (bytes) => {
      circuit.receive(bytes);
      flush();
    });
    socket.on('close', () => circuit.dispose());
    flush();
  });
  const port = await portOf(server);
  const names = createNames();
  names.setServers([
    {
      key: 'server',
      label: 'server',
      isGateway: false,
      guid: undefined,
      endpoint: () => ({ host: '127.0.0.1', port }),
      broadcastEndpoint: () => undefined,
      isReachable: (name) => name.startsWith('KNOWN:'),
      reachableCount: () => 0,
      dialInside: (signal) => connectTcp({ host: '127.0.0.1', port }, signal),
    },
  ]);
  return [await openRelay(port, siftWith(names)), port];
}

const [what, first, second] = process.argv.slice(2);
const roles: Record<string, () => Promise<number[]>> = {
  bulk: () => serveBulk(Number(first), Number(second)),
  relays: () => openRelays(Number(first)),
  names: openNames,
};
void roles[what ?? '']?.().then((ports) => process.send?.(ports));
process.on('disconnect', () => process.exit(0));
