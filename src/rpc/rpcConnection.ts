import type { Duplex } from 'node:stream';
import {
  createMessageConnection,
  type Message,
  type MessageConnection,
  NullLogger,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';

/**
 * JSON-RPC over a stream. Values of PVs that JSON cannot express survive: NaN, the infinities, and
 * integers beyond the precision of a double.
 */
export function createRpcConnection(stream: Duplex): MessageConnection {
  const reader = new StreamMessageReader(stream, {
    contentTypeDecoder: {
      name: 'application/json',
      decode: (bytes) =>
        Promise.resolve().then(() => decodeJson(Buffer.from(bytes).toString('utf8'))),
    },
  });
  const writer = new Writer(stream, {
    contentTypeEncoder: {
      name: 'application/json',
      encode: (message) => Promise.resolve().then(() => Buffer.from(encodeJson(message), 'utf8')),
    },
  });
  return createMessageConnection(reader, writer, NullLogger);
}

/** vscode-jsonrpc reports the failure of a write to nobody; the stream reports it, too. */
class Writer extends StreamMessageWriter {
  override write(message: Message): Promise<void> {
    return super.write(message).catch(() => undefined);
  }
}

/** The name of the field of an object that has exactly one. */
function onlyKey(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const keys = Object.keys(value);
  return keys.length === 1 ? keys[0] : undefined;
}

const NUMBER = '$number';
const INTEGER = '$integer';

/**
 * JSON in which NaN, infinities and bigints are objects with a marker, see `decodeJson`; typed
 * arrays are lists.
 */
export function encodeJson(message: unknown): string {
  return JSON.stringify(message, (_key, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value)) return { [NUMBER]: String(value) };
    if (typeof value === 'bigint') return { [INTEGER]: String(value) };
    if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>);
    const key = onlyKey(value);
    // Somebody's own field of that name, such as a label of a container, is no marker.
    if (key?.startsWith('$')) return { [`$${key}`]: (value as Record<string, unknown>)[key] };
    return value;
  });
}

/** Parses what `encodeJson` made. Throws if it is not an object, because every message is one. */
export function decodeJson(text: string): Message {
  const message = JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    const name = onlyKey(value);
    if (name === undefined) return value;
    const word: unknown = (value as Record<string, unknown>)[name];
    if (name.startsWith('$$')) return { [name.slice(1)]: word };
    if (typeof word !== 'string') return value;
    if (name === NUMBER) return Number(word);
    return name === INTEGER && /^-?\d{1,40}$/.test(word) ? BigInt(word) : value;
  }) as unknown;
  if (typeof message === 'object' && message !== null) return message as Message;
  throw new Error('a message that is no object');
}
