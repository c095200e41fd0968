/**
 * A container engine in memory, scripted by a test: containers that start, pause and stop, IOCs in them
 * that listen, hang and end. Their servers are those of the built-in demo, with its PVs.
 */
import type { Duplex } from 'node:stream';
import type { Clock } from '../../src/base/clock';
import { type Disposable, DisposableStore, toDisposable } from '../../src/base/disposable';
import { ContainerError, TransportError } from '../../src/base/errors';
import { EventEmitter } from '../../src/base/event';
import { DemoValues } from '../../src/demo/demoPvs';
import { DemoServers } from '../../src/demo/demoServers';
import type { Endpoint } from '../../src/model/endpoint';
import type { EngineState, PvProtocol, RouteKind } from '../../src/model/snapshot';
import { duplexPair } from '../../src/node/relay/duplexPair';
import {
  CA_SERVER_PORT,
  PVA_BROADCAST_PORT,
  PVA_SERVER_PORT,
} from '../../src/services/discovery/detect/candidates';
import { parseEnvironment } from '../../src/services/discovery/detect/parseProc';
import type { EngineSet } from '../../src/services/engines/engineSets';
import type { Route } from '../../src/services/host/connection';
import type {
  ContainerAccess,
  ContainerInfo,
  Engine,
  PortPublisher,
  PortPublishing,
  SocketWatchEvents,
} from '../../src/services/host/engine';
import type { BoundSocket, ProcessInfo, SocketReport } from '../../src/services/host/socketReport';
import type { FakeMachine, Serve } from './fakeMachine';

export class FakeEngine implements Engine {
  readonly key: string;
  readonly #changed = new EventEmitter<void>();
  readonly #containers = new Set<FakeContainer>();
  #state: EngineState;
  publishers: readonly PortPublisher[] = [];
  isMakingContainer = false;

  readonly onDidChange = this.#changed.event;

  constructor(
    readonly clock: Clock,
    readonly machine: FakeMachine,
    key = 'engine',
  ) {
    this.key = key;
    const plain = { kind: 'kubernetes', version: '' };
    this.#state = { key, ...plain, status: 'connected' };
  }

  get state(): EngineState {
    return this.#state;
  }

