/**
 * The least that a client can ask a CA server for names: one search for each, on one circuit, in one
 * buffer that is made before. Its bytes are made here, by none of our own code.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Target } from './peers';

const VERSION = 0;
const SEARCH = 6;
const NOT_FOUND = 14;
const MINOR = 13;
/** "Also say when it is not there." */
const DO_REPLY = 10;
const HEADER_BYTES = 16;

/** Resolves when each name was answered. */
export async function searchEach({ host, caPort, prefix, count }: Target): Promise<void> {
  const requests = [messageOf(VERSION, 0, MINOR, 0, '')];
  for (let id = 0; id < count; id++) {
    requests.push(messageOf(SEARCH, DO_REPLY, MINOR, id, `${prefix}${id}`));
  }
  const socket = connect(caPort, host).setNoDelay();
  await once(socket, 'connect');
  socket.write(Buffer.concat(requests));
  let found = 0;
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const bytes of socket as AsyncIterable<Buffer>) {
      const all = Buffer.concat([rest, bytes]);
      let at = 0;
      while (at + HEADER_BYTES <= all.length) {
        const command = all.readUInt16BE(at);
        const end = at + HEADER_BYTES + all.readUInt16BE(at + 2);
        if (end > all.length) break;
        if (command === NOT_FOUND) throw new Error('the server lacks a name');
        if (command === SEARCH) found++;
        at = end;
      }
      if (found === count) return;
      rest = all.subarray(at);
    }
    throw new Error(`the server ended the circuit after ${found} of ${count} replies`);
  } finally {
    socket.destroy();
  }
}

/** Its text ends with a zero at least, and at a multiple of 8 bytes. */
function messageOf(command: number, type: number, count: number, id: number, text: string): Buffer {
  const size = text === '' ? 0 : Math.ceil((text.length + 1) / 8) * 8;
  const message = Buffer.alloc(HEADER_BYTES + size);
  message.writeUInt16BE(command, 0);
  message.writeUInt16BE(size, 2);
  message.writeUInt16BE(type, 4);
  message.writeUInt16BE(count, 6);
  message.writeUInt32BE(id, 8);
  message.writeUInt32BE(id, 12);
  message.write(text, HEADER_BYTES, 'latin1');
  return message;
}
