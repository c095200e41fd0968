import { backoffMs } from '../../base/backoff';
import { schedule } from '../../base/schedule';
import { delay } from '../../base/abort';
import { DisposableStore } from '../../base/disposable';
import { EventEmitter } from '../../base/event';
import { messageOf, RemoteProtocolError, TimeoutError, TransportError } from '../../base/errors';
import { hasChannel, type PvStep, PvSteps } from '../../model/pvTable';
import type { Problem } from '../../model/problem';
import type { PvReading } from '../../model/reading';
import type { PvProtocol } from '../../model/snapshot';
import { ReceiveAllowance } from './receiveAllowance';
import { Circuit } from './circuit';
import { createAdapter } from './createAdapter';
import type { Channel, ChannelOwner, ProtocolAdapter, Refusal } from './protocolAdapter';
import { PvReads } from './pvReads';
import type { Reachability, ReachabilityInput } from './reachability';
import { SuspectNames } from './suspectNames';

/**
 * How many channels of a server are created and held; for further PVs the server is searched, if it
 * answers searches. Each channel costs the IOC memory: 22 kB with pvxs 1.5, so that 100,000 of them
 * took 2 GB.
 */
export const MAX_HELD_CHANNELS = 1000;

interface HeldChannelEvents {
  /** The server has created the channel. */
  opened(index: number, isReadable: boolean): void;
  /** The server reported the access rights of a channel, whether it is created yet or not. */
  rightsChanged(index: number, isReadable: boolean): void;
  refused(held: HeldChannel, refusal: Refusal): void;
  /** The server ended the channel. */
  lost(held: HeldChannel): void;
}

/**
 * The channel of a PV; `index` is that of its name in the table. No closures, because there may be
 * very many.
 */
class HeldChannel implements ChannelOwner {
  channel: Channel | undefined;
  isOpen = false;

  constructor(
    readonly index: number,
    readonly events: HeldChannelEvents,
  ) {}

  get wantsReason(): boolean {
    return true;
  }
  opened(isReadable: boolean): void {
    this.isOpen = true;
    this.events.opened(this.index, isReadable);
  }
  rightsChanged(isReadable: boolean): void {
    this.events.rightsChanged(this.index, isReadable);
  }
  refused(refusal: Refusal): void {
    this.events.refused(this, refusal);
  }
  lost(): void {
    this.events.lost(this);
  }
}

const DIAL_TIMEOUT_MS = 5000;
/** How long to wait for the handshake, and for the answers to channel requests. */
const ANSWER_TIMEOUT_MS = 5000;
const RECONNECT_FIRST_MS = 200;
const RECONNECT_MAX_MS = 5000;
/** A channel that the server ended is requested again after this time. */
const RECREATE_MS = 2000;
/**
 * After a no, a name that the user gave is asked for again after this time: servers learn new
 * names.
 */
const ASK_AGAIN_FIRST_MS = 500;
const ASK_AGAIN_MAX_MS = 30_000;
/** How many times a gateway's no is taken for "not yet". */
const GATEWAY_PATIENCE = 3;
/**
 * Names asked for in one turn of the event loop, even if the server accepts more: a millisecond or
 * two, for which clients of relays wait.
 */
const TURN = 256;

/**
 * Keeps one circuit to a server on which every PV was asked for, so that what is shown stays true
 * without asking again: the server's own messages, and the end of the circuit, change it.
 */
