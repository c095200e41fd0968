import { schedule } from '../../base/schedule';
import { DisposableStore, type Disposable } from '../../base/disposable';
import { EventEmitter } from '../../base/event';
import { withDeadline } from '../../base/abort';
import { Limit } from '../../base/limit';
import { Slices } from '../../base/slices';
import type { EndpointQuery, SearchMode, ToldAddress, TracedEndpoint } from '../../model/coreApi';
import { type ContainerHint, findOwnContainer } from '../../model/workspaceContainer';
import type { IocPlace, RecordPlace } from '../../model/iocPlace';
import { recordNameOf } from '../../model/pvName';
import type { PvProtocol, Snapshot } from '../../model/snapshot';
import type { Problem } from '../../model/problem';
import { EndedContainers } from './endedContainers';
import { FormerNames } from './formerNames';
import { traceEndpoint } from './endpointTrace';
import { ContainerTracker, type ContainerTrackerInput } from './containerTracker';
import type { ContainerInfo, Engine } from '../host/engine';
import type { IocTracker } from './iocTracker';
import { FailedStarts, type HeldPort } from '../localPorts/failedStarts';
import { NamesAllowance } from './namesAllowance';
import { type AddressMemory, LocalPorts } from '../localPorts/localPorts';
import type { PortHolder } from '../host/portHolder';
import { OpenRelays } from '../localPorts/openRelays';
import { ContainerPorts, type PublishingEngines } from '../localPorts/portReservations';
import type { SearchSockets } from '../host/searchSockets';
import type { PvServer } from './pvServer';
import { SearchPlaces } from './searchPlaces';
import { SessionSearch } from './sessionSearch';
import { VainSearches, type VainSearchesInput } from '../search/vainSearches';
import type { Endpoint } from '../../model/endpoint';

/** Changes within this time are reported at once, so that 100,000 answers make a few snapshots. */
const COALESCE_MS = 50;

/** How long other containers wait at most for the first look into the user's own. */
const OWN_FIRST_MS = 1000;

/** Servers that are asked by their first route at once. */
const ASKED_AT_ONCE = 16;
/** Containers whose files are read at once, for a user who waits. */
const FILES_READ_AT_ONCE = 4;
/** What has not been read by then is not known: a container may hang. */
const FILES_MS = 3000;
/** The same of one container, so that it does not hide what others have. */
const FILE_MS = 1000;
/** Nobody reads more. */
const MAX_RECORD_PLACES = 10;

/** The engines to look at; more may appear while we run. */
export interface EngineSource {
  readonly engines: readonly Engine[];
  /** Why there is no engine at all; undefined if there is one. */
  readonly problem: Problem | undefined;
  /** Whether every possible engine has been tried. */
  readonly isReady: boolean;
  readonly onDidChange: (listener: () => void) => Disposable;
}

/** What an ExposeSession needs. */
export interface SessionInput extends Omit<
  ContainerTrackerInput,
  | 'localPorts'
  | 'slices'
  | 'turns'
  | 'namesAllowance'
  | 'answers'
  | 'searches'
  | 'notesAbout'
  | 'hasNameServer'
  | 'onIocEnded'
> {
  readonly engines: EngineSource;
  /** Further engines whose containers publish ports of this machine. */
  readonly otherEngines?: PublishingEngines;
  /** As in LocalPortsInput. */
  readonly mayShareNumbers: boolean;
  /**
   * Whether a request wants that container; `review` is called when the answer may have changed.
   */
  readonly isWanted: (
    engine: Engine,
    container: Pick<ContainerInfo, 'id' | 'name' | 'labels'>,
  ) => boolean;
  readonly findHolder: (endpoint: Endpoint) => Promise<PortHolder | undefined>;
  /** Whether a program listens there, cheaper than which; undefined, or absent: not known. */
  readonly isListening?: (endpoint: Endpoint) => Promise<boolean | undefined>;
  /** Remembers loopback addresses; absent: each start assigns new ones. */
  readonly addresses?: AddressMemory;
  /** Sockets for UDP searches; absent: those are not answered. */
  readonly searchSockets?: SearchSockets;
  /** The containers that front ends work in; the first to ask comes first. */
  readonly ownContainers?: () => readonly ContainerHint[];
  /** Compares what clients search for in vain with the names that there are; absent: not done. */
  readonly findSimilar?: VainSearchesInput['findSimilar'];
  /** Finds the program that searches; absent: not done. */
  readonly findClient?: VainSearchesInput['findClient'];
  /** Whether there is any request; absent: yes. */
  readonly hasRequest?: () => boolean;
  /** Which UDP searches are to be answered; absent: those to 127.0.0.1. */
  readonly wantedSearch?: () => SearchMode;
  /** Which address clients that search are told; absent: the server's own where it is proved. */
  readonly wantedAnswers?: () => ToldAddress;
  /** Further UDP ports on which clients search; absent: none. */
  readonly wantedPorts?: (protocol: PvProtocol) => readonly number[];
}

