import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Disposable } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import type { Log } from '../../base/log';
import type { CircuitAnswers, CircuitSearches, SearchAnswer } from '../../services/host/connection';
import { programPath } from '../programFiles';
import { type DetachedSocket, detachSocket } from './bareSocket';
import type { FromCarrier, ToCarrier } from './carrierMessages';

/** A circuit that the carrier carries; disposing it resets both ends. */
export interface CarriedCircuit extends Disposable {
  /** Whether the client has sent something. */
  readonly isUsed: boolean;
}

/** How long it runs without a circuit. */
const IDLE_MS = 10_000;
/** The end of what it wrote before it failed is kept. */
const MAX_ERROR_TEXT = 2000;

/**
 * Carries the circuits of relays in a process of its own, so that they do not wait for our other
 * work: both ends of a circuit are sockets, which are handed over. Searches are taken out there and
 * answered here. The process starts with the first circuit and ends with us, or some time after the
 * last; if it fails, its circuits are reset.
 */
export class Carrier implements Disposable {
  readonly #log: Log;
  readonly #program: string | undefined;
  #process: CarrierProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** It could not be started, or failed at once: circuits are carried here. */
  #isBroken = false;

  /** `program` is a path; default: the built carrier. */
  constructor(log: Log, program?: string) {
    this.#log = log;
    this.#program = program;
  }

  /**
   * Takes over a circuit: two paused sockets, of which nothing has been read. `onClosed` is called
   * once, when neither end is open any more. Undefined: it cannot, and they remain the caller's.
   */
  carry(
    client: Socket,
    server: Socket,
    searches: CircuitSearches | undefined,
    onClosed: () => void,
  ): CarriedCircuit | undefined {
    // Handing over sockets is tried on Linux only; elsewhere hardly any route has one.
    if (this.#isBroken || process.platform !== 'linux') return undefined;
    clearTimeout(this.#idle);
    this.#process ??= this.#start();
    return this.#process?.carry(client, server, searches, onClosed);
  }

  #start(): CarrierProcess | undefined {
    try {
      const started = new CarrierProcess(this.#program ?? programPath('carrier.js'), {
        onIdle: () => {
          clearTimeout(this.#idle);
          this.#idle = setTimeout(() => this.#end(started), IDLE_MS).unref();
        },
        onEnd: (reason) => {
          this.#log('warn', 'relay', `the carrier of circuits ended: ${reason}`);
          this.#isBroken ||= !started.hasCarried;
          if (this.#process === started) this.#process = undefined;
        },
      });
      return started;
    } catch (error) {
      this.#log('warn', 'relay', `the carrier of circuits did not start: ${messageOf(error)}`);
      this.#isBroken = true;
      return undefined;
    }
  }

  #end(one: CarrierProcess | undefined): void {
    if (this.#process === one) this.#process = undefined;
    one?.dispose();
  }

  dispose(): void {
    clearTimeout(this.#idle);
    this.#isBroken = true;
    this.#end(this.#process);
  }
}

interface CarrierEvents {
  readonly onIdle: () => void;
  /** It ended without us. */
  readonly onEnd: (reason: string) => void;
}

interface Circuit {
  readonly answers: CircuitAnswers | undefined;
  readonly onClosed: () => void;
  isUsed: boolean;
  /** Its ends until both have arrived: Node forgets them if the process ends meanwhile. */
  onTheirWay: readonly DetachedSocket[];
}

/** One run of the carrier. */
class CarrierProcess implements Disposable {
  readonly #child: ChildProcess;
  readonly #events: CarrierEvents;
  readonly #circuits = new Map<number, Circuit>();
  #nextCircuit = 0;
  #waiting: [number, SearchAnswer][] = [];
  #errorText = '';
  #isEnded = false;
  hasCarried = false;

  constructor(program: string, events: CarrierEvents) {
    this.#events = events;
    this.#child = fork(program, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
      // Electron too has to be Node; and without options meant for our own process.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: '' },
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

  carry(
    client: Socket,
    server: Socket,
    searches: CircuitSearches | undefined,
    onClosed: () => void,
  ): CarriedCircuit {
    const circuit = this.#nextCircuit++;
    const { remoteAddress: host, remotePort: port } = client;
    const from = host !== undefined && port !== undefined ? { host, port } : undefined;
    const answers = searches?.answer(from, (answer) => this.#answer(circuit, answer));
    const ends = [detachSocket(client), detachSocket(server)] as const;
    const carried: Circuit = { answers, onClosed, isUsed: false, onTheirWay: ends };
    this.#circuits.set(circuit, carried);
    this.#send({ kind: 'client', circuit }, ends[0].socket);
    this.#send({ kind: 'server', circuit }, ends[1].socket);
    this.#send({ kind: 'join', circuit, ...(searches && { protocol: searches.protocol }) });
    return {
      get isUsed() {
        return carried.isUsed;
      },
      dispose: () => {
        if (this.#circuits.has(circuit)) this.#send({ kind: 'reset', circuit });
        this.#close(circuit);
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
      case 'used': {
        this.hasCarried = true;
        const circuit = this.#circuits.get(message.circuit);
        if (!circuit) return;
        circuit.onTheirWay = [];
        circuit.isUsed ||= message.kind === 'used';
        return;
      }
      case 'closed':
        this.#close(message.circuit);
        return;
      case 'questions':
        for (const [circuit, question] of message.questions) {
          this.#circuits.get(circuit)?.answers?.ask(question);
        }
    }
  }

  /** Answers leave together, once for all questions of a turn of the event loop. */
  #answer(circuit: number, answer: SearchAnswer): void {
    if (this.#waiting.push([circuit, answer]) > 1) return;
    setImmediate(() => {
      const answers = this.#waiting;
      this.#waiting = [];
      this.#send({ kind: 'answers', answers });
    });
  }

  #close(circuit: number): void {
    const closed = this.#circuits.get(circuit);
    if (!closed) return;
    this.#circuits.delete(circuit);
    if (this.#isEnded) for (const end of closed.onTheirWay) end.close();
    closed.answers?.dispose();
    closed.onClosed();
    if (this.#circuits.size === 0) this.#events.onIdle();
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
    for (const circuit of [...this.#circuits.keys()]) this.#close(circuit);
  }
}
