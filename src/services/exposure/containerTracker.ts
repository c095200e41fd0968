import { Limit, type Turn } from '../../base/limit';
import type { IocPlace, RecordPlace } from '../../model/iocPlace';
import type { NameTable } from '../../model/pvTable';
import { schedule } from '../../base/schedule';
import { DisposableStore, type Disposable } from '../../base/disposable';
import { EventEmitter } from '../../base/event';
import { messageOf } from '../../base/errors';
import { type Endpoint, formatEndpoint, isUnspecified } from '../../model/endpoint';
import { loopbackHost } from '../../model/loopbackPlan';
import { StateMachine } from '../../base/stateMachine';
import type { ContainerState, RouteKind } from '../../model/snapshot';
import { isSameProblem, type Problem, problemLog } from '../../model/problem';
import type { Route } from '../host/connection';
import { detectIocs } from '../discovery/detect/candidates';
import { parseWholeEnvironment } from '../discovery/detect/parseProc';
import type { ProcessSigns } from '../discovery/detect/processSigns';
import { IdleIocs } from './idleIocs';
import { ProcessExaminer } from './processExaminer';
import type { SocketReport } from '../host/socketReport';
import type { ContainerInfo, Engine, SocketWatch } from '../host/engine';
import { CONTAINER_TRANSITIONS } from './containerStates';
import { IocTracker, type IocTrackerInput } from './iocTracker';

/** How long an IOC is still shown after it ended. */
const GONE_SHOWN_MS = 60_000;
/** Servers of one container that are asked by their first route at once. */
const ASKED_AT_ONCE = 4;
/** A container whose processes come and go all the time must not fill the snapshot with them. */
const MAX_GONE_SHOWN = 20;

/** What a ContainerTracker needs. */
export type ContainerTrackerInput = Omit<
  IocTrackerInput,
  | 'containerKey'
  | 'routes'
  | 'publishedAs'
  | 'files'
  | 'readEnvironment'
  | 'onCircuitLost'
  | 'isPaused'
> & {
  /** An IOC has ended that had these names. */
  readonly onIocEnded: (place: IocPlace, names: NameTable) => void;
};

