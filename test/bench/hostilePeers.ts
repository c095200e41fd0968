/**
 * What `hostile` needs beside the broker, in a process of its own so that it takes none of the broker's
 * turns. Forked as `echo HOST PORT`: a client whose echoes are timed; as `servers`: an IOC without PVs,
 * one that sends without being asked, and one that lists too much.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { CaClientCircuit, CaServerCircuit } from '../../src/protocol/ca';
import { ntScalarType, PvaServerConnection, StoredPv } from '../../src/protocol/pva';
import { attachServer } from '../../src/node/relay/attachServer';
import { caHandler } from '../../src/services/upstream/caHandler';

const ECHO_PERIOD_MS = 5;
const [role, host = '', port = ''] = process.argv.slice(2);

function runEcho(): void {
  let times: number[] = [];
  let sentMs = 0;
  let isReady = false;
  const socket = connect({ host, port: Number(port), noDelay: true });
  const circuit = new CaClientCircuit(
    caHandler({
      echo() {
        if (isReady) times.push(performance.now() - sentMs);
        isReady = true;
        setTimeout(send, ECHO_PERIOD_MS);
      },
    }),
    { peer: 'the relay' },
  );
  const send = (): void => {
    sentMs = performance.now();
    circuit.echo();
    socket.write(circuit.takeOutput());
  };
  circuit.handshake({ clientName: 'bench', hostName: 'localhost' });
  socket.on('connect', send);
  socket.on('data', (bytes) => circuit.receive(bytes));
  socket.on('error', () => undefined);
  socket.on('close', () => process.exit(1));
  process.on('message', () => {
    process.send?.(times);
    times = [];
  });
}

async function runServers(): Promise<void> {
  const nothing = await listen((socket) =>
    attachServer(
      socket,
      (onOutput) =>
        new CaServerCircuit({ find: () => undefined }, { peer: 'client', port: 5064, onOutput }),
    ),
  );
  // A search reply that nobody asked for, a megabyte of them at once.
  const reply = Buffer.from('000600000000000000000001000000ff', 'hex');
  const replies = Buffer.concat(new Array<Buffer>(65_536).fill(reply));
  const flood = await listen((socket) => {
    attachServer(
      socket,
      (onOutput) =>
        new CaServerCircuit({ find: () => undefined }, { peer: 'client', port: 5064, onOutput }),
    );
    const more = (): void => {
      while (!socket.destroyed && socket.write(replies));
    };
    socket.once('data', () => setTimeout(more, 200));
    socket.on('drain', more);
  });
  const pv = new StoredPv(ntScalarType('double'), {});
  const listing = async (names: readonly string[]): Promise<number> =>
    listen((socket) =>
      attachServer(
        socket,
        (onOutput) =>
          new PvaServerConnection(
            { names: () => names, find: () => pv },
            { guid: '0'.repeat(24), tcpPort: 5075, version: 'bench', onOutput },
          ),
      ),
    );
  const many = await listing(Array.from({ length: 500_000 }, (_, at) => `HOSTILE:${at}`));
  const tooMany = await listing(new Array<string>(10_000_000).fill('N'));
  process.send?.({ nothing, flood, many, tooMany });
}

async function listen(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

if (role === 'echo') runEcho();
else void runServers();
process.on('disconnect', () => process.exit(0));
