import { backoffMs } from '../../base/backoff';
import { schedule } from '../../base/schedule';
import { delay } from '../../base/abort';
import { DisposableStore } from '../../base/disposable';
import { EventEmitter } from '../../base/event';
import { messageOf, RemoteProtocolError, TransportError } from '../../base/errors';
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

/**
 * For so many PVs of a server a channel is created and held; of the others it is asked whether it
 * has them, where it answers that. Each channel is paid by the IOC: 22 kB with pvxs 1.5, so that
 * 100,000 of them took 2 GB of it.
 */
export const MAX_HELD_CHANNELS = 1000;

interface HeldChannelEvents {
  /** The server has created the channel. */
  opened(index: number, isReadable: boolean): void;
  /** The server has told what may be done with a channel, be it created yet or not. */
  rightsChanged(index: number, isReadable: boolean): void;
  refused(held: HeldChannel, refusal: Refusal): void;
  /** The server ended the channel by itself. */
  lost(held: HeldChannel): void;
}

/** The channel of a PV; `index` is its in the name table. No closures: there may be very many. */
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
/** The handshake, and the answers to channel requests, are waited for so long. */
const ANSWER_TIMEOUT_MS = 5000;
const RECONNECT_FIRST_MS = 200;
const RECONNECT_MAX_MS = 5000;
/** A channel that the server ended is asked for again after this time. */
const RECREATE_MS = 2000;
/** A name the person gave is asked for again after a no: servers learn of new names. */
const ASK_AGAIN_FIRST_MS = 500;
const ASK_AGAIN_MAX_MS = 30_000;
/** So many times a gateway's no is taken for "not yet". */
const GATEWAY_PATIENCE = 3;
/** Names asked for before the output is flushed. */
const BATCH = 1000;
/** Names asked for in one turn of the event loop, also of a server that takes more. */
const TURN = 10_000;

