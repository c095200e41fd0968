import { delay } from '../../base/abort';
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import { messageOf, TransportError } from '../../base/errors';
import type { Log } from '../../base/log';
import { LruMap } from '../../base/lruMap';
import type { PvProtocol } from '../../model/snapshot';
import type { Connection } from '../host/connection';
import { Circuit } from './circuit';
import { ReceiveAllowance } from './receiveAllowance';
import { canaryLike } from './canaryName';
import { createAdapter } from './createAdapter';
import { FairQueue } from './fairQueue';
import type { Channel, ClientIdentity, LookupBy, ProtocolAdapter } from './protocolAdapter';

/** 'unknown': it could not be asked, or not now. Silence is taken for 'no'. */
export type NameAnswer = 'yes' | 'no' | 'unknown';

/** Whom to ask, and as whom. */
export interface NameResolverInput extends ClientIdentity {
  readonly protocol: PvProtocol;
  /** For the log. */
  readonly label: string;
  /** Connects to the server itself, with no relay of ours in between. */
  readonly dial: (signal: AbortSignal) => Promise<Connection>;
  /** Asked slowly, because each question makes it ask its whole network. */
  readonly isGateway: boolean;
  /** Once: it has said yes to a name that nobody has. */
  readonly onYesToAll?: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

const DIAL_TIMEOUT_MS = 3000;
/** A server that did not answer by then does not have the name, or hangs. */
const ANSWER_TIMEOUT_MS = 1000;
/** For so long a question may wait until it is asked at all. */
const WAIT_TIMEOUT_MS = 3000;
const NO_REMEMBERED_MS = 5000;
/** A gateway finds a name only after having been asked for it. */
const GATEWAY_NO_REMEMBERED_MS = 1000;
/** A search costs rsrv some microseconds; a channel is paid by the server, for a moment. */
const QUESTIONS_PER_SECOND: Record<LookupBy, number> = { search: 5000, channel: 500, both: 500 };
/** ca-gateway answers as many within 40 ms; each is some searches in its network. */
const GATEWAY_QUESTIONS_PER_SECOND = 1000;
const MAX_REMEMBERED = 20_000;
/** Of one client, and of all. */
const MAX_WAITING = 10_000;
const MAX_WAITING_OF_ALL = 40_000;
const TICK_MS = 20;
/** A server that could not be reached is left alone for so long. */
const RETRY_MS = 1000;
/** After so many names at most it is asked again for one that nobody has; the number is chance. */
const NAMES_PER_CANARY = 20;

interface Question {
  readonly name: string;
  readonly untilMs: number;
  readonly listeners: ((answer: NameAnswer) => void)[];
}

/** A question that was sent, by a search, by a channel, or by both. */
interface Sent {
  readonly question: Question;
  /** The answer is not waited for any longer. */
  readonly untilMs: number;
  readonly searchId: number | undefined;
  channel?: Channel;
}

/**
 * Asks one server whether it has names, over a circuit of its own into the container that is opened
 * with the first question. Remembers yes while that circuit lives and no for some seconds; asks each
 * name once at a time, no faster than the server should be asked, and waits for no answer for long.
 */
export class NameResolver implements Disposable {
  readonly #input: NameResolverInput;
  readonly #abort = new AbortController();
  readonly #yes = new LruMap<string, true>(MAX_REMEMBERED);
  /** When it said yes first. */
  readonly #firstYesMs = new LruMap<string, number>(MAX_REMEMBERED);
  /** Until when a no counts. */
  readonly #no = new LruMap<string, number>(MAX_REMEMBERED);
  readonly #questions = new Map<string, Question>();
  /** Not sent yet. */
  readonly #queue = new FairQueue<Question>(MAX_WAITING, MAX_WAITING_OF_ALL);
  /** In the order of asking. */
  readonly #sent = new Set<Sent>();
  readonly #sentBySearchId = new Map<number, Sent>();
  #circuit: Circuit<ProtocolAdapter> | undefined;
  #isHolding = false;
  #isResting = false;
  #allowance: ReceiveAllowance | undefined;
  /** Questions that may be sent now without asking too fast. */
  #questionsLeft = 0;
  #allowedAtMs = 0;
  /** It has said yes to a name that nobody has. */
  #saysYesToAll = false;
  /** The name that nobody has, while it is being asked. */
  #canary: string | undefined;
  #namesUntilCanary = 0;
  #tick: { readonly atMs: number; readonly timer: Disposable } | undefined;

  constructor(input: NameResolverInput) {
    this.#input = input;
  }

