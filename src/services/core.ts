import type { Clock } from '../base/clock';
import { DisposableStore } from '../base/disposable';
import { type Event, EventEmitter } from '../base/event';
import { Slices, STEPS_PER_SLICE } from '../base/slices';
import {
  type AlarmPage,
  type AlarmQuery,
  type Branch,
  type BranchQuery,
  type CoreApi,
  type LiveUpdate,
  type ContainerQuery,
  type EndpointQuery,
  type TracedEndpoint,
  type DuplicatePvs,
  MAX_NAMES,
  type NameQuery,
  type NamesQuery,
  type NoParams,
  type SimilarPv,
  type MatchCount,
  type PvAddress,
  type PvFilter,
  type PvFollower,
  type PvReadQuery,
  type PvPage,
  type PvRow,
  type PvQuery,
  type PvDetails,
  type PvDetailsQuery,
  type PvUpdate,
  type KnownContainer,
  safestAnswers,
  type ToldAddress,
  widestSearch,
  type ExposeRequest,
} from '../model/coreApi';
import type { PlotRequest, PlotUpdate } from '../model/plotValue';
import { previewOf } from '../model/preview';
import type { PvReading } from '../model/reading';
import type { PvProtocol, Snapshot } from '../model/snapshot';
import { type EngineSet, EngineSets, type OpenEngineSet } from './engines/engineSets';
import { countPvs, listBranch, listPvs } from './pvs/pvLists';
import { findAlarms } from './pvs/alarmSearch';
import { FollowedPvs } from './pvs/followedPvs';
import { findDuplicates } from './pvs/duplicateNames';
import { findSimilar } from './pvs/similarNames';
import { PvMonitors } from './pvs/pvMonitors';
import { RowMonitors } from './pvs/rowMonitors';
import type { IocPlace, RecordPlace } from '../model/iocPlace';
import { PvReader } from './pvs/pvReader';
import { isSelected } from './engines/selection';
import type { PvServer } from './exposure/pvServer';
import { ExposeSession, type SessionInput } from './exposure/session';
import { ContainerError, DisposedError } from '../base/errors';
import { lastLines } from './discovery/detect/idleIocs';
import type { Disposable } from '../base/disposable';

/** Work that nobody waits for takes a twentieth of the time, a millisecond at once. */
const RARE_STEPS = STEPS_PER_SLICE / 10;
const RARE_REST = 20;

/**
 * A row keeps its value while a circuit is lost and comes back: rows are drawn every two seconds, and
 * would say "no value" for that long. Clients of Channel Access notice a silent server after 30 s.
 */
const ROW_GRACE_MS = 3000;

/** What a Core needs from this machine. */
export interface CoreInput extends Omit<
  SessionInput,
  | 'engines'
  | 'otherEngines'
  | 'isWanted'
  | 'hasRequest'
  | 'wantedSearch'
  | 'wantedAnswers'
  | 'wantedPorts'
  | 'ownContainers'
  | 'extraNames'
  | 'findSimilar'
> {
  /** What clients are told unless a front end says otherwise. Default: 'direct'. */
  readonly automaticAnswers?: ToldAddress;
  readonly openEngines: OpenEngineSet;
  /**
   * Opens the engines that are found on this machine, without starting any, to learn which ports
   * their containers publish when requests name other engines. Absent for a look, which opens no
   * port.
   */
  readonly openPublishingEngines?: () => EngineSet;
  /** What carries the circuits of the engines' relays; ended after them. */
  readonly carrier?: Disposable;
}

/**
 * What exposes PVs, for several front ends at once: their requests add up, a container is exposed
 * while any of them selects it, and what no front end wants any more ends at once.
 */
export class Core {
  readonly #sets: EngineSets;
  /** For the ports that containers of other engines than the named ones publish. */
  readonly #allEngines: EngineSets | undefined;
  readonly #session: ExposeSession;
  readonly #carrier: Disposable | undefined;
  readonly #frontEnds = new Set<FrontEnd>();
  readonly #clock: Clock;
  readonly reader: PvReader;
  readonly monitors: PvMonitors;
  readonly #rowMonitors: RowMonitors;
  readonly onDidChange: Event<void>;

