import type { Clock } from '../base/clock';
import { DisposableStore } from '../base/disposable';
import { type Event, EventEmitter } from '../base/event';
import { Slices, STEPS_PER_SLICE } from '../base/slices';
import {
  type Branch,
  type BranchQuery,
  type CoreApi,
  type PvAddress,
  type PvReadQuery,
  type PvPage,
  type PvQuery,
  type PvDetails,
  type PvDetailsQuery,
  type PvUpdate,
  type RunningContainer,
  widestSearch,
  type ExposeRequest,
} from '../model/coreApi';
import { previewOf } from '../model/preview';
import type { PvReading } from '../model/reading';
import type { Snapshot } from '../model/snapshot';
import { type EngineSet, EngineSets, type OpenEngineSet } from './engines/engineSets';
import { listBranch, listPvs } from './pvs/pvLists';
import { PvMonitors } from './pvs/pvMonitors';
import { PvReader } from './pvs/pvReader';
import { isSelected } from './engines/selection';
import type { PvServer } from './exposure/pvServer';
import { ExposeSession, type SessionInput } from './exposure/session';
import { DisposedError } from '../base/errors';
import type { Disposable } from '../base/disposable';

/** What a Core needs from this machine. */
export interface CoreInput extends Omit<
  SessionInput,
  | 'engines'
  | 'otherEngines'
  | 'isWanted'
  | 'hasRequest'
  | 'wantedSearch'
  | 'wantedPorts'
  | 'ownContainers'
  | 'extraNames'
> {
  readonly openEngines: OpenEngineSet;
  /**
   * Opens the engines that are found on this machine, without starting any, to learn which ports
   * their containers publish when requests name other engines. Absent for a look, which opens no
   * port.
   */
  readonly openPublishingEngines?: () => EngineSet;
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
  readonly #frontEnds = new Set<FrontEnd>();
  readonly #clock: Clock;
  readonly reader: PvReader;
  readonly monitors: PvMonitors;
  readonly onDidChange: Event<void>;

  constructor(input: CoreInput) {
    this.#clock = input.clock;
    this.#sets = new EngineSets(input.openEngines, input.log);
    const { openPublishingEngines } = input;
    this.#allEngines = openPublishingEngines && new EngineSets(openPublishingEngines, input.log);
    this.#session = new ExposeSession({
      ...input,
      engines: this.#sets,
      ...(this.#allEngines && { otherEngines: this.#allEngines }),
      extraNames: [],
      hasRequest: () => this.requests.length > 0,
      wantedSearch: () => widestSearch(this.requests),
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
    this.monitors = new PvMonitors({
      find: (name, protocol, signal) => this.reader.find(name, protocol, signal),
      onDidChange: this.#session.onDidChange,
      ...parts,
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

  listPvs(query: PvQuery, signal: AbortSignal): Promise<PvPage> {
    return listPvs(this.#session.servers, query, this.#listSlices(), signal);
  }

  listBranch(query: BranchQuery, signal: AbortSignal): Promise<Branch> {
    return listBranch(this.#session.servers, query, this.#listSlices(), signal);
  }

  /** The user waits for a list, so it continues as soon as other work had its turn. */
  #listSlices(): Slices {
    return new Slices(this.#clock, STEPS_PER_SLICE, 0);
  }

  listContainers(): RunningContainer[] {
    return this.#sets.engines.flatMap((engine) =>
      engine.containers.map(({ id, name, image, status }) => ({
        engineKey: engine.key,
        id,
        name,
        image,
        status,
      })),
    );
  }

  /** Ends everything that was started; resolves when nothing is left. */
  async close(): Promise<void> {
    for (const frontEnd of this.#frontEnds) frontEnd.dispose();
    this.reader.dispose();
    this.#session.dispose();
    await Promise.all([this.#sets.close(), this.#allEngines?.close()]);
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

  async listContainers(): Promise<readonly RunningContainer[]> {
    return this.#core.listContainers();
  }

  describePv({ name, maxWaitMs }: PvDetailsQuery, signal: AbortSignal): Promise<PvDetails> {
    return this.#core.reader.describe(name, maxWaitMs, signal);
  }

  async readPv(query: PvReadQuery, signal: AbortSignal): Promise<PvReading> {
    const { name, protocol, isPreview } = query;
    const { request } = this;
    const isWanted = (server: PvServer): boolean =>
      !request || this.#core.isWanted(server, request);
    const reading = await this.#core.reader.read(name, protocol, signal, isWanted);
    return isPreview === true ? previewOf(reading) : reading;
  }

  monitorPv({ name, protocol }: PvAddress, onUpdate: (update: PvUpdate) => void): Disposable {
    const monitor = this.#store.add(this.#core.monitors.monitor(name, protocol, onUpdate));
    return { dispose: () => this.#store.release(monitor) };
  }

  dispose(): void {
    if (this.#store.isDisposed) return;
    this.#store.dispose();
    this.request = undefined;
    this.#core.closeFrontEnd(this);
  }
}