  /**
   * Whether it says that it has every name, as was seen once: then its yes tells nothing. That does not
   * end with its circuit; a server that starts anew is asked by another of these.
   */
  get saysYesToAll(): boolean {
    return this.#saysYesToAll;
  }

  /** When it has said so first, also over an earlier circuit: milliseconds of the clock. */
  firstYesMs(name: string): number | undefined {
    return this.#firstYesMs.get(name);
  }

  /** Whether it has said, some seconds ago at most, that it does not have the name. */
  hasSaidNo(name: string): boolean {
    return (this.#no.get(name) ?? 0) > this.#input.clock.nowMs();
  }

  /** Whether it said so and has not gone since. */
  hasSaidYes(name: string): boolean {
    return this.#yes.get(name) === true;
  }

  /**
   * Answers at once from memory, else later; always once, unless this is disposed. Clients have their
   * turns one after another, however much one of them asks.
   */
  ask(name: string, listener: (answer: NameAnswer) => void, client?: unknown): void {
    const { clock } = this.#input;
    if (this.#yes.get(name)) {
      listener('yes');
      return;
    }
    if ((this.#no.get(name) ?? 0) > clock.nowMs()) {
      listener('no');
      return;
    }
    const known = this.#questions.get(name);
    if (known) {
      known.listeners.push(listener);
      return;
    }
    const untilMs = clock.nowMs() + clock.stretch(WAIT_TIMEOUT_MS);
    const question: Question = { name, untilMs, listeners: [listener] };
    if (this.#isResting || !this.#queue.push(client, question)) {
      listener('unknown');
      return;
    }
    this.#questions.set(name, question);
    if (--this.#namesUntilCanary <= 0 && this.#circuit?.isReady === true) this.#askCanary(name);
    if (this.#circuit?.isReady === true) this.#scheduleTick(0);
    else if (!this.#isHolding) void this.#hold();
  }

  async #hold(): Promise<void> {
    this.#isHolding = true;
    const { clock, dial, protocol, clientName, hostName, label, log } = this.#input;
    const allowance = new ReceiveAllowance(clock);
    this.#allowance = allowance;
    const circuit = new Circuit<ProtocolAdapter>({
      dial,
      createAdapter: (ready) =>
        createAdapter(
          protocol,
          { clientName, hostName },
          {
            ready,
            searched: (searchId, isFound) =>
              this.#answered(this.#sentBySearchId.get(searchId), isFound ? 'yes' : 'no'),
          },
        ),
      onReady: () => {
        const first = this.#queue.peek();
        if (first) this.#askCanary(first.name);
        this.#scheduleTick(0);
      },
      onBytes: (lengthBytes) => allowance.received(lengthBytes),
      dialTimeoutMs: DIAL_TIMEOUT_MS,
      handshakeTimeoutMs: DIAL_TIMEOUT_MS,
      clock,
    });
    this.#circuit = circuit;
    try {
      throw (await circuit.run()) ?? new TransportError('the server closed the circuit');
    } catch (error) {
      if (!this.#abort.signal.aborted) log('debug', 'search', `${label}: ${messageOf(error)}`);
    }
    this.#forgetCircuit();
    this.#isHolding = false;
    this.#isResting = true;
    await delay(clock, RETRY_MS, this.#abort.signal).catch(() => undefined);
    this.#isResting = false;
  }

  /**
   * Before what waits, so that its answer comes before theirs, and again now and then: who knows the
   * first question by its place may not know the next. A gateway is known for what it is.
   */
  #askCanary(like: string): void {
    if (this.#input.isGateway || this.#saysYesToAll || this.#canary !== undefined) return;
    this.#namesUntilCanary = 1 + Math.floor(Math.random() * NAMES_PER_CANARY);
    this.#canary = canaryLike(like);
    const untilMs = this.#input.clock.nowMs() + this.#input.clock.stretch(WAIT_TIMEOUT_MS);
    const question: Question = { name: this.#canary, untilMs, listeners: [] };
    this.#questions.set(question.name, question);
    this.#queue.pushFirst(question);
  }

  /** Works after that time, or sooner when that was to be already. */
  #scheduleTick(delayMs: number): void {
    if (this.#abort.signal.aborted) return;
    const atMs = this.#input.clock.nowMs() + delayMs;
    if (this.#tick && this.#tick.atMs <= atMs) return;
    this.#tick?.timer.dispose();
    const timer = this.#input.clock.after(delayMs, () => {
      this.#tick = undefined;
      this.#work();
    });
    this.#tick = { atMs, timer };
  }

  /** Sends what may be sent, and ends what has waited too long. */
  #work(): void {
    const nowMs = this.#input.clock.nowMs();
    for (const sent of this.#sent) {
      if (sent.untilMs > nowMs) break;
      this.#forget(sent);
      this.#settle(sent.question, 'no');
    }
    if (this.#circuit?.isReady === true) this.#send(nowMs);
    const late = this.#queue.takeWhile(({ untilMs }) => untilMs <= nowMs);
    for (const question of late) this.#settle(question, 'unknown');
    if (this.#queue.size > 0 || this.#sent.size > 0) this.#scheduleTick(TICK_MS);
  }

  #send(nowMs: number): void {
    const adapter = this.#circuit?.adapter;
    if (!adapter || this.#queue.size === 0) return;
    const perSecond = this.#input.isGateway
      ? GATEWAY_QUESTIONS_PER_SECOND
      : QUESTIONS_PER_SECOND[adapter.lookupBy];
    const earned = ((nowMs - this.#allowedAtMs) * perSecond) / 1000;
    this.#questionsLeft = Math.min(this.#questionsLeft + earned, Math.max(1, perSecond / 10));
    this.#allowedAtMs = nowMs;
    try {
      while (this.#questionsLeft >= 1) {
        const question = this.#queue.shift();
        if (!question) break;
        if (!adapter.canAsk(question.name)) {
          this.#settle(question, 'no');
          continue;
        }
        this.#allowance?.asked();
        this.#questionsLeft--;
        this.#lookUp(question, adapter, nowMs + this.#input.clock.stretch(ANSWER_TIMEOUT_MS));
      }
    } catch (error) {
      this.#circuit?.end(error as Error);
      return;
    }
    this.#circuit?.flush();
  }

  #lookUp(question: Question, adapter: ProtocolAdapter, untilMs: number): void {
    const { name } = question;
    const { lookupBy } = adapter;
    const searchId = lookupBy === 'channel' ? undefined : adapter.search(name);
    const sent: Sent = { question, untilMs, searchId };
    this.#sent.add(sent);
    if (searchId !== undefined) this.#sentBySearchId.set(searchId, sent);
    if (lookupBy === 'search') return;
    sent.channel = adapter.openChannel(name, {
      opened: () => this.#answered(sent, 'yes'),
      refused: () => this.#answered(sent, 'no'),
      lost: () => undefined,
    });
  }

  #answered(sent: Sent | undefined, answer: 'yes' | 'no'): void {
    if (!sent || !this.#sent.has(sent)) return;
    this.#forget(sent);
    if (this.#sent.size === 0) this.#allowance?.allAnswered();
    this.#settle(sent.question, answer);
  }

  /** Nobody waits for that answer any more. */
  #forget(sent: Sent): void {
    this.#sent.delete(sent);
    if (sent.searchId !== undefined) this.#sentBySearchId.delete(sent.searchId);
    sent.channel?.close();
  }

  #settle(question: Question, answer: NameAnswer): void {
    this.#questions.delete(question.name);
    if (question.name === this.#canary) {
      this.#canary = undefined;
      if (answer !== 'yes') return;
      this.#saysYesToAll = true;
      // What it said before tells no more than what it says now.
      this.#firstYesMs.clear();
      this.#input.log('info', 'search', `${this.#input.label} says yes to every name`);
      this.#input.onYesToAll?.();
      return;
    }
    if (answer === 'yes') {
      this.#yes.set(question.name, true);
      const firstMs = this.#firstYesMs.get(question.name) ?? this.#input.clock.nowMs();
      if (!this.#saysYesToAll) this.#firstYesMs.set(question.name, firstMs);
    } else if (answer === 'no') {
      const rememberedMs = this.#input.isGateway ? GATEWAY_NO_REMEMBERED_MS : NO_REMEMBERED_MS;
      this.#no.set(question.name, this.#input.clock.nowMs() + rememberedMs);
    }
    for (const listener of question.listeners) listener(answer);
  }

  #forgetCircuit(): void {
    this.#circuit = undefined;
    this.#yes.clear();
    const open = [...this.#questions.values()];
    this.#queue.clear();
    this.#sent.clear();
    this.#sentBySearchId.clear();
    for (const question of open) this.#settle(question, 'unknown');
  }

  dispose(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.#tick?.timer.dispose();
    this.#circuit?.dispose();
    this.#forgetCircuit();
  }
}
