import { clipped } from '../../base/clipped';
import { DisposableStore, type Disposable } from '../../base/disposable';
import { EventEmitter } from '../../base/event';
import { isErrorCode, messageOf } from '../../base/errors';
import { schedule } from '../../base/schedule';
import type { Slices } from '../../base/slices';
import type { Endpoint } from '../../model/endpoint';
import { findingProblem } from '../../model/findability';
import type { NameTable, PvStep, PvSteps } from '../../model/pvTable';
import { countRecords } from '../../model/recordCounts';
import { isSameProblem, type Problem } from '../../model/problem';
import type { Note } from '../../model/note';
import type { PvReading } from '../../model/reading';
import type { IocState, PvCounts, PvProtocol, ServerState } from '../../model/snapshot';
import type { ContainerAccess } from '../host/engine';
import type { IocCandidate, ListenerCandidate } from '../discovery/detect/candidates';
import type { ContainerNames } from './namesAllowance';
import { IocNames, type IocNamesInput } from './iocNames';
import { createReachability } from '../upstream/createReachability';
import type { Reachability } from '../upstream/reachability';
import { isSameIoc } from '../upstream/sameIoc';
import { SharedCircuit } from '../upstream/sharedCircuit';
import { identityText } from '../upstream/identityText';
import { haltReason, ServerForwarder, type ServerForwarderInput } from './serverForwarder';

/** How long a server that listens no more is still shown while its IOC goes on. */
const CLOSED_SHOWN_MS = 5000;
/** Characters of the command line that are shown. */
const SHOWN_COMMAND = 2000;
/** What an IocTracker needs. */
export interface IocTrackerInput extends Pick<
  ServerForwarderInput,
  | 'containerKey'
  | 'routes'
  | 'publishedAs'
  | 'localPorts'
  | 'turns'
  | 'opensRelays'
  | 'answers'
  | 'searches'
  | 'dialHost'
  | 'clock'
  | 'log'
> {
  /** Whether its container is paused now; later changes arrive by setPaused. */
  readonly isPaused: boolean;
  readonly files: Pick<ContainerAccess, 'readFile'>;
  readonly readEnvironment: IocNamesInput['readEnvironment'];
  /** Time slices for work on data from the container, shared by its IOCs. */
  readonly slices: Slices;
  /** Names that the user gave. */
  readonly extraNames: readonly string[];
  /** Notes about the names of a server. */
  readonly notesAbout: (server: IocServer) => readonly Note[];
  /**
   * Whether clients find its PVs by a name server of ours, even if the server answers no searches.
   */
  readonly hasNameServer: (protocol: PvProtocol) => boolean;
  readonly clientName: string;
  readonly hostName: string;
  readonly namesAllowance: ContainerNames;
  /**
   * Called when an established circuit ended, so that the caller checks whether the process still
   * exists.
   */
  readonly onCircuitLost: () => void;
}

/** One server of this IOC: its names, and how far each got. */
export interface IocServer {
  readonly key: string;
  /** The IOC's key in the snapshot. */
  readonly iocKey: string;
  readonly protocol: PvProtocol;
  readonly forwarder: ServerForwarder;
  /** What it was recognised as; 'unknown' if it was not. */
  readonly software: () => string;
  readonly names: NameTable;
  /** How far a PV gets, by its index in `names`; 'not-served' if the name is not this server's. */
  readonly stepOf: (index: number) => PvStep;
  /** The number of PVs that clients get a channel for. */
  readonly reachableCount: () => number;
  /**
   * Reads a PV, or a part of it, once, on the route that clients take; rejects as
   * `Reachability.read` does.
   */
  readonly read: (
    name: string,
    signal: AbortSignal,
    part?: readonly string[],
  ) => Promise<PvReading>;
  /** Notes what a read of a PV has shown about its access rights. */
  readonly noteRead: (index: number, isPermitted: boolean) => void;
}

interface Entry {
  readonly forwarder: ServerForwarder;
  readonly store: DisposableStore;
  reachability?: Reachability;
  /** Whether the circuit that shows how far PVs get was dialled at the server's own address. */
  isDirect?: boolean;
  /** The last status with its problem, and since when (ms since 1970). */
  state: string;
  sinceMs: number;
}