/**
 * Keeps one circuit to a server on which every PV was asked for, so that what is shown stays true
 * without asking again: the server's own messages, and the circuit's end, change it.
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
  /** On the current circuit, by index: channels that are there or were asked for. */
  readonly #channels = new Map<number, HeldChannel>();
  /** Indexes that are searched for, by the id of the search. */
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
  /** PVs that were answered for on the current circuit, one way or the other. */
  #answers = 0;
  /** How often a server said no to a name that the person gave, by index. */
  readonly #refusals = new Map<number, number>();
  /** Names that nobody wants to know of, and how far they are all the same. */
  readonly #unwanted = new Map<number, PvStep>();
  #isTellPending = false;
  #isMorePending = false;

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

  interrupt(reason: string): void {
    this.#circuit?.end(new TransportError(reason));
  }

  namesAdded(): void {
    this.steps.grow(this.#input.names.size);
    this.#ask();
    this.#tell();
  }

  setWanted(index: number, isWanted: boolean): void {
    if (isWanted !== this.#unwanted.has(index)) return;
    const hidden = this.#unwanted.get(index);
    if (hidden !== undefined) {
      this.#unwanted.delete(index);
      this.steps.set(index, hasChannel(hidden) ? hidden : 'pending');
      if (!hasChannel(hidden) && index < this.#asked) this.#askNow(index);
    } else {
      this.#unwanted.set(index, this.steps.get(index));
      this.#refusals.delete(index);
      this.steps.set(index, 'not-served');
    }
    this.#tell();
  }

  noteRead(index: number, isPermitted: boolean): void {
    if (this.#unwanted.has(index)) return;
    if (!hasChannel(this.steps.get(index))) return;
    if (this.steps.set(index, isPermitted ? 'reachable' : 'no-read-access')) this.#tell();
  }

  read(name: string, signal: AbortSignal): Promise<PvReading> {
    const index = this.#input.names.indexOf(name);
    const held = index === undefined ? undefined : this.#channels.get(index);
    return this.#reads.read(name, held?.isOpen === true ? held.channel : undefined, signal);
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
      const pauseMs = backoffMs(failures, RECONNECT_FIRST_MS, RECONNECT_MAX_MS);
      await delay(this.#input.clock, pauseMs, this.#abort.signal).catch(() => undefined);
    }
  }

  /** One circuit; resolves at its end with whether it ever was ready. */
  async #holdOnce(): Promise<boolean> {
    const { clock, dial } = this.#input;
    const allowance = new ReceiveAllowance(clock);
    this.#allowance = allowance;
    this.#asked = 0;
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
    this.#lose(error ? messageOf(error) : 'the server closed the circuit');
    if (circuit.hasBeenReady) this.#input.onCircuitLost();
    // Who breaks the rules again and again is asked ever more seldom.
    return circuit.hasBeenReady && !(error instanceof RemoteProtocolError);
  }

  #begin(circuit: Circuit<ProtocolAdapter>, allowance: ReceiveAllowance): void {
    this.#problem = undefined;
    this.#reads.hold(circuit, allowance);
    void this.#watchPending(circuit.signal);
    this.#ask();
    this.#tell();
  }

  /** Asks for the PVs that were not asked for yet, as fast as the server takes them. */
  #ask(): void {
    const adapter = this.#circuit?.adapter;
    if (!this.#circuit?.isReady || !adapter) return;
    const { names } = this.#input;
    // The table grows in slices, and only its end is told: what is asked for needs its place now.
    this.steps.grow(names.size);
    const turnEnd = this.#asked + TURN;
    while (this.#asked < names.size) {
      if (this.#asked >= turnEnd) {
        this.#askMoreSoon();
        return;
      }
      const end = Math.min(this.#asked + BATCH, names.size);
      for (; this.#asked < end; this.#asked++) {
        const isAsked = this.#refusals.has(this.#asked); // by the person, again and again
        if (this.steps.get(this.#asked) === 'not-served' && !isAsked) continue;
        this.steps.set(this.#asked, 'pending');
        this.#askFor(this.#asked, adapter);
      }
      if (!this.#circuit.flush()) return;
    }
  }

  /** By a channel that is held or, beyond those, by a search where that is answered. */
  #askFor(index: number, adapter: ProtocolAdapter): void {
    const name = this.#input.names.name(index);
    if (!adapter.canAsk(name)) {
      // That name alone: nobody can have it, and the others are asked for.
      this.steps.set(index, 'not-served');
      return;
    }
    this.#allowance.asked();
    if (adapter.answersSearches && this.#channels.size >= MAX_HELD_CHANNELS) {
      this.#searches.set(adapter.search(name), index);
      return;
    }
    // One that the server left without an answer.
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

  /** The reason of a refusal may come when the PV was asked for again. */
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

  /** Silence about channels that are wanted is the server's "no answer" to those. */
  async #watchPending(signal: AbortSignal): Promise<void> {
    const { clock } = this.#input;
    while (!signal.aborted) {
      const answers = this.#answers;
      const isWaiting = this.steps.count('pending') > 0;
      await delay(clock, clock.stretch(ANSWER_TIMEOUT_MS), signal).catch(() => undefined);
      // Whatever else it says: these it does not answer.
      if (signal.aborted || !isWaiting || this.#answers !== answers) continue;
      this.steps.replaceAll('pending', 'no-answer');
      this.#tell();
    }
  }

  #step(index: number, step: PvStep): void {
    this.#answers++;
    if (this.#unwanted.has(index)) {
      this.#unwanted.set(index, step);
      return;
    }
    if (this.steps.set(index, step)) this.#tell();
    if (this.steps.count('pending') === 0) this.#allowance.allAnswered();
  }

  /** A name that belongs to the other protocol, or to another IOC, is not this server's failure. */
  #refused(index: number, step: Refusal): void {
    if (this.#unwanted.has(index)) return;
    const source = this.#input.names.source(index).kind;
    if (source === 'user' && step === 'not-found') {
      const refusals = this.#refusals.get(index) ?? 0;
      this.#refusals.set(index, refusals + 1);
      this.#askAgain(index, backoffMs(refusals, ASK_AGAIN_FIRST_MS, ASK_AGAIN_MAX_MS));
      if (this.#input.isGateway && refusals < GATEWAY_PATIENCE) return;
    }
    const isExpected = source === 'database' || (source === 'pva-list' && this.#protocol === 'pva');
    this.#step(index, step === 'not-found' && !isExpected ? 'not-served' : step);
  }

  #channelLost(index: number): void {
    this.#step(index, 'disconnected');
    this.#askAgain(index, RECREATE_MS);
  }

  /** On this circuit; on the next one every name is asked for anyhow. */
  #askAgain(index: number, delayMs: number): void {
    const circuit = this.#circuit;
    schedule(this.#store, this.#input.clock, delayMs, () => {
      if (this.#circuit !== circuit || hasChannel(this.steps.get(index))) return;
      this.#askNow(index);
    });
  }

  #askNow(index: number): void {
    if (this.#unwanted.has(index)) return;
    const adapter = this.#circuit?.adapter;
    if (adapter) this.#askFor(index, adapter);
    this.#circuit?.flush();
  }

  #lose(reason: string): void {
    for (const index of this.#unwanted.keys()) this.#unwanted.set(index, 'disconnected');
    this.steps.replaceAll('reachable', 'disconnected');
    this.steps.replaceAll('no-read-access', 'disconnected');
    this.#problem = { code: 'disconnected', detail: reason };
    this.#tell();
  }

  /** Tells once for all that changes in this turn of the event loop. */
  #tell(): void {
    if (this.#isTellPending || this.#store.isDisposed) return;
    this.#isTellPending = true;
    void Promise.resolve().then(() => {
      this.#isTellPending = false;
      this.#changed.fire();
    });
  }

  dispose(): void {
    if (this.#store.isDisposed) return;
    this.#abort.abort();
    this.#circuit?.dispose();
    this.#store.dispose();
  }
}