  constructor(input: CoreInput) {
    this.#clock = input.clock;
    this.#carrier = input.carrier;
    this.#sets = new EngineSets(input.openEngines, input.log);
    const { openPublishingEngines } = input;
    this.#allEngines = openPublishingEngines && new EngineSets(openPublishingEngines, input.log);
    const rare = new Slices(input.clock, RARE_STEPS, RARE_REST);
    this.#session = new ExposeSession({
      ...input,
      engines: this.#sets,
      ...(this.#allEngines && { otherEngines: this.#allEngines }),
      extraNames: [],
      findSimilar: (name, signal) => findSimilar(this.#session.servers, name, rare, signal),
      hasRequest: () => this.requests.length > 0,
      wantedSearch: () => widestSearch(this.requests),
      wantedAnswers: () => safestAnswers(this.requests, input.automaticAnswers ?? 'direct'),
      wantedPorts: (protocol) =>
        this.requests.flatMap(({ searchPorts }) => searchPorts?.[protocol] ?? []),
      ownContainers: () => this.requests.flatMap(({ own }) => own ?? []),
      isWanted: (engine, container) =>
        this.requests.some(
          ({ engines, selection }) =>
            this.#sets.has(engines, engine.key) && isSelected(container, selection),
        ),
    });
    this.onDidChange = this.#session.onDidChange;
    const parts = { identity: input, clock: input.clock };
    this.reader = new PvReader({ servers: () => this.#session.servers, ...parts });
    const monitorsInput = {
      find: (name: string, protocol: PvProtocol, signal: AbortSignal) =>
        this.reader.find(name, protocol, signal),
      onDidChange: this.#session.onDidChange,
      ...parts,
    };
    this.monitors = new PvMonitors(monitorsInput);
    // Over circuits of their own: an image in a panel does not hold up the rows.
    const ofRows = new PvMonitors({ ...monitorsInput, graceMs: ROW_GRACE_MS });
    this.#rowMonitors = new RowMonitors({
      follow: (name, protocol, sink) => ofRows.follow(name, protocol, sink),
      read: (name, protocol, signal) => this.reader.read({ name, protocol }, signal),
      clock: input.clock,
    });
  }

