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
import { WRITE_BUFFER_BYTES } from '../node/relay/tcpRelay';
import type { PvProtocol } from '../model/snapshot';
import type { SearchQuestion } from '../services/host/connection';
import { createInterceptor } from '../services/search/createInterceptor';
import { RemoteNames } from '../services/search/remoteNames';

/** Questions that are on their way; beyond, clients ask again. */
const MAX_ON_THEIR_WAY = 20_000;

interface Circuit {
  client?: Socket;
  server?: Socket;
  reader?: FixedBufferReader;
  names?: RemoteNames;
}

const circuits = new Map<number, Circuit>();
let asked: [number, SearchQuestion][] = [];
let onTheirWay = 0;

function send(message: FromCarrier, onSent?: () => void): void {
  if (process.connected) process.send?.(message, undefined, {}, onSent);
}

/** Questions leave together, once for all of a turn of the event loop. */
function ask(circuit: number, question: SearchQuestion): boolean {
  // What is dropped has to arrive: its answer is kept until then.
  if (onTheirWay >= MAX_ON_THEIR_WAY && question.kind !== 'drop') return false;
  onTheirWay++;
  if (asked.push([circuit, question]) > 1) return true;
  setImmediate(() => {
    const questions = asked;
    asked = [];
    send({ kind: 'questions', questions }, () => (onTheirWay -= questions.length));
  });
  return true;
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
  const names = (circuit.names = new RemoteNames((question) => ask(id, question)));
  client.once('data', () => send({ kind: 'used', circuit: id }));
  pipeBoth(
    client,
    server,
    reader,
    protocol && ((onAnswer) => createInterceptor(protocol, names, onAnswer)),
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
      circuits.set(message.circuit, { client: adoptSocket(socket, options) });
      return;
    }
    case 'server': {
      const circuit = circuits.get(message.circuit);
      const reader = new FixedBufferReader();
      if (!socket) return;
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
  }
}

// Signals of a terminal are for the process that started us: it closes the channel in its own time.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
process.on('disconnect', () => process.exit(0));
process.on('message', receive);
