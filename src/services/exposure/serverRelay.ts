import { delay } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore } from '../../base/disposable';
import { type Endpoint, isLoopback } from '../../model/endpoint';
import type { Note } from '../../model/note';
import type { Problem, TakenPort } from '../../model/problem';
import type { CircuitSearches, Relay, Route } from '../host/connection';
import { type LocalPorts, type OpenPortInput, ownerOf } from '../localPorts/localPorts';

const LOOK_AGAIN_MS = 5000;

/** What a ServerRelay needs. */
export interface ServerRelayInput {
  readonly containerKey: string;
  /** Where the server listens in the container. */
  readonly target: Endpoint;
  /** Where on this machine the engine publishes a TCP port of the container. */
  readonly publishedAs: (port: number) => readonly Endpoint[];
  readonly localPorts: LocalPorts;
  /** Whether what answers at an endpoint of this machine is this very server. */
  readonly isSameServer: (local: Endpoint) => Promise<boolean>;
  /** If false, a relay that was opened in the meantime is closed again. */
  readonly isWanted: () => boolean;
  readonly clock: Clock;
  /** Ends what waits here; `close` ends the relays. */
  readonly signal: AbortSignal;
  /** `local` or `notes` changed. */
  readonly onDidChange: () => void;
  /**
   * The last relay was closed: its port belongs to another program now, or (with an error) it
   * ended.
   */
  readonly onDidLose: (endpoint: Endpoint, error: Error | undefined) => void;
  /** Nobody listens any more where another program forwarded it. */
  readonly onForwarderGone: () => void;
}

/** 'late': it was no longer wanted when it was open. A problem: no port is available. */
export type OpenedRelay = 'exposed' | 'forwarded' | 'late' | Problem;

/**
 * Where clients on this machine reach one server: the relay under its own number, one under another
 * number that was opened first, or what another program forwards. Gives way when a port becomes
 * another program's.
 */
export class ServerRelay implements Disposable {
  readonly #input: ServerRelayInput;
  readonly #store = new DisposableStore();
  /**
   * First the one that clients are given, then one under another number that was opened before it.
   */
  readonly #relays: Relay[] = [];
  #local: Endpoint | undefined;
  #notes: readonly Note[] = [];

  constructor(input: ServerRelayInput) {
    this.#input = input;
  }

  /** Where clients here reach the server; kept while the relay is closed for a pause. */
  get local(): Endpoint | undefined {
    return this.#local;
  }
  get notes(): readonly Note[] {
    return this.#notes;
  }
  /** Whether a relay of ours answers the searches of clients there. */
  get isOpen(): boolean {
    return this.#relays.length > 0;
  }

