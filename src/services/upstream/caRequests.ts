import { type CaClientCircuit, type DbrData, Eca, wrapDbrType } from '../../protocol/ca';

/** A channel that is open. */
interface OpenChannel {
  readonly cid: number;
  /** Its native DBR type. */
  readonly type: number;
}

/** Called once, with the data if `eca` is ECA_NORMAL. */
type Answered = (eca: number, data: DbrData | undefined) => void;

/** The reads under way on one CA circuit; each is answered once. */
export class CaRequests {
  readonly #circuit: CaClientCircuit;
  readonly #byIoid = new Map<number, { readonly channel: OpenChannel; answered: Answered }>();
  /**
   * Ioids to use again. One is in use until its answer, even if nothing waits for that any more.
   */
  readonly #freeIoids: number[] = [];
  #ioidCount = 0;

  constructor(circuit: CaClientCircuit) {
    this.#circuit = circuit;
  }

  /** Reads a channel's value as TIME or CTRL of its own type. */
  send(channel: OpenChannel, form: 'TIME' | 'CTRL', count: number, answered: Answered): void {
    const ioid = this.#freeIoids.pop() ?? this.#ioidCount++;
    this.#circuit.readNotify(ioid, channel.cid, wrapDbrType(form, channel.type), count);
    this.#byIoid.set(ioid, { channel, answered });
  }

  /** The server answered a read. */
  done(ioid: number, eca: number, data: DbrData | undefined): void {
    const request = this.#byIoid.get(ioid);
    this.#byIoid.delete(ioid);
    this.#freeIoids.push(ioid);
    request?.answered(eca, data);
  }

  /** The server ended the channel: its reads are answered with ECA_DISCONN. */
  lost(channel: OpenChannel): void {
    for (const [ioid, request] of this.#byIoid) {
      if (request.channel !== channel) continue;
      this.#byIoid.delete(ioid);
      request.answered(Eca.ECA_DISCONN, undefined);
    }
  }
}