/** What was counted, and what came of it. */
interface CountedSteps {
  readonly steps: readonly PvSteps[];
  readonly changeCounts: readonly number[];
  readonly records: PvCounts;
}

/**
 * One IOC process: its servers on their way to this machine, the names of its PVs, and how far each
 * PV gets. Lives from the first report that shows the process until the last one.
 */
export class IocTracker implements Disposable {
  readonly #input: IocTrackerInput;
  readonly #store = new DisposableStore();
  readonly #abort = new AbortController();
  readonly #changed = this.#store.add(new EventEmitter<void>());
  readonly #names: IocNames;
  readonly #entries = new Map<string, Entry>();
  #candidate: IocCandidate;
  #naming: 'waiting' | 'busy' | 'done' = 'waiting';
  #resolveNamed: () => void = () => undefined;
  readonly #named = new Promise<void>((resolve) => {
    this.#resolveNamed = resolve;
  });
  /** Whether a PVA server was asked for its list, even if it gave none. */
  #wasListAsked = false;
  /** Names that the user gives now; `#everGiven` also has earlier ones. */
  #givenNames: ReadonlySet<string> = new Set();
  readonly #everGiven = new Set<string>();
  #counted: CountedSteps | undefined;
  #isGone = false;
  #isPaused: boolean;

  readonly onDidChange = this.#changed.event;

  constructor(candidate: IocCandidate, input: IocTrackerInput) {
    this.#candidate = candidate;
    this.#input = input;
    this.#isPaused = input.isPaused;
    this.#names = this.#store.add(
      new IocNames({ ...input, iocName: () => this.name, signal: this.#abort.signal }),
    );
    this.setNames(input.extraNames);
    this.update(candidate);
  }

  get key(): string {
    return this.#candidate.key;
  }
  get name(): string {
    return this.#candidate.name;
  }
  get isGateway(): boolean {
    return this.#candidate.role === 'gateway';
  }
  /** UDP ports on which it takes searches. */
  get searchPorts(): IocCandidate['searchPorts'] {
    return this.#candidate.searchPorts;
  }
  /** Of its PVs. */
  get names(): NameTable {
    return this.#names.table;
  }
  get isGone(): boolean {
    return this.#isGone;
  }
  get servers(): readonly ServerForwarder[] {
    return [...this.#entries.values()]
      .map((entry) => entry.forwarder)
      .filter((forwarder) => !forwarder.isForeign && forwarder.protocol !== undefined);
  }
  /** Whether every listener has answered or failed, and its names have been asked for. */
  get isSettled(): boolean {
    const isBusy = this.#open.some(
      ({ forwarder, reachability }) =>
        isUndecided(forwarder) ||
        (reachability !== undefined && reachability.steps.count('pending') > 0),
    );
    return this.#isGone || (!isBusy && this.#naming !== 'busy' && !this.#isNamingDue());
  }

  /** Updates the sockets of the same process. */
  update(candidate: IocCandidate): void {
    this.#candidate = candidate;
    const wanted = new Map(candidate.listeners.map((l) => [`${l.endpoint.port}/${l.inode}`, l]));
    for (const [key, entry] of this.#entries) {
      if (!wanted.has(key) && entry.forwarder.status !== 'gone') this.#close(key, entry);
    }
    for (const [key, listener] of wanted) {
      if (this.#entries.has(key)) continue;
      this.#forgetClosed(listener.endpoint.port);
      this.#addServer(key, listener);
    }
    this.#halt();
  }

  /**
   * It listens no more. An IOC that ends closes its sockets one by one, so that is shown until it is
   * known whether the others follow.
   */
  #close(key: string, entry: Entry): void {
    entry.store.dispose();
    this.#noteState(entry);
    this.#changed.fire();
    schedule(this.#store, this.#input.clock, CLOSED_SHOWN_MS, () => {
      if (!this.#isGone && this.#entries.get(key) === entry) this.#forget(key, entry);
    });
  }

  /** Another socket of the same port takes its place. */
  #forgetClosed(port: number): void {
    for (const [key, entry] of this.#entries) {
      const { status, listener } = entry.forwarder;
      if (status === 'gone' && listener.endpoint.port === port) this.#forget(key, entry);
    }
  }

  #forget(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#store.release(entry.store);
    this.#changed.fire();
  }

  /** Those of its servers that listen. */
  get #open(): readonly Entry[] {
    return [...this.#entries.values()].filter(({ forwarder }) => forwarder.status !== 'gone');
  }

  #addServer(key: string, listener: ListenerCandidate): void {
    const store = this.#store.add(new DisposableStore());
    const forwarder: ServerForwarder = store.add(
      new ServerForwarder({
        ...this.#input,
        halted: this.#halted,
        listener,
        mayAskCa: this.#candidate.hasCaUdp || listener.expected === 'ca',
        isSameIoc: (protocol, local, signal) => this.#isSameIoc(forwarder, protocol, local, signal),
      }),
    );
    const entry: Entry = {
      forwarder,
      store,
      state: '',
      sinceMs: this.#input.clock.wallMs(),
    };
    this.#entries.set(key, entry);
    store.add(
      forwarder.onDidChange(() => {
        this.#noteState(entry);
        this.#advance(entry);
        this.#changed.fire();
      }),
    );
    void forwarder.start();
  }

  #noteState(entry: Entry): void {
    const state = `${entry.forwarder.status} ${this.#problemOf(entry)?.code}`;
    if (entry.state === state) return;
    entry.state = state;
    entry.sinceMs = this.#input.clock.wallMs();
  }

  /** Takes the next step that a server's new state allows: first names, then reachability. */
  #advance(entry: Entry): void {
    const { forwarder } = entry;
    if (forwarder.identity && !entry.reachability && forwarder.status !== 'identifying') {
      const reachability = entry.store.add(
        createReachability(forwarder.identity.protocol, {
          ...this.#input,
          names: this.#names.table,
          software: () => softwareOf(forwarder),
          isGateway: this.#candidate.role === 'gateway',
          dial: async (signal) => {
            const connection = await forwarder.dialAsClient(signal);
            entry.isDirect = forwarder.direct !== undefined;
            return connection;
          },
          onCircuitFailed: () => forwarder.noteFailure(),
          whyClosed: () => forwarder.whyClosed,
          onSearchPort: (port) => forwarder.observeSearchPort(port),
          onCircuitLost: () => {
            forwarder.recheck(entry.isDirect === true);
            this.#input.onCircuitLost();
          },
        }),
      );
      entry.reachability = reachability;
      this.#reviewGiven(reachability);
      entry.store.add(
        reachability.onDidChange(() => {
          this.#noteState(entry);
          this.#changed.fire();
        }),
      );
    } else if (forwarder.direct && entry.isDirect === false) {
      // What is shown is what clients get, who are sent there from now on.
      delete entry.isDirect;
      entry.reachability?.move('clients are sent to its own address from now on');
    } else if (forwarder.local && !forwarder.halted) {
      // After a pause, or a move to another port: it can be reached again from now on.
      entry.reachability?.resume();
    }
    this.#nameWhenDue();
  }

  #nameWhenDue(): void {
    if (!this.#isGone && this.#isNamingDue()) void this.#findNames();
  }

  #isNamingDue(): boolean {
    if (this.#naming === 'busy') return false;
    const forwarders = this.#open.map((entry) => entry.forwarder);
    const hasPva = this.#listServer !== undefined;
    // A PVA server that could not be reached at first knows more names than the files.
    if (this.#naming === 'done') return hasPva && !this.#wasListAsked;
    const isDecided = forwarders.every(
      (forwarder) => forwarder.identity || !isUndecided(forwarder),
    );
    return hasPva || (isDecided && forwarders.some((forwarder) => forwarder.identity));
  }

  /** Whether names may still come: they are being read, or will be once it is known what it is. */
  get #isNaming(): boolean {
    if (this.#isGone) return false;
    const isUnknown = [...this.#entries.values()].some(({ forwarder }) => isUndecided(forwarder));
    const isWaiting = this.#naming === 'waiting' && isUnknown;
    return isWaiting || this.#naming === 'busy' || this.#isNamingDue();
  }

  async #findNames(): Promise<void> {
    this.#naming = 'busy';
    this.#names.setNotes([], false);
    try {
      const isListed = await this.#listNames();
      if (!isListed && this.isGateway) {
        this.#names.setNotes([{ code: 'gateway-names' }], true);
      } else if (!isListed && !this.#isCorePva) {
        await this.#names.readFromFiles(this.#candidate.process);
      }
    } catch (error) {
      if (!isErrorCode(error, 'cancelled')) {
        this.#names.setNotes([{ code: 'names-failed', detail: messageOf(error) }], true);
      }
    }
    this.#naming = 'done';
    this.#resolveNamed();
    for (const { reachability } of this.#entries.values()) {
      reachability?.namesAdded();
      // Some of the names that the user gave turned out to be its own.
      this.#reviewGiven(reachability);
    }
    this.#nameWhenDue();
    this.#changed.fire();
  }

  /** Where its database files have a record of that name now; undefined: nowhere, as far as they can be read. */
  async findRecord(
    name: string,
    signal: AbortSignal,
  ): Promise<{ readonly file: string; readonly line: number } | undefined> {
    const { process } = this.#candidate;
    return process && this.#names.findInFiles(name, process, signal);
  }

  async #listNames(): Promise<boolean> {
    const server = this.#listServer;
    if (!server) return false;
    this.#wasListAsked = true;
    if (!this.#isCorePva) return this.#names.listFromPva((signal) => server.dialInside(signal));
    // core-pva has no channel `server`, and does not answer a request for one.
    this.#names.setNotes([{ code: 'no-list' }], true);
    return false;
  }

  /**
   * The PVA server that is asked for its names. Whether a list is due and who is asked are decided
   * by this one: a server that only one of them knew would leave the list due for ever.
   */
  get #listServer(): ServerForwarder | undefined {
    return this.servers.find(
      ({ identity, status }) => identity?.protocol === 'pva' && status !== 'gone',
    );
  }

  get #isCorePva(): boolean {
    return this.servers.some(({ identity }) => identity?.implementation === 'core-pva');
  }

  async #isSameIoc(
    server: ServerForwarder,
    protocol: PvProtocol,
    local: Endpoint,
    signal: AbortSignal,
  ): Promise<boolean> {
    this.#nameWhenDue();
    await this.#named;
    const names: string[] = [];
    for (let index = 0; index < this.#names.table.size && names.length < 20; index++) {
      names.push(this.#names.table.name(index));
    }
    return isSameIoc(protocol, names, {
      mine: (inner) => server.dialInside(inner),
      theirs: (inner) => this.#input.dialHost(local, inner),
      identity: this.#input,
      clock: this.#input.clock,
      signal,
    });
  }

  /** Whether one of its servers has, or may have, a PV of that name. */
  serves(name: string): boolean {
    const index = this.#names.table.indexOf(name);
    if (index === undefined) return false;
    return [...this.#entries.values()].some(
      ({ reachability }) => reachability && reachability.steps.get(index) !== 'not-served',
    );
  }

  /** The servers that have proved their protocol. */
  get pvServers(): readonly IocServer[] {
    return [...this.#entries.values()].flatMap(({ forwarder, reachability }) => {
      const protocol = forwarder.identity?.protocol;
      if (!protocol) return [];
      return [
        {
          key: this.#serverKey(forwarder),
          iocKey: this.#iocKey,
          protocol,
          forwarder,
          software: () => softwareOf(forwarder),
          names: this.#names.table,
          stepOf: (index: number) => reachability?.steps.get(index) ?? 'pending',
          reachableCount: () =>
            reachability
              ? reachability.steps.count('reachable') + reachability.steps.count('no-read-access')
              : 0,
          read: (name: string, signal: AbortSignal, part?: readonly string[]) =>
            reachability?.read(name, signal, part) ??
            this.#firstCircuit(forwarder, protocol).read(name, signal, part),
          noteRead: (index: number, isPermitted: boolean) =>
            reachability?.noteRead(index, isPermitted),
        },
      ];
    });
  }

  /** For a read before it is known how clients reach the server. */
  #firstCircuit(forwarder: ServerForwarder, protocol: PvProtocol): SharedCircuit {
    return new SharedCircuit({
      protocol,
      dial: (inner) => forwarder.dialAsClient(inner),
      identity: this.#input,
      software: () => softwareOf(forwarder),
      clock: this.#input.clock,
    });
  }

  /** Replaces the names that the user gave; former ones no longer count. */
  setNames(names: readonly string[]): void {
    this.#givenNames = new Set(names);
    for (const name of names) this.#everGiven.add(name);
    const isMore = this.#names.table.add(names, { kind: 'user' }) > 0;
    for (const { reachability } of this.#entries.values()) {
      if (isMore) reachability?.namesAdded();
      this.#reviewGiven(reachability);
    }
  }

  #reviewGiven(reachability: Reachability | undefined): void {
    for (const name of this.#everGiven) {
      const index = this.#names.table.indexOf(name);
      if (index === undefined) continue;
      const isOwn = this.#names.table.source(index).kind !== 'user';
      reachability?.setWanted(index, isOwn || this.#givenNames.has(name));
    }
  }

  get #iocKey(): string {
    return `${this.#input.containerKey}#${this.#candidate.key}`;
  }

  #serverKey({ listener }: ServerForwarder): string {
    return `${this.#iocKey}#${listener.endpoint.port}`;
  }

  state(): IocState {
    const { process, role } = this.#candidate;
    return {
      key: this.#iocKey,
      name: this.name,
      ...(process && { pid: process.pid }),
      ...(process?.startedAt !== undefined && { startedAt: process.startedAt }),
      commandLine: clipped(process?.commandLine.join(' ') ?? '', SHOWN_COMMAND),
      role,
      ...(this.#names.notes.length > 0 && { namesNotes: this.#names.notes }),
      ...(this.#isNaming && { isNaming: true }),
      ...(this.#names.isCut && { isNamesCut: true }),
      ...(this.#names.mayLack && { mayLackNames: true }),
      records: this.#countRecords(),
      servers: this.servers
        .map((forwarder) => this.#serverState(forwarder))
        .sort(
          (a, b) => a.protocol.localeCompare(b.protocol) || a.listening.port - b.listening.port,
        ),
    };
  }

  /** Counts again only what has changed, because there may be 100,000. */
  #countRecords(): PvCounts {
    const steps = [...this.#entries.values()].flatMap(({ reachability }) =>
      reachability ? [reachability.steps] : [],
    );
    const changeCounts = steps.map(({ changeCount }) => changeCount);
    const known = this.#counted;
    const isSame =
      known?.steps.length === steps.length &&
      steps.every(
        (one, at) => known.steps[at] === one && known.changeCounts[at] === changeCounts[at],
      );
    if (known && isSame) return known.records;
    const records = countRecords(steps);
    this.#counted = { steps, changeCounts, records };
    return records;
  }

  #problemOf({ forwarder, reachability }: Entry): Problem | undefined {
    return this.#halted ?? forwarder.problem ?? reachability?.problem;
  }

  #serverState(forwarder: ServerForwarder): ServerState {
    const { identity, listener, local, direct, routeKind } = forwarder;
    const isReached = forwarder.status === 'exposed' || forwarder.status === 'shared';
    const findingReason =
      identity && isReached && !this.#input.hasNameServer(identity.protocol)
        ? findingProblem({ ...identity, status: forwarder.status, isRelayed: forwarder.isRelayed })
        : undefined;
    const server = this.pvServers.find((one) => one.forwarder === forwarder);
    const entry = [...this.#entries.values()].find((e) => e.forwarder === forwarder);
    const steps = entry?.reachability?.steps;
    const { leftOutCount = 0 } = this.#candidate;
    const isFirst = this.#entries.values().next().value?.forwarder === forwarder;
    const notes: Note[] = [
      ...forwarder.notes,
      ...ignoredNotes(forwarder.protocol, this.#candidate.process?.environment),
      ...(findingReason && identity
        ? [
            {
              code: 'not-found-by-name',
              reason: findingReason,
              software: identity.implementation,
            } as const,
          ]
        : []),
      ...(server ? this.#input.notesAbout(server) : []),
      ...(steps ? this.#stepNotes(steps, softwareOf(forwarder)) : []),
      ...(isFirst && leftOutCount > 0
        ? [{ code: 'ports-left-out', count: leftOutCount } as const]
        : []),
    ];
    const unreadable = steps?.count('no-read-access') ?? 0;
    const problem = entry && this.#problemOf(entry);
    return {
      key: this.#serverKey(forwarder),
      protocol: forwarder.protocol ?? 'ca',
      // Our own server does not identify itself on the wire, and need not.
      implementation: routeKind === 'demo' ? 'demo' : (identity?.implementation ?? 'unknown'),
      ...(identity?.guid !== undefined && { guid: identity.guid }),
      listening: listener.endpoint,
      status: forwarder.status,
      ...(routeKind && { route: routeKind }),
      ...(local && { local, isRelayed: forwarder.isRelayed }),
      ...(local && direct && { direct }),
      ...(entry && { since: new Date(entry.sinceMs).toISOString() }),
      pvs: {
        total: steps?.total ?? 0,
        reachable: steps?.count('reachable') ?? 0,
        ...(unreadable > 0 && { unreadable }),
        pending: steps?.count('pending') ?? 0,
      },
      ...(problem && { problem }),
      ...(notes.length > 0 && { notes }),
    };
  }

  /** Why fewer PVs are reachable than are counted. */
  #stepNotes(steps: PvSteps, software: string): Note[] {
    const user = identityText(this.#input);
    const notes: Note[] = [
      { code: 'read-denied', count: steps.count('no-read-access'), user },
      { code: 'names-not-served', count: steps.count('not-found') },
      { code: 'no-answers', count: steps.count('no-answer') },
      { code: 'channels-refused', count: steps.count('create-refused') },
      { code: 'names-beyond', count: steps.count('name-too-long'), software },
      { code: 'names-harmful', count: steps.count('ends-circuit') },
    ];
    return notes.filter((note) => 'count' in note && note.count > 0);
  }

  /** Called when its engine has reported changes, `ofContainer`: of its own container. */
  noteNetwork(ofContainer: boolean): void {
    for (const { forwarder, reachability } of this.#entries.values()) {
      if (forwarder.noteNetwork(ofContainer))
        reachability?.interrupt('its container has another address');
    }
  }

  /** Called when its container was paused or unpaused. */
  setPaused(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    this.#halt();
  }

  /** Why it stands still. */
  get #halted(): Problem | undefined {
    if (this.#isPaused) return { code: 'container-paused' };
    const { process } = this.#candidate;
    return process?.isSuspended && { code: 'ioc-suspended', pid: process.pid };
  }

  #halt(): void {
    const halted = this.#halted;
    for (const entry of this.#entries.values()) {
      if (isSameProblem(halted, entry.forwarder.halted)) continue;
      entry.forwarder.setHalted(halted);
      if (halted) entry.reachability?.interrupt(haltReason(halted));
      this.#noteState(entry);
      this.#changed.fire();
    }
  }

  /** The process is gone: closes the relays; the last state is still shown. */
  markGone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#abort.abort();
    for (const entry of this.#entries.values()) {
      entry.store.dispose();
      this.#noteState(entry);
    }
    this.#changed.fire();
  }

  dispose(): void {
    this.markGone();
    this.#store.dispose();
  }
}

function softwareOf({ identity }: ServerForwarder): string {
  return identity?.implementation ?? 'unknown';
}

/** Whether it may still turn out to be a server. */
function isUndecided({ status, isForeign }: ServerForwarder): boolean {
  return status === 'identifying' && !isForeign;
}

/** Where servers are told whose searches by UDP they ignore (rsrv caservertask.c, PVXS config.cpp). */
const IGNORE_LISTS: Readonly<Record<PvProtocol, string>> = {
  ca: 'EPICS_CAS_IGNORE_ADDR_LIST',
  pva: 'EPICS_PVAS_IGNORE_ADDR_LIST',
};

function ignoredNotes(
  protocol: PvProtocol = 'ca',
  environment: Readonly<Record<string, string>> = {},
): Note[] {
  const variable = IGNORE_LISTS[protocol];
  const addresses = clipped(environment[variable]?.trim() ?? '', MAX_ADDRESSES);
  return addresses === '' ? [] : [{ code: 'ignores-senders', variable, addresses }];
}

/** Characters of a list of addresses that are shown. */
const MAX_ADDRESSES = 200;