  /** The server is reachable on this machine already: nothing needs to be opened. */
  setLocal(local: Endpoint): void {
    if (!this.#store.isDisposed) this.#local = local;
  }

  /** Why the last client's connection was not carried; undefined if it was. */
  get failure(): Error | undefined {
    return this.#relays[0]?.failure;
  }

  /** Opens the relay on the first port that is available. */
  async open(route: Route, searches: CircuitSearches | undefined): Promise<OpenedRelay> {
    const { containerKey, target, localPorts, isSameServer, signal } = this.#input;
    const input: OpenPortInput = {
      ...{ containerKey, route, target, isSameServer, signal },
      ...(searches && { searches }),
      onMustMove: (relay) => this.#move(relay, input),
    };
    const opened = await localPorts.open(input);
    if (opened.kind === 'taken') {
      return { code: 'port-taken', port: target.port, taken: opened.taken };
    }
    if (opened.kind === 'shared') {
      const { local, holder } = opened;
      const owner = holder?.process && ownerOf(holder);
      this.#local = local;
      this.#notes = [{ code: 'forwarded', local, ...(owner && { owner }) }];
      void this.#watchForwarder(local);
      return 'forwarded';
    }
    const { relay, skipped } = opened;
    if (!this.#take(relay, skipped)) return 'late';
    if (relay.local.port !== target.port) void this.#awaitOwnNumber(relay, input);
    return 'exposed';
  }

  /** Closes the relays; their connections end on their own, and `local` is kept. */
  closeRelays(): void {
    for (const relay of this.#relays.splice(0)) this.#input.localPorts.close(relay);
  }

  /** The networks of the container have changed. */
  dropStale(): void {
    for (const relay of this.#relays) relay.dropStale();
  }

  /** Closes the relays, and ends their connections at once: what they lead to is not there. */
  reset(): void {
    const relays = [...this.#relays];
    this.closeRelays();
    for (const relay of relays) relay.dispose();
    this.#local = undefined;
  }

  #take(relay: Relay, skipped: readonly TakenPort[]): boolean {
    if (this.#store.isDisposed || !this.#input.isWanted()) {
      this.#input.localPorts.close(relay);
      return false;
    }
    this.#relays.unshift(relay);
    this.#local = relay.local;
    this.#setNotes(relay, skipped);
    void this.#watchSkipped(relay, skipped);
    this.#store.add(
      relay.onDidEnd((error) => {
        if (error) this.#lose(relay.local, error);
      }),
    );
    return true;
  }

  #lose(endpoint: Endpoint, error?: Error): void {
    this.closeRelays();
    this.#local = undefined;
    this.#input.onDidLose(endpoint, error);
  }

  /**
   * Its port belongs to another program now: open connections go on, new ones find another port.
   */
  #move(relay: Relay, input: OpenPortInput): void {
    const at = this.#relays.indexOf(relay);
    if (at < 0) return;
    this.#relays.splice(at, 1);
    this.#input.localPorts.close(relay);
    const [left] = this.#relays;
    if (!left) {
      this.#lose(relay.local);
      return;
    }
    this.#local = left.local;
    const isOwn = left.local.port === this.#input.target.port;
    if (!isOwn) void this.#awaitOwnNumber(left, input, 0);
    this.#input.onDidChange();
  }

  #setNotes({ local }: Relay, skipped: readonly TakenPort[]): void {
    const { target, publishedAs } = this.#input;
    this.#notes = [
      ...skippedNotes(skipped, local, target.port),
      ...publishedNotes(publishedAs(target.port), local, target),
    ];
  }

  /**
   * A forwarder may stop listening while it still carries circuits, ours among them, as one does that
   * has a process for each.
   */
  async #watchForwarder(local: Endpoint): Promise<void> {
    const { clock, localPorts, signal } = this.#input;
    try {
      do await delay(clock, LOOK_AGAIN_MS, signal);
      while (this.#local === local && (await localPorts.isListening(local)) !== false);
      if (this.#local === local) this.#input.onForwarderGone();
    } catch {
      // The server is gone.
    }
  }

  /** The programs that held the preferred endpoints may end: then the note about them goes. */
  async #watchSkipped(relay: Relay, first: readonly TakenPort[]): Promise<void> {
    const { clock, localPorts, signal } = this.#input;
    let skipped: readonly TakenPort[] = first.filter(hasOwner);
    try {
      while (skipped.length > 0) {
        await delay(clock, LOOK_AGAIN_MS, signal);
        const still = await localPorts.stillTaken(skipped);
        if (this.#relays[0] !== relay) return;
        const isSame = JSON.stringify(still) === JSON.stringify(skipped);
        skipped = still;
        if (isSame) continue;
        this.#setNotes(relay, skipped);
        this.#input.onDidChange();
      }
    } catch {
      // The server is gone.
    }
  }

  /**
   * Waits until its own number is free. The other number stays open too, for clients that know it.
   */
  async #awaitOwnNumber(
    other: Relay,
    input: OpenPortInput,
    firstDelayMs = LOOK_AGAIN_MS,
  ): Promise<void> {
    const { clock, localPorts, signal } = this.#input;
    try {
      for (let delayMs = firstDelayMs; this.#relays[0] === other; delayMs = LOOK_AGAIN_MS) {
        await delay(clock, delayMs, signal);
        if (this.#relays[0] !== other) return;
        const opened = await localPorts.openOwn(input);
        if (!opened) continue;
        if (this.#take(opened.relay, opened.skipped)) this.#input.onDidChange();
        return;
      }
    } catch {
      // The server is gone, or its route.
    }
  }

  /** Ends everything; connections through relays end on their own. */
  dispose(): void {
    this.closeRelays();
    this.#local = undefined;
    this.#store.dispose();
  }
}

/** What users expect of a published port, and why it is relayed all the same. */
export function publishedNotes(
  published: readonly Endpoint[],
  local: Endpoint | undefined,
  { host, port }: Endpoint,
): Note[] {
  if (published.length === 0) return [];
  // The engine connects to the container's address, which a server on its loopback does not have.
  if (isLoopback(host)) {
    return [{ code: 'published-in-vain', port, inside: host, published, ...(local && { local }) }];
  }
  const hostPorts = [...new Set(published.map((endpoint) => endpoint.port))];
  if (!local || hostPorts.includes(port)) return [];
  return [{ code: 'published-elsewhere', port, hostPorts, local }];
}

/** Why it is not at its preferred endpoint, if it is not. */
function skippedNotes(skipped: readonly TakenPort[], local: Endpoint, port: number): Note[] {
  const taken = skipped.filter(hasOwner);
  if (local.port !== port) return [{ code: 'other-number', port, local, taken }];
  return taken.length > 0 ? [{ code: 'port-skipped', local, taken }] : [];
}

/** Whether its owner is known: then that one may go. */
function hasOwner({ refusal }: TakenPort): boolean {
  const { why } = refusal;
  return why === 'published' || why === 'system' || (why === 'held' && refusal.owner !== undefined);
}
