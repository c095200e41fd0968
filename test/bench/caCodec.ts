/**
 * How fast the CA circuits turn bytes into events, and what a held channel costs in memory. Prints
 * one JSON object.
 *
 *   node --expose-gc --import tsx test/bench/caCodec.ts
 */
import {
  CaClientCircuit,
  CaServerCircuit,
  DBR_DOUBLE,
  decodeDbr,
  encodeServerMessage,
  FrameWriter,
  type CaServedPv,
} from '../../src/protocol/ca';
import { recordingHandler } from '../unit/protocol/ca/recordingHandler';

const CHANNELS = 100_000;
const ARRAY_BYTES = 4 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

const collect = (globalThis as { gc?: () => void }).gc ?? (() => undefined);
function heldBytes(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const timed = <T>(work: () => T): { ms: number; result: T } => {
  const startMs = performance.now();
  const result = work();
  return { ms: performance.now() - startMs, result };
};

function quietHandler(): ReturnType<typeof recordingHandler> {
  const handler = recordingHandler();
  for (const name of Object.keys(handler)) {
    if (name !== 'calls') (handler as unknown as Record<string, unknown>)[name] = () => undefined;
  }
  return handler;
}

const pv: CaServedPv = {
  element: 'DOUBLE',
  maxCount: 1,
  read: () => ({ element: 'DOUBLE', value: Float64Array.of(1) }),
  subscribe: () => ({ dispose: () => undefined }),
};

function openClient(): CaClientCircuit {
  const client = new CaClientCircuit(quietHandler(), { peer: 'the server' });
  client.handshake({ clientName: 'bench', hostName: 'localhost' });
  return client;
}

function createAll(client: CaClientCircuit): Uint8Array {
  for (let cid = 0; cid < CHANNELS; cid++) client.createChannel(cid, `bench:channel:${cid}`);
  return client.takeOutput();
}

function hear(client: CaClientCircuit, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    client.receive(bytes.subarray(at, at + CHUNK_BYTES));
  }
}

function measureChannels(): Record<string, number> {
  const server = new CaServerCircuit(
    { find: () => pv },
    { peer: 'the client', port: 5064, onOutput: () => undefined },
  );
  const first = openClient();
  const asked = timed(() => createAll(first));
  const answered = timed(() => {
    server.receive(asked.result);
    return server.takeOutput();
  });
  server.dispose();
  const heard = timed(() => hear(first, answered.result));

  const before = heldBytes();
  const held = openClient();
  createAll(held);
  hear(held, answered.result);
  const clientBytesPerChannel = (heldBytes() - before) / CHANNELS;
  held.clearChannel(CHANNELS - 1);
  return {
    createRequestsPerSecond: (CHANNELS / asked.ms) * 1000,
    createRepliesPerSecond: (CHANNELS / heard.ms) * 1000,
    serverCreatesPerSecond: (CHANNELS / answered.ms) * 1000,
    clientBytesPerChannel,
  };
}

function measureArrays(): Record<string, number> {
  const handler = quietHandler();
  let sum = 0;
  handler.event = (_id, _eca, type, count, payload) => {
    sum += decodeDbr(type, count, payload).value.length;
  };
  const client = new CaClientCircuit(handler, { peer: 'the server' });
  client.handshake({ clientName: 'bench', hostName: 'localhost' });
  client.createChannel(0, 'bench:array');
  const writer = new FrameWriter();
  encodeServerMessage(writer, { command: 'VERSION', minor: 13, sequence: undefined });
  const count = ARRAY_BYTES / 8;
  encodeServerMessage(writer, { command: 'CREATE_CHAN', cid: 0, sid: 1, nativeType: 6, count });
  client.receive(writer.take());
  client.subscribe(0, 0, DBR_DOUBLE, 0, 1);
  const payload = new Uint8Array(ARRAY_BYTES);
  const event = { command: 'EVENT_ADD', dbrType: DBR_DOUBLE, count, eca: 1 } as const;
  encodeServerMessage(writer, { ...event, subscriptionId: 0, payload });
  const bytes = writer.take();
  const rounds = 20;
  const { ms } = timed(() => {
    for (let round = 0; round < rounds; round++) {
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
        client.receive(bytes.subarray(at, at + CHUNK_BYTES));
      }
    }
  });
  if (sum !== rounds * count) throw new Error(`${sum} elements instead of ${rounds * count}`);
  return { arrayMegabytesPerSecond: (rounds * ARRAY_BYTES) / 1e6 / (ms / 1000) };
}

console.log(JSON.stringify({ ...measureChannels(), ...measureArrays() }));