/**
 * Follows engines and their containers, exposes what was selected, and reports it as a snapshot.
 * Front ends hold one session and no state of their own.
 */
export class ExposeSession implements Disposable {
  readonly #input: SessionInput;
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new EventEmitter<void>());
  readonly #containers = new Map<string, ContainerTracker>();
  readonly #ended: EndedContainers;
  readonly #former: FormerNames;
  /** By engine: until a container that was restarted many times is to be followed. */
  readonly #rechecks = new Map<string, Disposable>();
  readonly #engineStores = new Map<Engine, Disposable>();
  readonly #failedStarts: FailedStarts;
  readonly #relays = new OpenRelays();
  readonly #localPorts: LocalPorts;
  /** Shared by all containers, so that many of them take no more time than one. */
  readonly #slices: Slices;
  readonly #turns = new Limit(ASKED_AT_ONCE);
  /** Of all who look for a record. */
  readonly #fileReads = new Limit(FILES_READ_AT_ONCE);
  readonly #vain: VainSearches | undefined;
  readonly #search: SessionSearch;
  readonly #searchPlaces: SearchPlaces | undefined;
  readonly #namesAllowance = new NamesAllowance();
  #extraNames: readonly string[];
  /** The other containers begin after this one's first look. */
  #awaited: ContainerTracker | undefined;
  #pendingNotify: Disposable | undefined;

  /** Fires after the snapshot changed. */
  readonly onDidChange = this.#changed.event;

  constructor(input: SessionInput) {
    this.#input = {
      ...input,
      dialHost: async (endpoint, signal) => {
        const connection = await input.dialHost(endpoint, signal);
        this.#relays.addOwn(endpoint, connection);
        return connection;
      },
    };
    this.#extraNames = input.extraNames;
    this.#ended = this.#store.add(
      new EndedContainers({ clock: input.clock, onDidChange: () => this.#notify() }),
    );
    this.#slices = new Slices(input.clock);
    this.#former = new FormerNames(input.clock);
    const { clock, log, mayShareNumbers, findHolder, isListening, otherEngines } = input;
    const sources = [input.engines, ...(otherEngines ? [otherEngines] : [])];
    const reservations = this.#store.add(new ContainerPorts(sources, clock));
    this.#failedStarts = new FailedStarts({
      publishers: () => reservations.publishers,
      held: () => this.#held,
      clock,
    });
    // Before any other listener gives way.
    this.#store.add(
      reservations.onDidChange(() => {
        this.#failedStarts.note();
        this.#notify();
      }),
    );
    this.#localPorts = this.#store.add(
      new LocalPorts({
        ...{ reservations, findHolder, mayShareNumbers, log, ...(isListening && { isListening }) },
        relays: this.#relays,
        ...(input.addresses && { addresses: input.addresses }),
        releasePort: async (endpoint) => this.#searchPlaces?.releasePort(endpoint),
      }),
    );
    const { findSimilar, findClient } = input;
    this.#vain =
      findSimilar &&
      this.#store.add(
        new VainSearches({
          ...{ findSimilar, onChange: () => this.#notify(), clock },
          isServed: (name) =>
            this.iocs.some((ioc) => ioc.serves(name)) || this.findFormer(name) !== undefined,
          ...(findClient && { findClient }),
        }),
      );
    this.#search = this.#store.add(
      new SessionSearch({
        ...input,
        ...(this.#vain && { vain: this.#vain }),
        onNote: () => this.#notify(),
      }),
    );
    this.#searchPlaces =
      input.searchSockets &&
      this.#store.add(
        new SearchPlaces({
          ...{ sockets: input.searchSockets, search: this.#search, relays: this.#relays },
          ...{ reservations, findHolder, mayShareNumbers, clock, log },
          onChange: () => this.#notify(),
        }),
      );
    this.#store.add(input.engines.onDidChange(() => this.#followEngines()));
    this.#followEngines();
  }

  /**
   * Called when requests changed. What is still wanted is not touched, what is no longer wanted
   * ends at once. A name once given is watched for as long as its IOC lives.
   */
  review(extraNames: readonly string[]): void {
    this.#extraNames = extraNames;
    for (const tracker of this.#containers.values()) tracker.setNames(extraNames);
    for (const engine of this.#input.engines.engines) this.#dropUnwanted(engine);
    this.#followEngines();
    for (const engine of this.#input.engines.engines) this.#sync(engine);
    const engineKeys = this.#input.engines.engines.map((engine) => engine.key);
    this.#ended.keepOnly(({ engineKey }) => engineKeys.includes(engineKey));
  }

  /** Stops listening, for a successor; open circuits go on for as long as this process lives. */
  retire(): void {
    this.#relays.retire();
    this.#notify();
  }

  /** The number of circuits of clients that are open now. */
  get circuitCount(): number {
    return this.#relays.circuitCount;
  }

  /** Drops what is no longer wanted without showing it as stopped, because it did not stop. */
  #dropUnwanted(engine: Engine): void {
    for (const [key, tracker] of this.#containers) {
      if (!key.startsWith(`${engine.key}#`) || this.#input.isWanted(engine, tracker.info)) continue;
      this.#containers.delete(key);
      this.#store.release(tracker);
    }
    this.#ended.keepOnly(
      (container) => container.engineKey !== engine.key || this.#input.isWanted(engine, container),
    );
  }

  #followEngines(): void {
    for (const engine of this.#input.engines.engines) {
      if (this.#engineStores.has(engine)) continue;
      this.#engineStores.set(engine, this.#store.add(engine.onDidChange(() => this.#sync(engine))));
      this.#sync(engine);
    }
    for (const [engine, subscription] of this.#engineStores) {
      if (this.#input.engines.engines.includes(engine)) continue;
      this.#engineStores.delete(engine);
      this.#store.release(subscription);
      this.#end([...this.#containers.values()].filter((c) => c.key.startsWith(`${engine.key}#`)));
    }
    this.#notify();
  }

  /** Opens what is new, ends what is gone, replaces what was restarted. */
  #sync(engine: Engine): void {
    // An engine that is away reports nothing about its containers: keep what runs, relays included.
    if (engine.state.status === 'connected') {
      const wanted = this.#runningNow(engine);
      for (const [key, tracker] of this.#containers) {
        if (!key.startsWith(`${engine.key}#`)) continue;
        const info = wanted.get(key);
        if (info && tracker.isSameRun(info)) tracker.update(info);
        else this.#end([tracker]);
      }
      const byStart = [...wanted].sort(([, a], [, b]) => a.startedAt.localeCompare(b.startedAt));
      const isAwaited = this.#beginOwn(engine, byStart);
      for (const [key, info] of byStart) {
        if (!this.#containers.has(key) && !isAwaited) this.#begin(key, engine, info);
      }
      for (const info of engine.stoppedContainers ?? []) {
        if (!this.#input.isWanted(engine, info)) continue;
        this.#ended.noteStopped(`${engine.key}#${info.id}`, engine.key, info);
      }
      this.#noteRemoved(engine);
    }
    this.#notify();
  }

  #noteRemoved(engine: Engine): void {
    // Some engines do not tell which containers are stopped.
    if (!engine.stoppedContainers) return;
    const ids = new Set([...engine.containers, ...engine.stoppedContainers].map(({ id }) => id));
    this.#ended.noteRemoved(({ engineKey, id }) => engineKey === engine.key && !ids.has(id));
  }

  /** What is wanted and runs, by key; without what its engine only restarts again and again. */
  #runningNow(engine: Engine): Map<string, ContainerInfo> {
    const running = new Map<string, ContainerInfo>();
    const delaysMs: number[] = [];
    const reported = [...engine.containers, ...(engine.stoppedContainers ?? [])];
    for (const info of reported) {
      if (!this.#input.isWanted(engine, info)) continue;
      const key = `${engine.key}#${info.id}`;
      const tracker = this.#containers.get(key);
      const isFollowed = info.status !== 'stopped' && tracker?.isSameRun(info) === true;
      const delayMs = isFollowed
        ? 0
        : this.#ended.restartDelayMs(key, engine.key, info, tracker?.hasIocs === true);
      if (delayMs > 0) delaysMs.push(delayMs);
      else if (info.status !== 'stopped') running.set(key, info);
    }
    const ids = new Set(reported.map(({ id }) => id));
    this.#ended.keepRestarting(({ engineKey, id }) => engineKey !== engine.key || ids.has(id));
    if (delaysMs.length > 0) {
      this.#rechecks.get(engine.key)?.dispose();
      const recheck = this.#input.clock.after(Math.min(...delaysMs), () => this.#sync(engine));
      this.#rechecks.set(engine.key, recheck);
    }
    return running;
  }

  /**
   * The container that the user works in comes first, so that it gets the first address unless
   * another one has it by then. True while its first look must be waited for, a matter of
   * milliseconds.
   */
  #beginOwn(engine: Engine, wanted: readonly (readonly [string, ContainerInfo])[]): boolean {
    const containers = wanted.map(([key, info]) => ({ ...info, key }));
    const [own] = (this.#input.ownContainers?.() ?? []).flatMap(
      (hint) => findOwnContainer({ containers }, hint) ?? [],
    );
    if (own?.status !== 'running') return false;
    const known = this.#containers.get(own.key);
    if (known) return this.#awaited === known && !known.hasLooked;
    const tracker = this.#begin(own.key, engine, own);
    if (containers.length === 1) return false;
    this.#awaited = tracker;
    const goOn = (): void => {
      if (this.#awaited !== tracker) return;
      this.#awaited = undefined;
      this.#sync(engine);
    };
    tracker.onDidChange(() => tracker.hasLooked && goOn());
    schedule(this.#store, this.#input.clock, OWN_FIRST_MS, goOn);
    return true;
  }

  #begin(key: string, engine: Engine, info: ContainerInfo): ContainerTracker {
    this.#ended.remove(key, info.name);
    const tracker = this.#store.add(
      new ContainerTracker(engine, info, {
        ...this.#input,
        extraNames: this.#extraNames,
        localPorts: this.#localPorts,
        slices: this.#slices,
        turns: this.#turns,
        namesAllowance: this.#namesAllowance.openContainer(),
        onIocEnded: (place, names) => this.#former.add(place, names),
        answers: () => this.#input.wantedAnswers?.() ?? 'direct',
        searches: (protocol) => this.#search.searchesBy(protocol, 'relay'),
        notesAbout: (server) => this.#search.notesAbout(server),
        hasNameServer: (protocol) => this.#searchPlaces?.hasNameServer(protocol) === true,
      }),
    );
    this.#containers.set(key, tracker);
    tracker.onDidChange(() => this.#notify());
    return tracker;
  }

  #end(trackers: readonly ContainerTracker[]): void {
    for (const tracker of trackers) {
      this.#containers.delete(tracker.key);
      // Of one that is only not wanted any more, the IOCs go on.
      for (const { name, names } of tracker.iocs) {
        this.#former.add({ iocName: name, containerName: tracker.info.name }, names);
      }
      this.#store.release(tracker);
      this.#ended.addFollowed(tracker.state());
    }
  }

  #notify(): void {
    if (this.#store.isDisposed) return;
    this.#pendingNotify ??= this.#input.clock.after(COALESCE_MS, () => {
      this.#pendingNotify = undefined;
      const { servers } = this;
      this.#search.setServers(servers);
      this.#searchPlaces?.setServers(servers, {
        mode: this.#input.wantedSearch?.() ?? 'loopback',
        ports: (protocol) => this.#input.wantedPorts?.(protocol) ?? [],
        hasRequest: this.#input.hasRequest?.() !== false,
      });
      this.#failedStarts.note();
      this.#changed.fire();
    });
  }

  /**
   * Whether every engine has answered or failed, and everything found so far is exposed or has a
   * problem.
   */
  get isSettled(): boolean {
    return (
      this.#input.engines.isReady &&
      this.#input.engines.engines.every((engine) => engine.state.status !== 'connecting') &&
      [...this.#containers.values()].every((container) => container.isSettled) &&
      // What clients are given does not change from then on.
      this.#searchPlaces?.isDecided(this.servers) !== false
    );
  }

  /** The IOCs of all containers, for reading their PVs. */
  get iocs(): readonly IocTracker[] {
    return [...this.#containers.values()].flatMap((container) => container.iocs);
  }

  /** Every server that may have PVs, with the IOC and container it belongs to. */
  get servers(): readonly PvServer[] {
    return [...this.#containers.values()].flatMap((container) =>
      container.iocs.flatMap((ioc) =>
        ioc.pvServers.map((server) => ({ container: container.info, ioc, ...server })),
      ),
    );
  }

  /** Every port of this machine on which we listen now. */
  get #held(): readonly HeldPort[] {
    return [
      ...this.#localPorts.held.map((endpoint): HeldPort => ({ transport: 'tcp', endpoint })),
      ...(this.#searchPlaces?.held ?? []),
    ];
  }

  /** The IOC that had a PV, or the record of a field, when it ended some minutes ago. */
  findFormer(name: string): IocPlace | undefined {
    return this.#former.find(name) ?? this.#former.find(recordNameOf(name) ?? name);
  }

  /** What is at an endpoint of this machine, see `traceEndpoint`. */
  trace(query: EndpointQuery, signal: AbortSignal): Promise<TracedEndpoint> {
    const { findHolder, dialHost, clock } = this.#input;
    const tcp = this.#held.filter(({ transport }) => transport === 'tcp');
    const held = tcp.map(({ endpoint }) => endpoint);
    return traceEndpoint(
      query,
      { servers: this.servers, held, findHolder, dialHost, clock },
      signal,
    );
  }

  /** Where the database files of the IOCs have that record now, see `CoreRequests.findRecord`. */
  async findRecord(name: string, signal: AbortSignal): Promise<readonly RecordPlace[]> {
    const places: RecordPlace[] = [];
    const containers = [...this.#containers.values()];
    const { clock } = this.#input;
    const read = async (one: ContainerTracker, inner: AbortSignal): Promise<void> => {
      const found = await withDeadline(clock, FILE_MS, 'its files are slow', inner, (ofOne) =>
        one.findRecord(name, ofOne),
      ).catch(() => []);
      places.push(...found);
    };
    await withDeadline(clock, FILES_MS, 'files are slow', signal, (inner) =>
      Promise.all(containers.map((one) => this.#fileReads.run(inner, () => read(one, inner)))),
    ).catch(() => undefined);
    signal.throwIfAborted();
    return places.slice(0, MAX_RECORD_PLACES);
  }

  /** The names that the user gave and no server has; empty until every server has answered. */
  #unknownNames(): string[] {
    if (this.#extraNames.length === 0 || !this.isSettled) return [];
    return this.#extraNames.filter((name) => !this.iocs.some((ioc) => ioc.serves(name)));
  }

  snapshot(): Snapshot {
    const { problem } = this.#input.engines;
    const containers = [...this.#containers.values()].map((container) => container.state());
    const notices = [
      ...(this.#searchPlaces?.problems ?? []),
      ...this.#failedStarts.problems,
      ...(this.#vain?.problems ?? []),
    ];
    return {
      isSettled: this.isSettled,
      ...(problem && { engineProblem: problem }),
      engines: this.#input.engines.engines.map((engine) => engine.state),
      containers: [...containers, ...this.#ended.states].sort((a, b) =>
        a.name.localeCompare(b.name),
      ),
      ...this.#searchPlaces?.state,
      ...(notices.length > 0 && { notices }),
      unknownNames: this.#unknownNames(),
    };
  }

  dispose(): void {
    this.#pendingNotify?.dispose();
    for (const recheck of this.#rechecks.values()) recheck.dispose();
    this.#store.dispose();
  }
}
