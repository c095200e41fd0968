import { ByteReader } from '../bytes';
import { CUT, NO_MESSAGE, type FrameShape } from '../frameShape';
import type { FilteredMessages } from '../messageFilter';
import { RelayInterceptor, type WaitingAnswers } from '../relayInterceptor';
import {
  CMD_SEARCH,
  CMD_SEARCH_RESPONSE,
  FLAG_BIG_ENDIAN,
  FLAG_CONTROL,
  FLAG_FROM_SERVER,
  FLAG_SEGMENT_MASK,
  PVA_HEADER_BYTES,
  PVA_MAGIC,
} from './constants';
import { FrameWriter, headerSize, type PeerRole } from './framing';
import {
  ipv4Address,
  mustReply,
  readSearchRequest,
  type SearchRequest,
  type SearchResponse,
  writeSearchResponse,
} from './search';

/** An answer: names found at one server. */
export type PvaAnswer = Pick<SearchResponse, 'guid' | 'sequenceId' | 'port' | 'isFound'> & {
  readonly host: string;
  readonly ids: number[];
};

/** So many answers wait for a client at most, of some 60 bytes each; it asks again for the rest. */
const MAX_WAITING = 8192;
const MAX_IDS = 1000;

/**
 * Takes searches for names and for servers out of a relayed pvAccess circuit and puts answers in.
 * Searches that ask this server itself, segmented ones and unreadable ones pass.
 */
export class PvaRelayInterceptor {
  readonly #interceptor: RelayInterceptor;
  readonly #answers = new PvaAnswers();

  constructor(onQuestion: (question: SearchRequest) => void) {
    const client: FilteredMessages = {
      ...shapeOf('client'),
      isLookedAt: (bytes, at) => {
        const flags = bytes[at + 2] as number;
        return (flags & (FLAG_CONTROL | FLAG_SEGMENT_MASK)) === 0 && bytes[at + 3] === CMD_SEARCH;
      },
      passes: (message) => {
        const question = readQuestion(message);
        if (!question || question.isDirect) return true;
        // An empty list means any. A client that accepts only TLS is not for us.
        if (question.protocols.length > 0 && !question.protocols.includes('tcp')) return true;
        onQuestion(question);
        return false;
      },
    };
    const server = shapeOf('server', (flags) => {
      this.#answers.isLittleEndian = (flags & FLAG_BIG_ENDIAN) === 0;
    });
    this.#interceptor = new RelayInterceptor(client, server, this.#answers);
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
    return this.#interceptor.fromServer(chunk);
  }
  /** Answers that can go to the client now. */
  takeAnswers(): Uint8Array {
    return this.#interceptor.takeAnswers();
  }

  /** Whether another answer would be kept. */
  get hasRoom(): boolean {
    return this.#answers.hasRoom;
  }

  /** Answers where the name with this id is. */
  found(question: SearchRequest, id: number, guid: string, host: string, port: number): void {
    const { sequenceId } = question;
    this.#answers.add({ guid, sequenceId, host, port, isFound: true, ids: [id] });
  }

  /**
   * Answers a search for servers (without a name) with one server, if the client wants an answer.
   */
  server(question: SearchRequest, guid: string, host: string, port: number): void {
    this.notFound(question, guid, host, port);
  }

  /** Answers that none of the names was found, as pvxs does, if the client wants to know. */
  notFound(question: SearchRequest, guid: string, host: string, port: number): void {
    if (!mustReply(question)) return;
    const { sequenceId } = question;
    this.#answers.add({ guid, sequenceId, host, port, isFound: false, ids: [] });
  }
}

class PvaAnswers implements WaitingAnswers {
  #waiting: PvaAnswer[] = [];
  isLittleEndian = true;

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  get hasRoom(): boolean {
    return this.#waiting.length < MAX_WAITING;
  }

  /** Names of one search that are at one server share one answer. */
  add(answer: PvaAnswer): void {
    const last = this.#waiting.at(-1);
    const isSame =
      last !== undefined &&
      last.isFound &&
      answer.isFound &&
      last.sequenceId === answer.sequenceId &&
      last.guid === answer.guid &&
      last.port === answer.port &&
      last.host === answer.host &&
      last.ids.length < MAX_IDS;
    if (isSame) last.ids.push(...answer.ids);
    else if (this.hasRoom) this.#waiting.push(answer);
  }

  take(): Uint8Array {
    const writer = new FrameWriter('server', this.isLittleEndian);
    for (const { host, ...answer } of this.#waiting) {
      writer.message(CMD_SEARCH_RESPONSE, (body) =>
        writeSearchResponse(body, { ...answer, address: ipv4Address(host), protocol: 'tcp' }),
      );
    }
    this.#waiting = [];
    return writer.take();
  }
}

/** `onHeader` gets the flags of each complete header. */
function shapeOf(role: PeerRole, onHeader?: (flags: number) => void): FrameShape {
  const direction = role === 'server' ? FLAG_FROM_SERVER : 0;
  return {
    messageBytes(bytes, at, end) {
      const there = end - at;
      // Also checked in a cut header: another protocol must not wait for us.
      if (bytes[at] !== PVA_MAGIC) return NO_MESSAGE;
      if (there > 1 && bytes[at + 1] === 0) return NO_MESSAGE;
      if (there < 3) return CUT;
      const flags = bytes[at + 2] as number;
      if ((flags & FLAG_FROM_SERVER) !== direction) return NO_MESSAGE;
      if (there < PVA_HEADER_BYTES) return CUT;
      onHeader?.(flags);
      return PVA_HEADER_BYTES + ((flags & FLAG_CONTROL) === 0 ? headerSize(bytes, at) : 0);
    },
  };
}

function readQuestion(message: Uint8Array): SearchRequest | undefined {
  const isLittleEndian = ((message[2] as number) & FLAG_BIG_ENDIAN) === 0;
  const payload = message.subarray(PVA_HEADER_BYTES);
  try {
    return readSearchRequest(new ByteReader(payload, isLittleEndian, 'pvAccess client, SEARCH'));
  } catch {
    // Let the server object to it.
    return undefined;
  }
}