  get all(): readonly FakeContainer[] {
    return [...this.#containers];
  }

  get iocs(): readonly FakeIoc[] {
    return [...this.#containers].flatMap(({ iocs }) => iocs);
  }

  /** One that is away tells nothing. */
  get containers(): readonly ContainerInfo[] {
    if (this.#state.status !== 'connected') return [];
    return [...this.#containers]
      .map(({ info }) => info)
      .filter(({ status }) => status !== 'stopped');
  }

  get stoppedContainers(): readonly ContainerInfo[] {
    if (this.#state.status !== 'connected') return [];
    return [...this.#containers]
      .map(({ info }) => info)
      .filter(({ status }) => status === 'stopped');
  }

  /** A container that runs from now on. */
  run(name: string, facts: Partial<ContainerInfo> = {}): FakeContainer {
    const container = new FakeContainer(this, name, facts);
    this.#containers.add(container);
    this.notify();
    return container;
  }

  remove(container: FakeContainer): void {
    this.#containers.delete(container);
    this.notify();
  }

  /** The engine is away, or there again. */
  setStatus(status: EngineState['status']): void {
    this.#state = { ...this.#state, status };
    this.notify();
  }

  notify(): void {
    this.#changed.fire();
  }

  get publishing(): PortPublishing {
    return this;
  }

  open(containerId: string): ContainerAccess {
    const container = [...this.#containers].find(({ info: { id } }) => id === containerId);
    if (!container) throw new ContainerError(`no container ${containerId}`);
    return container.open();
  }

  dispose(): void {
    this.#changed.dispose();
  }
}

/** Engines of which some may come and go. */
export class FakeEngineSet implements EngineSet {
  readonly #changed = new EventEmitter<void>();
  #engines: readonly Engine[];
  readonly problem = undefined;
  readonly onDidChange = this.#changed.event;
  isClosed = false;

  constructor(...engines: readonly Engine[]) {
    this.#engines = engines;
  }

  get engines(): readonly Engine[] {
    return this.#engines;
  }

  setEngines(...engines: readonly Engine[]): void {
    this.#engines = engines;
    this.#changed.fire();
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

export interface FakeIocFacts {
  /** On which address it listens; default: all. */
  readonly host?: string;
  readonly name: string;
  /** By TCP port; absent: the demo's servers on 5064 and 5075. */
  readonly servers?: Readonly<Record<number, FakeServer>>;
  readonly commandLine?: readonly string[];
  /** All of its environment; what is not about EPICS shows only when it is asked for. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Base names of the files that are mapped into it. */
  readonly mappedFiles?: readonly string[];
  /** UDP ports on which it listens besides those of its servers. */
  readonly udpPorts?: readonly number[];
}

/** The demo's over that protocol, or what a test says. */
export type FakeServer = PvProtocol | Serve;

/** For `blocked`: a packet filter, which lets connections wait for ever. */
export const DROPPED = 'dropped';
/** Takes connections and says nothing, as a process that hangs. */
export const SILENT: Serve = (stream) => {
  stream.on('end', () => stream.end());
  stream.resume();
};

/** Speaks something else. */
export const WEB_SERVER: Serve = (stream) => {
  stream.on('error', () => undefined);
  stream.on('data', () => stream.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
};

const DEMO_SERVERS = { [CA_SERVER_PORT]: 'ca', [PVA_SERVER_PORT]: 'pva' } as const;

/** An IOC process. */
export class FakeIoc {
  readonly #values: DemoValues;
  readonly #demo: DemoServers;
  readonly #streams = new Set<Duplex>();
  #isHanging = false;
  readonly servers: Map<number, FakeServer>;

  constructor(
    readonly facts: FakeIocFacts,
    readonly pid: number,
    readonly firstInode: number,
    readonly clock: Clock,
  ) {
    this.#values = new DemoValues(clock);
    this.#demo = new DemoServers(this.#values);
    const servers = Object.entries(facts.servers ?? DEMO_SERVERS);
    this.servers = new Map(servers.map(([port, server]) => [Number(port), server]));
  }

  /** How many connections its servers ever took. */
  connectionCount = 0;

  /** How many they have now. */
  get circuitCount(): number {
    return this.#streams.size;
  }

  /** False when it does not listen there. */
  serve(port: number, stream: Duplex): boolean {
    const server = this.servers.get(port);
    if (server === undefined) return false;
    this.connectionCount++;
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    if (typeof server === 'function') server(stream);
    else this.serveDemo(server, stream);
    if (this.#isHanging) stream.pause();
    return true;
  }

  /** With the demo's PVs, whatever listens where the stream comes from. */
  serveDemo(protocol: PvProtocol, stream: Duplex): void {
    this.#demo.serve(protocol === 'ca' ? CA_SERVER_PORT : PVA_SERVER_PORT, stream);
  }

  /** It goes on listening and takes what is sent, but does nothing with it until `goOn`. */
  hang(): void {
    this.#isHanging = true;
    for (const stream of this.#streams) stream.pause();
  }

  goOn(): void {
    this.#isHanging = false;
    for (const stream of this.#streams) stream.resume();
  }

  /** What was sent to it and not looked at, in bytes. */
  get unreadBytes(): number {
    return [...this.#streams].reduce((sum, stream) => sum + stream.readableLength, 0);
  }

  /** All connections end, as when it ends, or its network is gone. */
  dropCircuits(): void {
    for (const stream of [...this.#streams]) stream.destroy();
  }

  end(): void {
    this.#values.dispose();
    this.dropCircuits();
  }

  get sockets(): BoundSocket[] {
    const its = [...this.servers].flatMap(([port, server]): [BoundSocket['transport'], number][] =>
      server === 'ca'
        ? [
            ['tcp', port],
            ['udp', port],
          ]
        : server === 'pva'
          ? [
              ['tcp', port],
              ['udp', PVA_BROADCAST_PORT],
            ]
          : [['tcp', port]],
    );
    its.push(
      ...(this.facts.udpPorts ?? []).map((port): [BoundSocket['transport'], number] => [
        'udp',
        port,
      ]),
    );
    return its.map(([transport, port], index) => ({
      ...{ transport, port, host: this.facts.host ?? '0.0.0.0', uid: 0 },
      inode: this.firstInode + index,
    }));
  }
}

function environmentText({ name, environment }: FakeIocFacts): string {
  const variables = Object.entries({ IOC_NAME: name, ...environment });
  return variables.map(([key, value]) => `${key}=${value}\0`).join('');
}

function mapsText({ mappedFiles = [] }: Pick<FakeIocFacts, 'mappedFiles'>): string {
  const range = '7f0000000000-7f0000001000 r-xp 00000000 00:2a 1234';
  return mappedFiles.map((name) => `${range}      /usr/lib/${name}\n`).join('');
}

export class FakeContainer {
  readonly #watches = new Set<SocketWatchEvents>();
  readonly #suspended = new Set<number>();
  readonly #iocs = new Set<FakeIoc>();
  #info: ContainerInfo;
  /** Of the next process and its sockets: a process that comes again is another one. */
  #nextPid = 10;
  /** What its files hold, by their paths. */
  readonly files = new Map<string, string>();
  /** Processes without sockets. */
  others: readonly ProcessInfo[] = [];
  /** Base names of the files that are mapped into them, by pid. */
  readonly othersMap = new Map<number, readonly string[]>();
  /** What its first process printed. */
  log = '';
  /** Called for each file that is read. */
  onReadFile: (path: string) => void = () => undefined;
  /** Best first. */
  routeKinds: readonly RouteKind[] = ['entered'];
  /** Why a route leads nowhere now, by its kind. */
  readonly blocked = new Map<RouteKind, string>();
  /** Which routes were tried, in order. */
  readonly dialled: RouteKind[] = [];
  #address: string | undefined;
  #isOffNetwork = false;
  /** Whether the system shows whose the sockets are. */
  showsProcesses = true;
  /** Whether it shows the environment and the mapped files of a process when asked for them. */
  showsProcessFiles = true;

  constructor(
    readonly engine: FakeEngine,
    name: string,
    facts: Partial<ContainerInfo>,
  ) {
    this.#info = {
      ...{ id: name, name, image: 'image', labels: {}, status: 'running' },
      ...{ startedAt: '2026-01-01T00:00:00Z', run: '1' },
      ...facts,
    };
  }

  get info(): ContainerInfo {
    return this.#info;
  }

  get iocs(): readonly FakeIoc[] {
    return [...this.#iocs];
  }

  /** An IOC of it listens from now on. */
  start(facts: FakeIocFacts): FakeIoc {
    const pid = this.#nextPid++;
    const ioc = new FakeIoc(facts, pid, pid * 100, this.engine.clock);
    this.#iocs.add(ioc);
    this.#report();
    return ioc;
  }

  /** The process ends: its circuits at once, its sockets with it. */
  end(ioc: FakeIoc): void {
    this.#iocs.delete(ioc);
    ioc.end();
    this.#report();
  }

  /** As `end`, seen by nobody who does not look again. */
  crash(ioc: FakeIoc): void {
    this.#iocs.delete(ioc);
    ioc.end();
  }

  /** It listens on one more port. */
  openListener(ioc: FakeIoc, port: number, server: FakeServer): void {
    ioc.servers.set(port, server);
    this.#report();
  }

  /** It stops listening on that port, and goes on otherwise. */
  closeListener(ioc: FakeIoc, port: number): void {
    ioc.servers.delete(port);
    this.#report();
  }

  /** Stops its process as SIGSTOP does, or lets it go on. */
  setSuspended(ioc: FakeIoc, isSuspended: boolean): void {
    if (isSuspended) this.#suspended.add(ioc.pid);
    else this.#suspended.delete(ioc.pid);
    this.#report();
  }

  setPaused(isPaused: boolean): void {
    this.#info = { ...this.#info, status: isPaused ? 'paused' : 'running' };
    this.engine.notify();
  }

  stop(): void {
    for (const ioc of this.#iocs) ioc.end();
    this.#iocs.clear();
    this.engine.remove(this);
  }

  /** Its first process ends: it is there, and does not run. */
  exit(exitCode: number, restartCount = 0): void {
    for (const ioc of this.#iocs) ioc.end();
    this.#iocs.clear();
    this.#watches.clear();
    const finishedAt = new Date(this.engine.clock.wallMs()).toISOString();
    this.#info = {
      ...this.#info,
      status: 'stopped',
      restartCount,
      ended: { exitCode, finishedAt },
    };
    this.engine.notify();
  }

  /** Its engine starts it again. */
  startAgain(restartCount: number): void {
    const { ended: _, ...info } = this.#info;
    const startedAt = new Date(this.engine.clock.wallMs()).toISOString();
    const run = `${info.run} again`;
    this.#info = { ...info, status: 'running', restartCount, startedAt, run };
    this.engine.notify();
  }

  /** Ends and starts again at once: another run of the same container. IOCs are started by the test. */
  restart(startedAt: string): void {
    for (const ioc of this.#iocs) ioc.end();
    this.#iocs.clear();
    // What looks into the former run sees nothing of this one.
    this.#watches.clear();
    this.#info = { ...this.#info, run: `${this.#info.run} again`, startedAt };
    this.engine.notify();
  }

  /** Its sockets cannot be seen, until `seeAgain`. */
  failWatch(reason: string): void {
    for (const events of this.#watches) events.failed(new ContainerError(reason));
  }

  seeAgain(): void {
    this.#report();
  }

  /** Its first process is gone, as seen. */
  endWatch(): void {
    for (const events of this.#watches) events.ended();
  }

  /** Its address on a network of this machine; undefined: it is on none, what it had is no more. */
  setAddress(address: string | undefined): void {
    if (this.#address !== undefined) this.engine.machine.leave(this.#address);
    this.#address = address;
    this.#isOffNetwork = address === undefined;
    this.#info = { ...this.#info };
    if (address !== undefined) {
      this.engine.machine.join(address, async (port) => this.#connect('address', port));
    }
    this.engine.notify();
  }

  get #isPaused(): boolean {
    return this.#info.status === 'paused';
  }

  #report(): void {
    for (const events of [...this.#watches]) events.report(this.#socketReport());
  }

  #socketReport(): SocketReport {
    const iocs = [...this.#iocs];
    return {
      sockets: iocs.flatMap(({ sockets }) => sockets),
      others: this.others,
      processes: (this.showsProcesses ? iocs : []).map(({ facts, pid, sockets }) => ({
        pid,
        name: facts.name,
        commandLine: facts.commandLine ?? ['softIoc'],
        environment: parseEnvironment(environmentText(facts)),
        startTicks: pid,
        ...(this.#suspended.has(pid) && { isSuspended: true }),
        socketInodes: sockets.map(({ inode }) => inode),
      })),
    };
  }

  open(): ContainerAccess {
    const store = new DisposableStore();
    return {
      routes: this.routeKinds.map((kind) => store.add(this.#createRoute(kind))),
      watchSockets: (events) => {
        const look = (): Disposable =>
          this.engine.clock.after(0, () => {
            if (this.#watches.has(events)) events.report(this.#socketReport());
          });
        this.#watches.add(events);
        let next = look();
        return {
          readProcessFile: async (process, file) => {
            if (!this.showsProcessFiles) return undefined;
            const isOther = this.others.some(({ pid }) => pid === process.pid);
            if (isOther && file === 'maps') {
              return mapsText({ mappedFiles: this.othersMap.get(process.pid) ?? [] });
            }
            const facts = [...this.#iocs].find(({ pid }) => pid === process.pid)?.facts;
            if (!facts) return undefined;
            return file === 'environ' ? environmentText(facts) : mapsText(facts);
          },
          lookNow: () => {
            next.dispose();
            next = look();
          },
          dispose: () => {
            next.dispose();
            this.#watches.delete(events);
          },
        };
      },
      readLog: async () => this.log,
      readFile: async (path) => {
        this.onReadFile(path);
        const text = this.files.get(path);
        if (text === undefined) throw new ContainerError(`no file ${path}`);
        return Buffer.from(text);
      },
      dispose: () => store.dispose(),
    };
  }

  /** Connects to one of its IOCs; what blocks a route counts for clients of its address, too. */
  #connect(kind: RouteKind, port: number): Duplex {
    const reason = this.blocked.get(kind);
    if (reason !== undefined) throw new TransportError(reason);
    const [client, server] = duplexPair();
    client.pause();
    client.on('error', () => undefined);
    server.on('error', () => undefined);
    // The kernel takes connections for processes that are frozen.
    const isServed = this.#isPaused || [...this.#iocs].some((ioc) => ioc.serve(port, server));
    if (!isServed) throw new TransportError(`connect ECONNREFUSED port ${port}`);
    return client;
  }

  #createRoute(kind: RouteKind): Route {
    const store = new DisposableStore();
    let ownAddress: string | undefined;
    const dial = async (target: Endpoint): Promise<Duplex> => {
      this.dialled.push(kind);
      if (this.blocked.get(kind) === DROPPED) return new Promise<never>(() => undefined);
      if (kind === 'address' && this.#isOffNetwork) throw new TransportError('no address');
      const client = this.#connect(kind, target.port);
      if (kind === 'address') ownAddress = this.#address;
      const connection = store.add(toDisposable(() => client.destroy()));
      client.once('close', () => store.release(connection));
      return client;
    };
    return {
      kind,
      label: `the ${kind} route`,
      directEndpoint: ({ port }) =>
        kind === 'host-network' || kind === 'published' ? { host: '127.0.0.1', port } : undefined,
      ownEndpoint: ({ port }) =>
        ownAddress !== undefined && ownAddress === this.#address
          ? { host: ownAddress, port }
          : undefined,
      dial,
      openRelay: async (local, target, searches) => {
        const opened = await this.engine.machine.openRelay(
          local,
          () => dial(target),
          searches?.intercept,
        );
        if (opened.kind === 'listening') store.add(opened.relay);
        return opened;
      },
      dispose: () => store.dispose(),
    };
  }
}