/** One run of one container: finds its IOCs by the sockets they hold. */
export class ContainerTracker implements Disposable {
  readonly key: string;
  readonly #input: ContainerTrackerInput;
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new EventEmitter<void>());
  readonly #iocs = new Map<string, IocTracker>();
  readonly #engineKey: string;
  readonly #watch: SocketWatch;
  readonly #examiner: ProcessExaminer;
  readonly #idle: IdleIocs;
  #report: SocketReport | undefined;
  readonly #routes: readonly Route[];
  #extraNames: readonly string[];
  #provedRoute: Route | undefined;
  #info: ContainerInfo;
  readonly #state = new StateMachine(CONTAINER_TRANSITIONS, 'looking');
  #problem: Problem | undefined;

  readonly onDidChange = this.#changed.event;

  constructor(engine: Engine, info: ContainerInfo, input: ContainerTrackerInput) {
    this.key = `${engine.key}#${info.id}`;
    this.#engineKey = engine.key;
    this.#info = info;
    this.#input = input;
    this.#extraNames = input.extraNames;
    const access = this.#store.add(engine.open(info.id));
    this.#routes = access.routes;
    this.#files = access;
    const watch = this.#store.add(
      access.watchSockets({
        report: (report) => this.#take(report),
        failed: (error) => this.#watchFailed(error),
        ended: () => this.#watchEnded(),
      }),
    );
    this.#watch = watch;
    this.#examiner = this.#store.add(
      new ProcessExaminer({ files: access, watch, clock: input.clock }),
    );
    this.#store.add(this.#examiner.onDidExamine(() => this.#detect()));
    this.#idle = this.#store.add(
      new IdleIocs({
        ...{ containerKey: this.key, containerName: () => this.#info.name },
        ...{
          access,
          clock: input.clock,
          onDidChange: () => this.#changed.fire(),
          onDue: () => this.#detect(),
        },
      }),
    );
  }

  readonly #files: Pick<IocTrackerInput['files'], 'readFile'>;

  /** Its own, so that many servers of one container do not keep those of others waiting. */
  readonly #ownTurns = new Limit(ASKED_AT_ONCE);
  readonly #turns: Turn = {
    run: (signal, work) => this.#ownTurns.run(signal, () => this.#input.turns.run(signal, work)),
  };

  get info(): ContainerInfo {
    return this.#info;
  }
  get iocs(): readonly IocTracker[] {
    return [...this.#iocs.values()];
  }
  /** Whether there is, or was, an IOC in it. */
  get hasIocs(): boolean {
    return this.#iocs.size > 0 || this.#idle.states().length > 0;
  }
  /** Whether the first look is done, even if it failed. */
  get hasLooked(): boolean {
    return this.#state.state !== 'looking';
  }
  /** Whether the first look is done and everything it found is settled. */
  get isSettled(): boolean {
    return this.hasLooked && !this.#examiner.isBusy && this.iocs.every((i) => i.isSettled);
  }

  /** Whether newer information is about the same run of this container. */
  isSameRun(info: ContainerInfo): boolean {
    return info.run === this.#info.run;
  }

  update(info: ContainerInfo): void {
    const isNews = info !== this.#info;
    this.#info = info;
    for (const ioc of this.#iocs.values()) {
      // Even without news of it: it may share the network of another container.
      ioc.noteNetwork(isNews);
      ioc.setPaused(info.status === 'paused');
    }
    if (info.status === 'running') this.#watch.lookNow();
  }

  /** Where the database files of its IOCs have a record of that name now. */
  async findRecord(name: string, signal: AbortSignal): Promise<readonly RecordPlace[]> {
    const found: RecordPlace[] = [];
    // One after the other: they share the time slices of the container.
    for (const ioc of this.iocs) {
      const place = await ioc.findRecord(name, signal).catch(() => undefined);
      signal.throwIfAborted();
      if (!place) continue;
      const { file, line } = place;
      found.push({ iocName: ioc.name, containerName: this.#info.name, file, line });
    }
    return found;
  }

  /** Replaces the names that the user gave. */
  setNames(names: readonly string[]): void {
    this.#extraNames = names;
    for (const ioc of this.#iocs.values()) ioc.setNames(names);
  }

  #take(report: SocketReport): void {
    if (!this.#state.take('report')) return;
    this.#problem = undefined;
    this.#report = report;
    this.#detect();
  }

  /** Takes what the last report and the signs of its processes show. */
  #detect(): void {
    if (!this.#report || this.#state.state === 'ended') return;
    const present = new Set<string>();
    const signsOf = (key: string): ProcessSigns | undefined => {
      present.add(key);
      return this.#examiner.signsOf(key);
    };
    const { candidates, undecided } = detectIocs(this.#report, this.#info.name, signsOf);
    const serving = candidates.map(({ process }) => process);
    const idle = this.#idle.update(this.#report, serving, signsOf);
    this.#examiner.examine([...undecided, ...idle], present);
    const ports = candidates.flatMap((c) => c.listeners.map((l) => l.endpoint.port));
    if (ports.length > 0) this.#input.localPorts.claim(this.key, ports);
    const seen = new Set(candidates.map((candidate) => candidate.key));
    for (const [key, ioc] of this.#iocs) if (!seen.has(key)) this.#retire(key, ioc);
    for (const candidate of candidates) {
      const known = this.#iocs.get(candidate.key);
      if (known && !known.isGone) known.update(candidate);
      else this.#addIoc(candidate.key, candidate);
    }
    this.#changed.fire();
  }

  #addIoc(key: string, candidate: Parameters<IocTracker['update']>[0]): void {
    // An IOC that was started again replaces its former self in what is shown.
    for (const [oldKey, old] of this.#iocs) {
      if (old.isGone && (oldKey === key || old.name === candidate.name)) this.#forget(oldKey, old);
    }
    const ioc = this.#store.add(
      new IocTracker(candidate, {
        ...this.#input,
        turns: this.#turns,
        containerKey: this.key,
        extraNames: this.#extraNames,
        isPaused: this.#info.status === 'paused',
        routes: () => this.#routesByPromise(),
        publishedAs: (port) => publishedAs(port, this.#info),
        files: this.#files,
        readEnvironment: async (process, signal) => {
          const text = await this.#watch.readProcessFile(process, 'environ', signal);
          return text === undefined ? undefined : parseWholeEnvironment(text);
        },
        onCircuitLost: () => this.#watch.lookNow(),
      }),
    );
    this.#iocs.set(key, ioc);
    ioc.onDidChange(() => {
      this.#rememberRoute(ioc);
      this.#changed.fire();
    });
  }

  /**
   * The route that led to one server of this container most likely leads to the next one. Routes
   * that lead straight to this machine come before it, because such a port differs from server to
   * server.
   */
  #routesByPromise(): readonly Route[] {
    const straight = this.#routes.filter(({ kind }) => isStraight(kind));
    const proved = this.#provedRoute ? [this.#provedRoute] : [];
    return [...new Set([...straight, ...proved, ...this.#routes])];
  }

  #rememberRoute(ioc: IocTracker): void {
    const kind = ioc.servers.find((server) => server.identity)?.routeKind;
    if (kind === undefined || isStraight(kind)) return;
    this.#provedRoute ??= this.#routes.find((route) => route.kind === kind);
  }

  #retire(key: string, ioc: IocTracker): void {
    if (ioc.isGone) return;
    if (ioc.servers.length === 0) {
      this.#forget(key, ioc);
      return;
    }
    ioc.markGone();
    this.#input.onIocEnded({ iocName: ioc.name, containerName: this.#info.name }, ioc.names);
    const gone = [...this.#iocs].filter(([, one]) => one.isGone);
    for (const [oldKey, old] of gone.slice(0, -MAX_GONE_SHOWN)) this.#forget(oldKey, old);
    schedule(this.#store, this.#input.clock, GONE_SHOWN_MS, () => {
      if (this.#iocs.get(key) === ioc) this.#forget(key, ioc);
      this.#changed.fire();
    });
  }

  #forget(key: string, ioc: IocTracker): void {
    this.#iocs.delete(key);
    this.#store.release(ioc);
  }

  #watchEnded(): void {
    this.#state.take('ended');
    for (const [key, ioc] of this.#iocs) this.#retire(key, ioc);
    this.#changed.fire();
  }

  /** Keeps what was seen before: that it cannot be seen now does not mean that it is gone. */
  #watchFailed(error: Error): void {
    const container = this.#info.name;
    const problem: Problem = { code: 'cannot-look-inside', container, detail: messageOf(error) };
    if (!this.#state.take('failed') || isSameProblem(problem, this.#problem)) return;
    this.#input.log('warn', 'detect', problemLog(problem));
    this.#problem = problem;
    this.#changed.fire();
  }

  state(): ContainerState {
    const { id, name, image, labels, status } = this.#info;
    const problem: Problem | undefined =
      status === 'paused' ? { code: 'container-paused', container: name } : this.#problem;
    return {
      key: this.key,
      engineKey: this.#engineKey,
      id,
      name,
      image,
      labels,
      status,
      iocs: [
        ...this.iocs.filter((ioc) => ioc.servers.length > 0).map((ioc) => ioc.state()),
        ...(this.#state.state === 'ended' ? [] : this.#idle.states()),
      ],
      ...(problem && { problem }),
    };
  }

  dispose(): void {
    for (const ioc of this.#iocs.values()) ioc.markGone();
    this.#input.localPorts.release(this.key);
    this.#store.dispose();
  }
}

function isStraight(kind: RouteKind): boolean {
  return kind === 'host-network' || kind === 'published';
}

/** Where a TCP port is published on this machine. */
function publishedAs(port: number, { publishedPorts = [] }: ContainerInfo): readonly Endpoint[] {
  const known = new Map<string, Endpoint>();
  for (const { transport, containerPort, hostIp, hostPort } of publishedPorts) {
    if (transport !== 'tcp' || containerPort !== port) continue;
    // Every address, of IPv4 and of IPv6, is one place to clients here.
    const isEverywhere = hostIp === '' || isUnspecified(hostIp);
    const endpoint = { host: isEverywhere ? loopbackHost(1) : hostIp, port: hostPort };
    known.set(formatEndpoint(endpoint), endpoint);
  }
  return [...known.values()];
}
