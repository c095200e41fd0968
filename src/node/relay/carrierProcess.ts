import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Disposable } from '../../base/disposable';
import type {
  CircuitAnswers,
  CircuitSearches,
  SearchAnswer,
  SearchQuestion,
} from '../../services/host/connection';
import { programEnvironment } from '../programFiles';
import { systemClock } from '../systemClock';
import { type DetachedSocket, detachSocket } from './bareSocket';
import type { FromCarrier, ToCarrier } from './carrierMessages';

/** A circuit that the carrier carries; disposing it resets both ends. */
export interface CarriedCircuit extends Disposable {
  /** Whether the client has sent something. */
  readonly isUsed: boolean;
}

/** The right to hand over one circuit; disposing it gives it back, if it was not used. */
export interface HandOver extends Disposable {
  /**
   * Takes over two paused sockets, of which nothing has been read. `onClosed` is called once, when
   * neither end is open any more. Undefined: the carrier has ended, and they remain the caller's.
   */
  carry(
    client: Socket,
    server: Socket,
    searches: CircuitSearches | undefined,
    onClosed: () => void,
  ): CarriedCircuit | undefined;
}

/** What the owner of a carrier wants to know. */
export interface CarrierEvents {
  /** It has no circuit. */
  readonly onIdle: () => void;
  /** It ended without us. */
  readonly onEnd: (reason: string) => void;
}

/**
 * Circuits that are handed over at once. Node sends a socket only when the one before has arrived;
 * meanwhile nothing of the circuit can be noticed here, not even that its client has gone.
 */
const MAX_ON_THEIR_WAY = 8;
/** Circuits that wait for that; beyond, a storm of clients is served sooner here. */
const MAX_WAITING = 16;
/** Asked in one turn of the event loop; one message may have thousands. */
const QUESTIONS_PER_TURN = 500;
/** A carrier that does not take over a circuit in this time is ended; longer on a busy machine. */
const HAND_OVER_MS = 3000;
/**
 * Descriptors that the carrier needs for itself. If it has too few, Node repeats a message with a
 * socket, and an assertion of its own ends this process for it (internal/child_process, Node 20).
 */
const OWN_DESCRIPTORS = 100;
/** The end of what it wrote before it failed is kept. */
const MAX_ERROR_TEXT = 2000;

interface Circuit {
  readonly answers: CircuitAnswers | undefined;
  readonly onClosed: () => void;
  isUsed: boolean;
  /** Only its descriptors are still counted. */
  isClosedHere: boolean;
}

interface OnItsWay {
  /** Node forgets them if the process ends meanwhile. */
  readonly ends: readonly DetachedSocket[];
  readonly patience: Disposable;
}

/** One run of the carrier. */
export class CarrierProcess implements Disposable {
  readonly #child: ChildProcess;
  readonly #events: CarrierEvents;
  readonly #maxCircuits = (descriptorLimit() - OWN_DESCRIPTORS) / 2;
  /** Until the carrier says that they are closed. */
  readonly #circuits = new Map<number, Circuit>();
  readonly #onTheirWay = new Map<number, OnItsWay>();
  #claimedCount = 0;
  #claims: ((handOver: HandOver | undefined) => void)[] = [];
  #nextCircuit = 0;
  #answers: [number, SearchAnswer][] = [];
  #receivedCount = 0;
  /** Messages with questions, oldest first, of which some are still to be asked. */
  readonly #asked: (readonly [number, SearchQuestion])[][] = [];
  #isAnswering = false;
  #errorText = '';
  #isEnded = false;
  #hasCarried = false;

  /** Starts the program. Throws if that fails at once. */
  constructor(program: string, events: CarrierEvents) {
    this.#events = events;
    this.#child = fork(program, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
      env: programEnvironment(),
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errorText = (this.#errorText + text).slice(-MAX_ERROR_TEXT);
    });
    this.#child.on('error', (error) => this.#fail(error.message));
    this.#child.on('close', () => this.#fail(this.#errorText.trim() || 'without a word'));
    this.#child.on('message', (message: FromCarrier) => this.#take(message));
    // It does not keep us; it ends when its channel closes.
    for (const handle of [this.#child, this.#child.channel, this.#child.stderr as Socket | null]) {
      handle?.unref();
    }
  }

  /** Whether a circuit has ever arrived there. */
  get hasCarried(): boolean {
    return this.#hasCarried;
  }

  /** As Carrier.claim. */
  claim(): Promise<HandOver | undefined> {
    const open = this.#circuits.size + this.#claimedCount + this.#claims.length;
    if (this.#isEnded || open >= this.#maxCircuits || this.#claims.length >= MAX_WAITING) {
      return Promise.resolve(undefined);
    }
    return new Promise((resolve) => {
      this.#claims.push(resolve);
      this.#grant();
    });
  }