export class ReachabilityWatcher implements Reachability {
  readonly steps = new PvSteps();
  readonly #input: ReachabilityInput;
  readonly #protocol: PvProtocol;
  readonly #store = new DisposableStore();
  readonly #abort = new AbortController();
  readonly #changed = this.#store.add(new EventEmitter<void>());
  #problem: Problem | undefined;
  /** Names below this were asked for on the current circuit. */
  #asked = 0;
  #circuit: Circuit<ProtocolAdapter> | undefined;
  /** Channels of the current circuit that are open or requested, by index. */
  readonly #channels = new Map<number, HeldChannel>();
  /** Indexes of names that are searched for, by the id of the search. */
  readonly #searches = new Map<number, number>();
  readonly #channelEvents: HeldChannelEvents = {
    opened: (index, isReadable) => this.#step(index, isReadable ? 'reachable' : 'no-read-access'),
    rightsChanged: (index, isReadable) => this.noteRead(index, isReadable),
    refused: (held, refusal) => {
      this.#forgetChannel(held);
      this.#refused(held.index, refusal);
    },
    lost: (held) => {
      this.#forgetChannel(held);
      this.#channelLost(held.index);
    },
  };
  readonly #reads: PvReads;
  #allowance: ReceiveAllowance;
  /** PVs that the server answered for on the current circuit, with yes or no. */
  #answers = 0;
  /** How often the server said no to a name that the user gave, by index. */
  readonly #refusals = new Map<number, number>();
  /** Names of which one may be why an earlier circuit ended. */
  readonly #suspects = new SuspectNames();
  /** Whether we ended the current circuit ourselves. */
  #isInterrupted = false;
  /** Whether that was because clients go another way. */
  #isMoving = false;
  /** Names that are not wanted, by index, and how far they get all the same. */
  readonly #unwanted = new Map<number, PvStep>();
  #isNotifyPending = false;
  /** Whether it may be reached since the current attempt began. */
  #isResumed = false;
  /** The wait before the next attempt to connect; aborting it ends the wait. */
  #pause = new AbortController();
  #isMorePending = false;
  /** The circuit on which somebody waits for answers. */
  #awaited: Circuit<ProtocolAdapter> | undefined;

  readonly onDidChange = this.#changed.event;

  constructor(protocol: PvProtocol, input: ReachabilityInput) {
    this.#protocol = protocol;
    this.#input = input;
    this.#reads = new PvReads({ ...input, protocol, identity: input });
    this.#allowance = new ReceiveAllowance(input.clock);
    this.steps.grow(input.names.size);
    void this.#hold();
  }

  get problem(): Problem | undefined {
    return this.#problem;
  }

  resume(): void {
    this.#isResumed = true;
    this.#pause.abort();
  }

  interrupt(reason: string): void {
    this.#isInterrupted = true;
    this.#circuit?.end(new TransportError(reason));
  }

  move(reason: string): void {
    this.#isMoving = this.#circuit?.isReady === true;
    this.interrupt(reason);
  }

  namesAdded(): void {
    this.steps.grow(this.#input.names.size);
    this.#ask();
    this.#notify();
  }

  setWanted(index: number, isWanted: boolean): void {
    if (isWanted !== this.#unwanted.has(index)) return;
    const hidden = this.#unwanted.get(index);
    if (hidden !== undefined) {
      this.#unwanted.delete(index);
      this.steps.set(index, hasChannel(hidden) ? hidden : 'pending');
      void this.#watchPending();
      if (!hasChannel(hidden) && index < this.#asked) this.#askNow(index);
    } else {
      this.#unwanted.set(index, this.steps.get(index));
      this.#refusals.delete(index);
      this.steps.set(index, 'not-served');
    }
    this.#notify();
  }

  noteRead(index: number, isPermitted: boolean): void {
    if (this.#unwanted.has(index)) return;
    if (!hasChannel(this.steps.get(index))) return;
    if (this.steps.set(index, isPermitted ? 'reachable' : 'no-read-access')) this.#notify();
  }

  read(name: string, signal: AbortSignal, part?: readonly string[]): Promise<PvReading> {
    const index = this.#input.names.indexOf(name);
    const held = index === undefined ? undefined : this.#channels.get(index);
    return this.#reads.read(name, held?.isOpen === true ? held.channel : undefined, signal, part);
  }

  /** Connects, holds until the circuit ends, and connects again, until disposed. */
  async #hold(): Promise<void> {
    for (let failures = 0; !this.#abort.signal.aborted; failures++) {
      try {
        const isEstablished = await this.#holdOnce();
        if (isEstablished) failures = 0;
      } catch (error) {
        if (this.#abort.signal.aborted) return;
        this.#lose(messageOf(error));
      }
      if (this.#abort.signal.aborted) return;
      if (this.#isMoving) continue;
      // An attempt that was under way may have come too early.
      if (this.#isResumed) failures = 0;
      const pauseMs = backoffMs(failures, RECONNECT_FIRST_MS, RECONNECT_MAX_MS);
      this.#pause = new AbortController();
      await delay(this.#input.clock, pauseMs, this.#pause.signal).catch(() => undefined);
    }
  }

  /** Holds one circuit; resolves at its end with whether it was ever ready. */
  async #holdOnce(): Promise<boolean> {
    const { clock, dial } = this.#input;
    const allowance = new ReceiveAllowance(clock);
    this.#allowance = allowance;
    this.#asked = 0;
    this.#isInterrupted = false;
    this.#isResumed = false;
    this.#channels.clear();
    this.#searches.clear();
    const circuit = new Circuit<ProtocolAdapter>({
      dial,
      createAdapter: (ready) =>
        createAdapter(
          this.#protocol,
          { ...this.#input, probesSearches: true },
          { ready, searched: (searchId, isFound) => this.#searched(searchId, isFound) },
        ),
      onReady: () => this.#begin(circuit, allowance),
      onBytes: (lengthBytes) => allowance.received(lengthBytes),
      onDrain: () => this.#ask(),
      dialTimeoutMs: DIAL_TIMEOUT_MS,
      handshakeTimeoutMs: ANSWER_TIMEOUT_MS,
      clock,
    });
    this.#circuit = circuit;
    const error = await circuit.run();
    this.#reads.release(error ?? new TransportError('the server closed the circuit'));
    if (this.#abort.signal.aborted) return circuit.hasBeenReady;
    if (this.#isMoving && circuit.hasBeenReady) {
      this.#replaceReachable('pending');
      return true;
    }
    if (circuit.hasBeenReady && !(error instanceof TimeoutError)) this.#suspectOpen();
    // Before that, it may have been whoever is between us and the server.
    const closed = circuit.hasBeenReady
      ? 'the server closed the circuit'
      : (this.#input.whyClosed?.() ?? 'it was closed before the handshake');
    this.#lose(error ? messageOf(error) : closed);
    if (circuit.hasBeenReady) this.#input.onCircuitLost();
    else this.#input.onCircuitFailed?.();
    // A server that breaks the rules again and again is tried less and less often.
    return circuit.hasBeenReady && !(error instanceof RemoteProtocolError);
  }

  #begin(circuit: Circuit<ProtocolAdapter>, allowance: ReceiveAllowance): void {
    this.#isMoving = false;
    this.#problem = undefined;
    this.#reads.hold(circuit, allowance);
    void this.#watchPending();
    this.#ask();
    this.#notify();
  }

  /** Asks for the PVs that were not asked for yet, as fast as the server accepts it. */
  #ask(): void {
    const adapter = this.#circuit?.adapter;
    if (!this.#circuit?.isReady || !adapter) return;
    const { names } = this.#input;
    // The table grows in slices and only its end is reported, but what is asked for needs its place
    // now.
    this.steps.grow(names.size);
    const end = Math.min(this.#asked + TURN, names.size);
    for (; this.#asked < end; this.#asked++) {
      const isAsked = this.#refusals.has(this.#asked); // given by the user, asked for again and again
      if (this.steps.get(this.#asked) === 'not-served' && !isAsked) continue;
      this.steps.set(this.#asked, 'pending');
      if (!this.#suspects.isWaiting(this.#asked)) this.#askFor(this.#asked, adapter);
    }
    if (!this.#circuit.flush()) return;
    if (this.#asked < names.size) this.#askMoreSoon();
    else this.#askSuspects();
  }

  /** The circuit ended: a name without an answer may be why. */
  #suspectOpen(): void {
    if (this.#isInterrupted) return;
    const channels = [...this.#channels.values()].filter(({ isOpen }) => !isOpen);
    const open = [...channels.map(({ index }) => index), ...this.#searches.values()];
    // A name that the server is silent about is no reason to end anything.
    const guilty = this.#suspects.circuitEnded(
      open.filter((index) => this.steps.get(index) !== 'no-answer'),
    );
    if (guilty !== undefined) this.steps.set(guilty, 'ends-circuit');
  }

  /** Asks for suspects when nothing else is open: then it shows which of them ends the circuit. */
  #askSuspects(): void {
    const adapter = this.#circuit?.adapter;
    if (!this.#circuit?.isReady || !adapter || this.#asked < this.#input.names.size) return;
    // Those that are not wanted, or need no answer, are passed over.
    while (this.#suspects.waitingCount >= Math.max(1, this.steps.count('pending'))) {
      const names = this.#suspects.take().filter((index) => !this.#unwanted.has(index));
      for (const index of names) this.steps.set(index, 'pending');
      for (const index of names) this.#askFor(index, adapter);
    }
    this.#circuit.flush();
  }

  /**
   * Asks for one PV: by a channel that is held or, beyond their limit, by a search if the server
   * answers those.
   */
  #askFor(index: number, adapter: ProtocolAdapter): void {
    const name = this.#input.names.name(index);
    // Only this name fails, and the others are asked for.
    if (this.#suspects.isGuilty(index)) {
      this.#step(index, 'ends-circuit');
      return;
    }
    if (!adapter.canAsk(name)) {
      this.#step(index, this.#isExpected(index) ? 'name-too-long' : 'not-served');
      return;
    }
    this.#allowance.asked();
    void this.#watchPending();
    if (adapter.answersSearches && this.#channels.size >= MAX_HELD_CHANNELS) {
      this.#searches.set(adapter.search(name), index);
      return;
    }
    // The server left this one without an answer.
    this.#channels.get(index)?.channel?.close();
    const held = new HeldChannel(index, this.#channelEvents);
    try {
      held.channel = adapter.openChannel(name, held);
      this.#channels.set(index, held);
    } catch (error) {
      this.#circuit?.end(error as Error);
    }
  }

  #searched(searchId: number, isFound: boolean): void {
    const index = this.#searches.get(searchId);
    if (index === undefined) return;
    this.#searches.delete(searchId);
    if (isFound) this.#step(index, 'reachable');
    else this.#refused(index, 'not-found');
  }

  /** The reason of a refusal may arrive after the PV was asked for again. */
  #forgetChannel(held: HeldChannel): void {
    if (this.#channels.get(held.index) === held) this.#channels.delete(held.index);
  }

  #askMoreSoon(): void {
    if (this.#isMorePending) return;
    this.#isMorePending = true;
    schedule(this.#store, this.#input.clock, 0, () => {
      this.#isMorePending = false;
      this.#ask();
    });
  }

  /** Takes the server's silence about requested channels for "no answer", while there are such. */
  async #watchPending(): Promise<void> {
    const circuit = this.#circuit;
    if (!circuit?.isReady || this.#awaited === circuit) return;
    this.#awaited = circuit;
    const { signal } = circuit;
    const { clock } = this.#input;
    while (this.steps.count('pending') > 0) {
      const answers = this.#answers;
      await delay(clock, clock.stretch(ANSWER_TIMEOUT_MS), signal).catch(() => undefined);
      if (signal.aborted) return;
      // Whatever else it sends: it does not answer these.
      if (this.#answers !== answers) continue;
      this.steps.replaceAll('pending', 'no-answer');
      this.#askSuspects();
      this.#notify();
    }
    this.#awaited = undefined;
  }

  #step(index: number, step: PvStep): void {
    this.#answers++;
    this.#suspects.answered(index);
    if (this.#unwanted.has(index)) {
      this.#unwanted.set(index, step);
      return;
    }
    if (this.steps.set(index, step)) this.#notify();
    if (this.steps.count('pending') === 0) this.#allowance.allAnswered();
    if (this.#suspects.waitingCount > 0) this.#askSuspects();
  }

  /**
   * Notes a refusal. A name that belongs to the other protocol, or to another IOC, is not this
   * server's failure.
   */
  #refused(index: number, step: Refusal): void {
    if (this.#unwanted.has(index)) return;
    const source = this.#input.names.source(index).kind;
    if (source === 'user' && step === 'not-found') {
      const refusals = this.#refusals.get(index) ?? 0;
      this.#refusals.set(index, refusals + 1);
      this.#askAgain(index, backoffMs(refusals, ASK_AGAIN_FIRST_MS, ASK_AGAIN_MAX_MS));
      if (this.#input.isGateway && refusals < GATEWAY_PATIENCE) return;
    }
    const isExpected = this.#isExpected(index);
    this.#step(index, step === 'not-found' && !isExpected ? 'not-served' : step);
  }

  /** Whether this server should have it, by what its IOC says. */
  #isExpected(index: number): boolean {
    const { kind } = this.#input.names.source(index);
    return kind === 'database' || (kind === 'pva-list' && this.#protocol === 'pva');
  }

  #channelLost(index: number): void {
    this.#step(index, 'disconnected');
    this.#askAgain(index, RECREATE_MS);
  }

  /** Asks again on this circuit; on the next one every name is asked for anyway. */
  #askAgain(index: number, delayMs: number): void {
    const circuit = this.#circuit;
    schedule(this.#store, this.#input.clock, delayMs, () => {
      if (this.#circuit !== circuit || hasChannel(this.steps.get(index))) return;
      this.#askNow(index);
    });
  }

  #askNow(index: number): void {
    if (this.#unwanted.has(index) || this.#suspects.isWaiting(index)) return;
    const adapter = this.#circuit?.adapter;
    if (adapter) this.#askFor(index, adapter);
    this.#circuit?.flush();
  }

  #lose(reason: string): void {
    this.#replaceReachable('disconnected');
    // They were reachable before clients went another way.
    if (this.#isMoving) this.steps.replaceAll('pending', 'disconnected');
    this.#isMoving = false;
    this.#problem = { code: 'disconnected', detail: reason };
    this.#notify();
  }

  #replaceReachable(step: PvStep): void {
    for (const index of this.#unwanted.keys()) this.#unwanted.set(index, step);
    this.steps.replaceAll('reachable', step);
    this.steps.replaceAll('no-read-access', step);
    this.#notify();
  }

  /** Fires once for everything that changes in this turn of the event loop. */
  #notify(): void {
    if (this.#isNotifyPending || this.#store.isDisposed) return;
    this.#isNotifyPending = true;
    void Promise.resolve().then(() => {
      this.#isNotifyPending = false;
      this.#changed.fire();
    });
  }

  dispose(): void {
    if (this.#store.isDisposed) return;
    this.#abort.abort();
    this.#pause.abort();
    this.#circuit?.dispose();
    this.#store.dispose();
  }
}
