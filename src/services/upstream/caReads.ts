import { isErrorCode } from '../../base/errors';
import { type CaClientCircuit, type DbrData, Eca, wrapDbrType } from '../../protocol/ca';

/** A channel that is open. */
interface OpenChannel {
  readonly cid: number;
  /** Its native DBR type. */
  readonly type: number;
}

/** Called once, with the data if `eca` is ECA_NORMAL. */
type Answered = (eca: number, data: DbrData | undefined) => void;

interface Request {
  readonly channel: OpenChannel;
  /** The DBR type that was asked for. */
  readonly type: number;
  readonly answered: Answered;
}

/** The reads under way on one CA circuit; each is answered once. */
export class CaReads {
  readonly #circuit: CaClientCircuit;
  readonly #byIoid = new Map<number, Request>();
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
    const type = wrapDbrType(form, channel.type);
    try {
      this.#circuit.readNotify(ioid, channel.cid, type, count);
    } catch (error) {
      // This circuit cannot ask for that: it concerns this PV alone.
      if (!isErrorCode(error, 'local-protocol')) throw error;
      this.#freeIoids.push(ioid);
      answered(Eca.ECA_BADCOUNT, undefined);
      return;
    }
    this.#byIoid.set(ioid, { channel, type, answered });
  }

  /** Whether an answer of that type is what was asked for; true if nothing waits for it. */
  isType(ioid: number, type: number): boolean {
    const request = this.#byIoid.get(ioid);
    return request === undefined || request.type === type;
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