  #grant(): void {
    // Until one has arrived, it may not even start.
    const limit = this.#hasCarried ? MAX_ON_THEIR_WAY : 1;
    while (this.#claims.length > 0 && this.#claimedCount + this.#onTheirWay.size < limit) {
      this.#claims.shift()?.(this.#handOver());
    }
  }

  #handOver(): HandOver {
    this.#claimedCount++;
    let isClaimed = true;
    const giveBack = (): void => {
      if (!isClaimed) return;
      isClaimed = false;
      this.#claimedCount--;
    };
    return {
      carry: (...circuit) => {
        giveBack();
        return this.#isEnded ? undefined : this.#carry(...circuit);
      },
      dispose: () => {
        giveBack();
        this.#grant();
        this.#noteIdle();
      },
    };
  }

  #noteIdle(): void {
    if (this.#circuits.size + this.#claimedCount === 0) this.#events.onIdle();
  }

  #carry(...[client, server, searches, onClosed]: Parameters<HandOver['carry']>): CarriedCircuit {
    const circuit = this.#nextCircuit++;
    const { remoteAddress: host, remotePort: port } = client;
    const from = host !== undefined && port !== undefined ? { host, port } : undefined;
    const answers = searches?.answer(from, (answer) => this.#answer(circuit, answer));
    const carried: Circuit = { answers, onClosed, isUsed: false, isClosedHere: false };
    this.#circuits.set(circuit, carried);
    const ends = [detachSocket(client), detachSocket(server)] as const;
    const patience = systemClock.after(systemClock.stretch(HAND_OVER_MS), () =>
      this.#fail('it takes over no circuit'),
    );
    this.#onTheirWay.set(circuit, { ends, patience });
    this.#send({ kind: 'client', circuit }, ends[0].socket);
    this.#send({ kind: 'server', circuit }, ends[1].socket);
    this.#send({ kind: 'join', circuit, ...(searches && { protocol: searches.protocol }) });
    return {
      get isUsed() {
        return carried.isUsed;
      },
      dispose: () => {
        if (this.#circuits.has(circuit)) this.#send({ kind: 'reset', circuit });
        this.#closeHere(carried);
      },
    };
  }

  #send(message: ToCarrier, socket?: Socket): void {
    if (!this.#child.connected) return;
    this.#child.send(message, socket, (error) => {
      if (error) this.#fail(error.message);
    });
  }

  #take(message: FromCarrier): void {
    switch (message.kind) {
      case 'joined':
        this.#hasCarried = true;
        this.#arrive(message.circuit);
        return;
      case 'used': {
        const circuit = this.#circuits.get(message.circuit);
        if (circuit) circuit.isUsed = true;
        return;
      }
      case 'closed':
        this.#arrive(message.circuit);
        this.#close(message.circuit);
        return;
      case 'questions':
        if (this.#asked.push([...message.questions]) === 1) this.#askSome();
    }
  }

  /** So many in a turn of the event loop; a message counts as received when all of it was asked. */
  #askSome(): void {
    for (let left = QUESTIONS_PER_TURN; left > 0 && this.#asked[0];) {
      const part = this.#asked[0].splice(0, left);
      left -= Math.max(1, part.length);
      for (const [circuit, question] of part) {
        const { isClosedHere, answers } = this.#circuits.get(circuit) ?? {};
        if (!isClosedHere) answers?.ask(question);
      }
      if (this.#asked[0].length > 0) break;
      this.#asked.shift();
      this.#receivedCount++;
      this.#answerSoon();
    }
    if (this.#asked.length > 0) setImmediate(() => this.#askSome());
  }

  #answer(circuit: number, answer: SearchAnswer): void {
    this.#answers.push([circuit, answer]);
    this.#answerSoon();
  }

  /** Answers leave together, once for all questions of a turn of the event loop. */
  #answerSoon(): void {
    if (this.#isAnswering) return;
    this.#isAnswering = true;
    setImmediate(() => {
      this.#isAnswering = false;
      const [answers, receivedCount] = [this.#answers, this.#receivedCount];
      [this.#answers, this.#receivedCount] = [[], 0];
      this.#send({ kind: 'answers', answers, receivedCount });
    });
  }

  #arrive(circuit: number): void {
    this.#onTheirWay.get(circuit)?.patience.dispose();
    this.#onTheirWay.delete(circuit);
    this.#grant();
  }

  #close(circuit: number): void {
    const closed = this.#circuits.get(circuit);
    if (!closed) return;
    this.#circuits.delete(circuit);
    this.#closeHere(closed);
    this.#noteIdle();
  }

  #closeHere(circuit: Circuit): void {
    if (circuit.isClosedHere) return;
    circuit.isClosedHere = true;
    circuit.answers?.dispose();
    circuit.onClosed();
  }

  #fail(reason: string): void {
    if (this.#isEnded) return;
    this.dispose();
    this.#events.onEnd(reason);
  }

  dispose(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    // The circuits end with it. Also killed, in case it hangs.
    if (this.#child.connected) this.#child.disconnect();
    this.#child.kill('SIGKILL');
    for (const { ends, patience } of this.#onTheirWay.values()) {
      patience.dispose();
      for (const end of ends) end.reset();
    }
    this.#onTheirWay.clear();
    for (const circuit of [...this.#circuits.values()]) this.#closeHere(circuit);
    this.#circuits.clear();
    for (const claim of this.#claims.splice(0)) claim(undefined);
    this.#asked.length = 0;
  }
}

/** Descriptors that a process may have, as this one and those that it starts (proc_pid_limits(5)). */
function descriptorLimit(): number {
  const text = readFileSync('/proc/self/limits', 'utf8');
  const limit = /^Max open files\s+(\d+)/m.exec(text)?.[1];
  return limit === undefined ? Infinity : Number(limit);
}
