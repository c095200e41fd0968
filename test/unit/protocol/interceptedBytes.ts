import type { CaRelayInterceptor } from '../../../src/protocol/ca';
import type { PvaRelayInterceptor, SearchRequest } from '../../../src/protocol/pva';
import { CMD_SEARCH } from '../../../src/protocol/pva/constants';
import { FrameWriter } from '../../../src/protocol/pva/framing';
import { ANY_ADDRESS, writeSearchRequest } from '../../../src/protocol/pva/search';

type Interceptor = CaRelayInterceptor | PvaRelayInterceptor;

export const join = (parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(Buffer.concat(parts));
export const frame = (...words: number[]): Uint8Array => {
  const bytes = Buffer.alloc(words.length * 2);
  words.forEach((word, at) => bytes.writeUInt16BE(word, at * 2));
  return Uint8Array.from(bytes);
};

/** What went on to the server of a client's chunks, and what was left at its end. */
export function passClient(interceptor: Interceptor, chunks: readonly Uint8Array[]): Uint8Array {
  const parts = chunks.flatMap((chunk) =>
    interceptor.fromClient(chunk).map((part) => part.slice()),
  );
  return join([...parts, interceptor.clientEnded()]);
}

export function cut(bytes: Uint8Array, random: () => number, maxBytes: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + 1 + Math.floor(random() * maxBytes));
    chunks.push(bytes.slice(at, end));
    at = end;
  }
  return chunks;
}

export function searchMessage(
  names: readonly string[],
  change: Partial<SearchRequest> = {},
  isLittleEndian = true,
): Uint8Array {
  const writer = new FrameWriter('client', isLittleEndian);
  const request: SearchRequest = {
    sequenceId: 0x01020304,
    flags: 0x80,
    isDirect: false,
    replyAddress: ANY_ADDRESS,
    replyPort: 0,
    protocols: ['tcp'],
    names: names.map((name, id) => ({ id: id + 100, name })),
    ...change,
  };
  writer.message(CMD_SEARCH, (body) => writeSearchRequest(body, request));
  return writer.take();
}