  /** What the front ends want now. */
  get requests(): readonly ExposeRequest[] {
    return [...this.#frontEnds].flatMap(({ request }) => (request ? [request] : []));
  }

  get snapshot(): Snapshot {
    return this.#session.snapshot();
  }

  /** Number of clients' circuits that are open now. */
  get circuitCount(): number {
    return this.#session.circuitCount;
  }

  /** Stops listening, for a successor; circuits go on as long as their request. */
  retire(): void {
    this.#session.retire();
  }

  /** Opens the core's interface for one front end; disposing it ends its request. */
  openFrontEnd(): CoreApi {
    const frontEnd = new FrontEnd(this);
    this.#frontEnds.add(frontEnd);
    return frontEnd;
  }

  /** Ends a front end's request. */
  closeFrontEnd(frontEnd: FrontEnd): void {
    if (this.#frontEnds.delete(frontEnd)) this.#review();
  }

  /**
   * Replaces a front end's request.
   * @throws UsageError when an endpoint makes no sense; the former request stays then
   */
  setRequest(frontEnd: FrontEnd, request: ExposeRequest | undefined): void {
    if (!this.#frontEnds.has(frontEnd)) throw new DisposedError('this exposure');
    if (request) this.#sets.open(request.engines);
    frontEnd.request = request;
    this.#review();
  }

  #review(): void {
    const { requests } = this;
    // Requests that name no engine have them all anyway.
    const isNamed = requests.length > 0 && requests.every(({ engines }) => engines.length > 0);
    if (isNamed) this.#allEngines?.open([]);
    else this.#allEngines?.keepOnly([]);
    this.#session.review([...new Set(requests.flatMap(({ names }) => names))]);
    this.#sets.keepOnly(requests.map(({ engines }) => engines));
  }

  /** Whether that request selects the server; others may be exposed for other requests. */
  isWanted({ container, key }: PvServer, { engines, selection }: ExposeRequest): boolean {
    const engineKey = key.slice(0, key.indexOf(`#${container.id}`));
    return isSelected(container, selection) && this.#sets.has(engines, engineKey);
  }

  findFormer(name: string): IocPlace | undefined {
    return this.#session.findFormer(name);
  }

  listPvs(query: PvQuery, signal: AbortSignal): Promise<PvPage> {
    return listPvs(this.#session.servers, query, this.#listSlices(), signal);
  }

  listBranch(query: BranchQuery, signal: AbortSignal): Promise<Branch> {
    return listBranch(this.#session.servers, query, this.#listSlices(), signal);
  }

  countPvs(query: PvFilter, signal: AbortSignal): Promise<readonly MatchCount[]> {
    return countPvs(this.#session.servers, query, this.#listSlices(), signal);
  }

  findAlarms(query: AlarmQuery, signal: AbortSignal): Promise<AlarmPage> {
    const input = {
      servers: this.#session.servers,
      read: ({ name, protocol, serverKey }: PvRow, inner: AbortSignal) =>
        this.reader.read({ name, protocol }, inner, ({ key }) => key === serverKey),
      slices: this.#listSlices(),
      clock: this.#clock,
    };
    return findAlarms(query, input, signal);
  }

  /** Opens an empty list of followed PVs. */
  followPvs(onUpdates: (updates: readonly LiveUpdate[]) => void): PvFollower {
    return new FollowedPvs({
      follow: (name, protocol, sink) => this.#rowMonitors.follow(name, protocol, sink),
      onUpdates,
      clock: this.#clock,
    });
  }

  findSimilar(name: string, signal: AbortSignal): Promise<readonly SimilarPv[]> {
    return findSimilar(this.#session.servers, name, this.#listSlices(), signal);
  }

  findRecord(name: string, signal: AbortSignal): Promise<readonly RecordPlace[]> {
    return this.#session.findRecord(name, signal);
  }

  findDuplicates(signal: AbortSignal): Promise<readonly DuplicatePvs[]> {
    return findDuplicates(this.#session.servers, this.#listSlices(), signal);
  }

  traceEndpoint(query: EndpointQuery, signal: AbortSignal): Promise<TracedEndpoint> {
    return this.#session.trace(query, signal);
  }

  /** Rejects with ContainerError if there is none with that key, and as its engine does. */
  async readContainerLog(key: string, signal: AbortSignal): Promise<readonly string[]> {
    for (const engine of this.#sets.engines) {
      const id = key.startsWith(`${engine.key}#`) ? key.slice(engine.key.length + 1) : undefined;
      if (id !== undefined && engine.readLog) return lastLines(await engine.readLog(id, signal));
    }
    throw new ContainerError('its engine has no log of it');
  }

  /** The user waits for a list, so it continues as soon as other work had its turn. */
  #listSlices(): Slices {
    return new Slices(this.#clock, STEPS_PER_SLICE, 0);
  }

  listContainers(): KnownContainer[] {
    return this.#sets.engines.flatMap((engine) =>
      [...engine.containers, ...(engine.stoppedContainers ?? [])].map(
        ({ id, name, image, status }) => ({ engineKey: engine.key, id, name, image, status }),
      ),
    );
  }

  /** Ends everything that was started; resolves when nothing is left. */
  async close(): Promise<void> {
    for (const frontEnd of this.#frontEnds) frontEnd.dispose();
    this.reader.dispose();
    this.#session.dispose();
    await Promise.all([this.#sets.close(), this.#allEngines?.close()]);
    this.#carrier?.dispose();
  }
}

class FrontEnd implements CoreApi {
  readonly #core: Core;
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new EventEmitter<void>());
  request: ExposeRequest | undefined;

  readonly onDidChange = this.#changed.event;

  constructor(core: Core) {
    this.#core = core;
    this.#store.add(core.onDidChange(() => this.#changed.fire()));
  }

  get snapshot(): Snapshot {
    return this.#core.snapshot;
  }

  async setRequest(request: ExposeRequest | undefined): Promise<void> {
    this.#core.setRequest(this, request);
  }

  listPvs(query: PvQuery, signal: AbortSignal): Promise<PvPage> {
    return this.#core.listPvs(query, signal);
  }

  listBranch(query: BranchQuery, signal: AbortSignal): Promise<Branch> {
    return this.#core.listBranch(query, signal);
  }

  countPvs(query: PvFilter, signal: AbortSignal): Promise<readonly MatchCount[]> {
    return this.#core.countPvs(query, signal);
  }

  findAlarms(query: AlarmQuery, signal: AbortSignal): Promise<AlarmPage> {
    return this.#core.findAlarms(query, signal);
  }

  async listContainers(): Promise<readonly KnownContainer[]> {
    return this.#core.listContainers();
  }

  async findUnlisted({ names }: NamesQuery): Promise<readonly string[]> {
    return this.#core.reader.unlisted(names.slice(0, MAX_NAMES));
  }

  findSimilar({ name }: NameQuery, signal: AbortSignal): Promise<readonly SimilarPv[]> {
    return this.#core.findSimilar(name, signal);
  }

  findRecord({ name }: NameQuery, signal: AbortSignal): Promise<readonly RecordPlace[]> {
    return this.#core.findRecord(name, signal);
  }

  findDuplicates(_: NoParams, signal: AbortSignal): Promise<readonly DuplicatePvs[]> {
    return this.#core.findDuplicates(signal);
  }

  traceEndpoint(query: EndpointQuery, signal: AbortSignal): Promise<TracedEndpoint> {
    return this.#core.traceEndpoint(query, signal);
  }

  readContainerLog({ key }: ContainerQuery, signal: AbortSignal): Promise<readonly string[]> {
    return this.#core.readContainerLog(key, signal);
  }

  async describePv(query: PvDetailsQuery, signal: AbortSignal): Promise<PvDetails> {
    const details = await this.#core.reader.describe(query, signal);
    const endedIn = details.paths.length === 0 ? this.#core.findFormer(query.name) : undefined;
    return endedIn ? { ...details, endedIn } : details;
  }

  async readPv(query: PvReadQuery, signal: AbortSignal): Promise<PvReading> {
    const { request } = this;
    const isWanted = (server: PvServer): boolean =>
      !request || this.#core.isWanted(server, request);
    const reading = await this.#core.reader.read(query, signal, isWanted);
    return query.isPreview === true ? previewOf(reading) : reading;
  }

  monitorPv({ name, protocol }: PvAddress, onUpdate: (update: PvUpdate) => void): Disposable {
    const monitor = this.#store.add(this.#core.monitors.monitor(name, protocol, onUpdate));
    return { dispose: () => this.#store.release(monitor) };
  }

  followPvs(onUpdates: (updates: readonly LiveUpdate[]) => void): PvFollower {
    const follower = this.#store.add(this.#core.followPvs(onUpdates));
    return {
      change: (change) => follower.change(change),
      dispose: () => this.#store.release(follower),
    };
  }

  plotPv(request: PlotRequest, onUpdate: (update: PlotUpdate) => void): Disposable {
    const plot = this.#store.add(this.#core.monitors.plot(request, onUpdate));
    return { dispose: () => this.#store.release(plot) };
  }

  dispose(): void {
    if (this.#store.isDisposed) return;
    this.#store.dispose();
    this.request = undefined;
    this.#core.closeFrontEnd(this);
  }
}
