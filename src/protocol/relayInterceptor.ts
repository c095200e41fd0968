import { BoundaryFinder } from './boundaryFinder';
import type { FrameShape } from './frameShape';
import { MessageFilter, type FilteredMessages } from './messageFilter';

/** Answers that wait for the client, encoded in its protocol. */
export interface WaitingAnswers {
  readonly isEmpty: boolean;
  /** Returns all of them; none waits afterwards. */
  take(): Uint8Array;
}

const noBytes = new Uint8Array(0);

/**
 * Both directions of one relayed circuit. Searches are taken out of what the client sends; answers
 * are inserted between two messages of what the server sends. As soon as either direction cannot be
 * parsed, all bytes pass unchanged, for good.
 */
export class RelayInterceptor {
  readonly #client: MessageFilter;
  readonly #server: BoundaryFinder;
  readonly #answers: WaitingAnswers;

  constructor(client: FilteredMessages, server: FrameShape, answers: WaitingAnswers) {
    this.#client = new MessageFilter(client);
    this.#server = new BoundaryFinder(server);
    this.#answers = answers;
  }

  /** Whether everything passes. */
  get isOpen(): boolean {
    return this.#client.isOpen;
  }

  /** Lets everything pass from the client's next message on. */
  open(): void {
    this.#client.open();
  }

  /** The part of the client's bytes that goes on to the server, in order. */
  fromClient(chunk: Uint8Array): Uint8Array[] {
    return this.#client.filter(chunk);
  }

  /** The bytes of an incomplete message, when the client has ended. */
  clientEnded(): Uint8Array {
    return this.#client.end();
  }

  /**
   * What goes on to the client, in order: the server's bytes, with answers at the last boundary.
   */
  fromServer(chunk: Uint8Array): Uint8Array[] {
    const boundary = this.#server.follow(chunk);
    if (this.#server.isLost) this.open();
    if (boundary < 0 || this.#answers.isEmpty) return [chunk];
    const answers = this.#answers.take();
    if (boundary === 0) return [answers, chunk];
    if (boundary === chunk.length) return [chunk, answers];
    return [chunk.subarray(0, boundary), answers, chunk.subarray(boundary)];
  }

  /** Answers that can go to the client now; empty in the middle of a message from the server. */
  takeAnswers(): Uint8Array {
    return this.#server.isBetween && !this.#answers.isEmpty ? this.#answers.take() : noBytes;
  }
}
