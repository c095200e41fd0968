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

/**
 * Whether a server has a name; 'unknown': it could not be asked, or not now. Silence counts as
 * 'no'.
 */
export type NameAnswer = 'yes' | 'no' | 'unknown';

/** Which server to ask, and as which client. */
export interface NameResolverInput extends ClientIdentity {
  readonly protocol: PvProtocol;
  /** Name of the server in the log. */
  readonly label: string;
  /** Connects to the server itself, without a relay of ours in between. */
  readonly dial: (signal: AbortSignal) => Promise<Connection>;
  /** Gateways are asked slowly, because each question makes them search their whole network. */
  readonly isGateway: boolean;
  /** Called once, when it said yes to a name that nobody has. */
  readonly onYesToAll?: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

const DIAL_TIMEOUT_MS = 3000;
/** A server that has not answered by then does not have the name, or hangs. */
const ANSWER_TIMEOUT_MS = 1000;
/** How long a question may wait until it is sent at all. */
const WAIT_TIMEOUT_MS = 3000;
const NO_REMEMBERED_MS = 5000;
/** A gateway finds a name only after being asked for it. */
const GATEWAY_NO_REMEMBERED_MS = 1000;
/** A search costs rsrv some microseconds; a channel costs the server more, for a moment. */
const QUESTIONS_PER_SECOND: Record<LookupBy, number> = { search: 5000, channel: 500, both: 500 };
/** ca-gateway answers as many within 40 ms; each causes some searches in its network. */
const GATEWAY_QUESTIONS_PER_SECOND = 1000;
const MAX_REMEMBERED = 20_000;
/** Questions of one client, and of all clients. */
const MAX_WAITING = 10_000;
const MAX_WAITING_OF_ALL = 40_000;
const TICK_MS = 20;
/** A server that could not be reached is not tried again for this long. */
const RETRY_MS = 1000;
/**
 * After at most this many names it is asked again for one that nobody has; the exact number is
 * random.
 */
const NAMES_PER_CANARY = 20;

interface Question {
  readonly name: string;
  readonly untilMs: number;
  readonly listeners: ((answer: NameAnswer) => void)[];
}

/** A question that was sent by a search, a channel, or both. */
interface Sent {
  readonly question: Question;
  /** When to stop waiting for the answer, by the clock. */
  readonly untilMs: number;
  readonly searchId: number | undefined;
  channel?: Channel;
}

/**
 * Asks one server whether it has names, over a circuit of its own into the container that is opened
 * for the first question. Remembers yes for as long as that circuit lives, and no for some seconds.
 * Asks for each name once at a time, no faster than the server should be asked, and never waits
 * long for an answer.
 */
export class NameResolver implements Disposable {
  readonly #input: NameResolverInput;
  readonly #abort = new AbortController();
  readonly #yes = new LruMap<string, true>(MAX_REMEMBERED);
  /** When it first said yes. */
  readonly #firstYesMs = new LruMap<string, number>(MAX_REMEMBERED);
  /** Until when a no counts. */
  readonly #no = new LruMap<string, number>(MAX_REMEMBERED);
  readonly #questions = new Map<string, Question>();
  /** Questions that are not sent yet. */
  readonly #queue = new FairQueue<Question>(MAX_WAITING, MAX_WAITING_OF_ALL);
  /** Questions that are sent, oldest first. */
  readonly #sent = new Set<Sent>();
  readonly #sentBySearchId = new Map<number, Sent>();
  #circuit: Circuit<ProtocolAdapter> | undefined;
  #isHolding = false;
  #isResting = false;
  #allowance: ReceiveAllowance | undefined;
  /** Questions that may be sent now without asking too fast. */
  #questionsLeft = 0;
  #allowedAtMs = 0;
  /** Whether it has said yes to a name that nobody has. */
  #saysYesToAll = false;
  /** The name that nobody has, while it is being asked. */
  #canary: string | undefined;
  #namesUntilCanary = 0;
  #tick: { readonly atMs: number; readonly timer: Disposable } | undefined;

  constructor(input: NameResolverInput) {
    this.#input = input;
  }

  /**
   * Whether it was once seen to claim every name: then its yes means nothing. That outlives the
   * circuit; a server that starts again gets another resolver.
   */
  get saysYesToAll(): boolean {
    return this.#saysYesToAll;
  }

  /** When it first said yes, even over an earlier circuit: milliseconds of the clock. */
  firstYesMs(name: string): number | undefined {
    return this.#firstYesMs.get(name);
  }

  /** Whether it said in the last few seconds that it does not have the name. */
  hasSaidNo(name: string): boolean {
    return (this.#no.get(name) ?? 0) > this.#input.clock.nowMs();
  }

  /** Whether it said yes and its circuit has lived since. */
  hasSaidYes(name: string): boolean {
    return this.#yes.get(name) === true;
  }

  /**
   * Answers at once from memory, otherwise later; always exactly once, unless this is disposed.
   * Clients take turns, however much one of them asks.
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
   * Asks for a name that nobody has: before all waiting questions, so that its answer comes before
   * theirs, and again at random, because a server might recognise the first question by its
   * position but not the next one. Gateways are known to be gateways, so they are not asked.
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

  /** Works after that time, or sooner if that was planned already. */
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

  /** Sends the questions that may be sent, and ends those that have waited too long. */
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

  /** Stops waiting for that answer. */
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
      // What it said before means no more than what it says now.
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
