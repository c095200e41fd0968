/**
 * The carrier: a process that carries the circuits of relays, so that they do not wait for the other
 * work of the process that opened them. It gets both ends of each circuit as sockets over its IPC
 * channel, takes searches out, and has them answered there (node/relay/carrier). It ends with its
 * channel.
 */
import type { Socket } from 'node:net';
import { adoptSocket } from '../node/relay/bareSocket';
import type { FromCarrier, ToCarrier } from '../node/relay/carrierMessages';
import { FixedBufferReader } from '../node/relay/fixedBufferReader';
import { pipeBoth, reset } from '../node/relay/pipeBoth';
import { ReadingHolds } from '../node/relay/readingHolds';
import { WRITE_BUFFER_BYTES } from '../node/relay/tcpRelay';
import type { PvProtocol } from '../model/snapshot';
import type { SearchQuestion } from '../services/host/connection';
import { createInterceptor } from '../services/search/createInterceptor';
import { RemoteNames } from '../services/search/remoteNames';

/**
 * Questions of one circuit that are on their way; beyond, nothing is read from its client, so that it
 * waits, and others do not.
 */
const MAX_ON_THEIR_WAY = 500;

interface Circuit {
  client?: Socket;
  holds?: ReadingHolds;
  server?: Socket;
  reader?: FixedBufferReader;
  names?: RemoteNames;
  onTheirWay: number;
}

const circuits = new Map<number, Circuit>();
let asked: [number, SearchQuestion][] = [];
/** The circuits of each message whose receipt has not come yet, oldest first. */
const sent: number[][] = [];

function send(message: FromCarrier): void {
  if (process.connected) process.send?.(message);
}

/** Questions leave together, once for all of a turn of the event loop. */
function ask(id: number, question: SearchQuestion): void {
  const circuit = circuits.get(id);
  if (circuit && ++circuit.onTheirWay >= MAX_ON_THEIR_WAY) circuit.holds?.hold('questions');
  if (asked.push([id, question]) > 1) return;
  setImmediate(() => {
    const questions = asked;
    asked = [];
    sent.push(questions.map(([of]) => of));
    send({ kind: 'questions', questions });
  });
}

function noteReceipt(): void {
  for (const id of sent.shift() ?? []) {
    const circuit = circuits.get(id);
    if (!circuit) continue;
    if (circuit.onTheirWay-- === MAX_ON_THEIR_WAY) circuit.holds?.release('questions');
  }
}

function join(id: number, protocol: PvProtocol | undefined): void {
  const circuit = circuits.get(id);
  const { client, server, reader } = circuit ?? {};
  if (!circuit || !client || !server) {
    // Without a free descriptor, an end does not arrive.
    close(id);
    send({ kind: 'closed', circuit: id });
    return;
  }
  send({ kind: 'joined', circuit: id });
  let leftCount = 2;
  for (const end of [client, server]) {
    end.once('close', () => {
      if (--leftCount > 0) return;
      circuits.delete(id);
      send({ kind: 'closed', circuit: id });
    });
  }
  const holds = (circuit.holds = new ReadingHolds(client));
  const names = (circuit.names = new RemoteNames((question) => ask(id, question)));
  client.once('data', () => send({ kind: 'used', circuit: id }));
  pipeBoth(
    client,
    server,
    reader,
    protocol && ((onAnswer) => createInterceptor(protocol, names, onAnswer)),
    holds,
  );
}

/** Resets both ends; what is still to be written is for nobody. */
function close(id: number): void {
  const { client, server } = circuits.get(id) ?? {};
  for (const end of [client, server]) if (end) reset(end);
  for (const end of [client, server]) end?.destroy();
  circuits.delete(id);
}

function receive(message: ToCarrier, socket?: Socket): void {
  switch (message.kind) {
    case 'client': {
      if (!socket) return;
      const options = { highWaterMark: WRITE_BUFFER_BYTES };
      circuits.set(message.circuit, { client: adoptSocket(socket, options), onTheirWay: 0 });
      return;
    }
    case 'server': {
      if (!socket) return;
      const circuit = circuits.get(message.circuit);
      const reader = new FixedBufferReader();
      const server = adoptSocket(socket, { onread: reader.onread });
      if (circuit) Object.assign(circuit, { server, reader });
      else reset(server);
      return;
    }
    case 'join':
      join(message.circuit, message.protocol);
      return;
    case 'reset':
      close(message.circuit);
      return;
    case 'answers':
      for (const [circuit, answer] of message.answers) circuits.get(circuit)?.names?.take(answer);
      for (let count = 0; count < message.receivedCount; count++) noteReceipt();
  }
}

// Signals of a terminal are for the process that started us: it closes the channel in its own time.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
process.on('disconnect', () => process.exit(0));
process.on('message', receive);
