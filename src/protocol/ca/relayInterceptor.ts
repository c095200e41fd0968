import { RelayInterceptor, type WaitingAnswers } from '../relayInterceptor';
import { ipv4Number } from '../ipv4';
import { CUT, NO_MESSAGE, type FrameShape } from '../frameShape';
import type { FilteredMessages } from '../messageFilter';
import {
  CA_MINOR_PROTOCOL_REVISION,
  CA_PROTO_ECHO,
  CA_PROTO_NOT_FOUND,
  CA_PROTO_SEARCH,
  CA_PROTO_SERVER_DISCONN,
  CA_PROTO_VERSION,
  DOREPLY,
  EXTENDED_HEADER_BYTES,
  EXTENDED_HEADER_MARK,
  HEADER_BYTES,
  DIRECT_MARK,
} from './constants';
import { FrameWriter } from './frameWriter';
import { decodeText } from './text';

/** A search of a client, over a circuit or UDP. */
export interface CaQuestion {
  readonly cid: number;
  readonly name: string;
  /** DOREPLY if NOT_FOUND is wanted too. */
  readonly replyFlag: number;
  readonly minor: number;
}

/** The longest name that is searched for, in bytes. No IOC has a name of this length. */
export const MAX_SEARCHED_NAME_BYTES = 1024;
/** Answers that wait for a client, 16 bytes each, end here; the client asks again for the rest. */
const MAX_WAITING_BYTES = 512 * 1024;

/**
 * Takes searches out of a relayed Channel Access circuit and puts answers in. Also drops every
 * VERSION but the first: libca repeats it before each batch of searches (udpiiu.cpp), which do not
 * reach the server either, and caproto ends the circuit at the second. If the client marks an ECHO
 * (DIRECT_MARK), it asks this server itself, and everything passes.
 */
export class CaRelayInterceptor {
  readonly #interceptor: RelayInterceptor;
  readonly #answers = new CaAnswers();

  constructor(onQuestion: (question: CaQuestion) => void) {
    let hasVersion = false;
    const client: FilteredMessages = {
      ...shape,
      isLookedAt: (bytes, at) => isLookedAt(bytes, at),
      passes: (message) => {
        const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
        switch (view.getUint16(0)) {
          case CA_PROTO_VERSION: {
            const isFirst = !hasVersion;
            hasVersion = true;
            return isFirst;
          }
          case CA_PROTO_ECHO:
            this.#interceptor.open();
            return true;
          default:
            onQuestion(readQuestion(message, view));
            return false;
        }
      },
    };
    this.#interceptor = new RelayInterceptor(client, shape, this.#answers);
  }

  /** Whether everything passes. */
  get isOpen(): boolean {
    return this.#interceptor.isOpen;
  }
  /** The part of the client's bytes that goes on to the server, in order. */
  fromClient(chunk: Uint8Array): Uint8Array[] {
    return this.#interceptor.fromClient(chunk);
  }
  /** The bytes of an incomplete message, when the client has ended. */
  clientEnded(): Uint8Array {
    return this.#interceptor.clientEnded();
  }
  /** What goes on to the client, in order. */
  fromServer(chunk: Uint8Array): Uint8Array[] {
    const parts = this.#interceptor.fromServer(chunk);
    this.#answers.hasVersion ||= chunk.length > 0;
    return parts;
  }
  /** Answers that can go to the client now. */
  takeAnswers(): Uint8Array {
    return this.#interceptor.takeAnswers();
  }

  /** Answers where the name is: an IPv4 address and a port, as rsrv's name server does. */
  found({ cid }: CaQuestion, host: string, port: number): void {
    this.#answers.add(CA_PROTO_SEARCH, port, 0, ipv4Number(host), cid);
  }

  /**
   * Answers that the name was not found, as rsrv does (search_fail_reply), if the client wants to
   * know.
   */
  notFound({ cid, replyFlag, minor }: CaQuestion): void {
    if (replyFlag !== DOREPLY) return;
    this.#answers.add(CA_PROTO_NOT_FOUND, replyFlag, minor, cid, cid);
  }
}

/**
 * Answers in the order they came. If the server has sent nothing yet, they begin with a VERSION, as
 * servers do: libca takes the revision of this circuit as that of the circuit it is sent to
 * (tcpiiu.cpp, searchRespNotify), and without one talks to that as in 1995.
 */
class CaAnswers implements WaitingAnswers {
  readonly #writer = new FrameWriter();
  hasVersion = false;

  get isEmpty(): boolean {
    return this.#writer.lengthBytes === 0;
  }
  add(command: number, dataType: number, count: number, first: number, second: number): void {
    if (this.#writer.lengthBytes >= MAX_WAITING_BYTES) return;
    if (!this.hasVersion) {
      this.hasVersion = true;
      this.#writer.message(CA_PROTO_VERSION, 0, CA_MINOR_PROTOCOL_REVISION, 0, 0);
    }
    this.#writer.message(command, dataType, count, first, second);
  }
  take(): Uint8Array {
    return this.#writer.take();
  }
}

/** Both directions: 16 bytes, or 24 with the size mark; payloads are multiples of 8. */
const shape: FrameShape = {
  messageBytes(bytes, at, end) {
    const there = end - at;
    // Also checked in a cut header: another protocol must not wait for us.
    if (bytes[at] !== 0) return NO_MESSAGE;
    if (there > 1 && (bytes[at + 1] as number) > CA_PROTO_SERVER_DISCONN) return NO_MESSAGE;
    if (there < 4) return CUT;
    const size = u16(bytes, at + 2);
    if (size === EXTENDED_HEADER_MARK) return extendedMessageBytes(bytes, at, there);
    if ((size & 7) !== 0) return NO_MESSAGE;
    return there < HEADER_BYTES ? CUT : HEADER_BYTES + size;
  },
};

function extendedMessageBytes(bytes: Uint8Array, at: number, there: number): number {
  if (there >= 20 && ((bytes[at + 19] as number) & 7) !== 0) return NO_MESSAGE;
  return there < EXTENDED_HEADER_BYTES ? CUT : EXTENDED_HEADER_BYTES + u32(bytes, at + 16);
}

function isLookedAt(bytes: Uint8Array, at: number): boolean {
  const command = u16(bytes, at);
  const size = u16(bytes, at + 2);
  if (command === CA_PROTO_SEARCH) return size > 0 && size <= MAX_SEARCHED_NAME_BYTES;
  if (command === CA_PROTO_VERSION) return size === 0;
  return command === CA_PROTO_ECHO && size === 0 && u32(bytes, at + 8) === DIRECT_MARK;
}

function readQuestion(message: Uint8Array, view: DataView): CaQuestion {
  return {
    // rsrv answers with parameter 2 (search_reply_tcp); clients send the same number in both.
    cid: view.getUint32(12),
    name: decodeText(message.subarray(HEADER_BYTES)),
    replyFlag: view.getUint16(4),
    minor: view.getUint16(6),
  };
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x10000 + u16(bytes, at + 2);
}
