import assert from 'node:assert/strict';
import { silentLog } from '../../src/base/log';
import type { CoreApi, ExposeRequest } from '../../src/model/coreApi';
import type { PvReading } from '../../src/model/reading';
import type {
  ContainerState,
  IocState,
  ServerState,
  PvProtocol,
  Snapshot,
} from '../../src/model/snapshot';
import { formatEndpoint } from '../../src/model/endpoint';
import { Core, type CoreInput } from '../../src/services/core';
import { SharedCircuit } from '../../src/services/upstream/sharedCircuit';
import { FakeClock } from './fakeClock';
import { FakeEngine, FakeEngineSet } from './fakeEngine';
import { FakeMachine } from './fakeMachine';

export const EVERYTHING: ExposeRequest = {
  selection: { containers: [], labels: [] },
  engines: [],
  names: [],
};

const IDENTITY = { clientName: 'tester', hostName: 'testhost' };
const STEP_MS = 50;
/** Of the clock that tests move: longer than any deadline of ours but one. */
const WITHIN_MS = 20_000;

/** The core on a machine and an engine in memory, in a time of its own. */
export class CoreScene {
  readonly clock = new FakeClock();
  readonly machine = new FakeMachine();
  readonly engine = new FakeEngine(this.clock, this.machine);
  readonly engines = new FakeEngineSet(this.engine);
  readonly core: Core;
  readonly #frontEnds: CoreApi[] = [];

  constructor(input: Partial<CoreInput> = {}) {
    this.core = new Core({
      openEngines: () => this.engines,
      opensRelays: true,
      ...(input.opensRelays !== false && { searchSockets: this.machine.searchSockets }),
      mayShareNumbers: false,
      ...IDENTITY,
      dialHost: (endpoint) => this.machine.dial(endpoint),
      findHolder: (endpoint) => this.machine.findHolder(endpoint),
      isListening: (endpoint) => this.machine.isListening(endpoint),
      clock: this.clock,
      log: silentLog,
      ...input,
    });
  }

  /** A front end that wants that, once the core has looked. */
  async open(request: Partial<ExposeRequest> = {}): Promise<CoreApi> {
    const frontEnd = this.core.openFrontEnd();
    this.#frontEnds.push(frontEnd);
    await frontEnd.setRequest({ ...EVERYTHING, ...request });
    await this.untilSettled();
    return frontEnd;
  }

  /** Moves the clock on until it is so; fails when it is not within some time of that clock. */
  async until(isSo: () => boolean, what: string, withinMs = WITHIN_MS): Promise<void> {
    await this.clock.advance(0);
    for (let waitedMs = 0; !isSo(); waitedMs += STEP_MS) {
      if (waitedMs >= withinMs) {
        assert.fail(`${what} within ${withinMs} ms: ${JSON.stringify(this.snapshot, null, 1)}`);
      }
      await this.clock.advance(STEP_MS);
    }
  }

  untilSettled(): Promise<void> {
    return this.until(() => this.snapshot.isSettled, 'settled');
  }

  get snapshot(): Snapshot {
    return this.core.snapshot;
  }

  container(name: string): ContainerState {
    const found = this.snapshot.containers.find((container) => container.name === name);
    assert.ok(found, `no container ${name} in ${JSON.stringify(this.snapshot, null, 1)}`);
    return found;
  }

  ioc(container: string): IocState {
    const [ioc] = this.container(container).iocs;
    assert.ok(ioc, `no IOC in ${JSON.stringify(this.container(container), null, 1)}`);
    return ioc;
  }

  server(container: string, protocol: PvProtocol): ServerState {
    const servers = this.container(container).iocs.flatMap((ioc) => ioc.servers);
    const server = servers.find((one) => one.protocol === protocol && one.status !== 'gone');
    const found = server ?? servers.find((one) => one.protocol === protocol);
    assert.ok(found, `no ${protocol} server in ${JSON.stringify(servers, null, 1)}`);
    return found;
  }

  /** Moves the clock on until the line of a server is that one. */
  async untilLine(container: string, protocol: PvProtocol, line: string): Promise<void> {
    await this.until(() => this.line(container, protocol) === line, line);
  }

  /** `exposed 127.0.0.1:5064 12/12`: what becomes of a server, in a line. */
  line(container: string, protocol: PvProtocol): string {
    const servers = this.snapshot.containers.find(({ name }) => name === container)?.iocs ?? [];
    if (!servers.some((ioc) => ioc.servers.some((one) => one.protocol === protocol))) return 'none';
    const { status, local, pvs, problem } = this.server(container, protocol);
    return [
      status,
      ...(local ? [formatEndpoint(local)] : []),
      `${pvs.reachable}/${pvs.total}`,
      ...(problem ? [problem.code] : []),
    ].join(' ');
  }

  /** Reads a PV through what listens on this machine, as a client does. */
  async get(name: string, place: string): Promise<PvReading> {
    const [host = '', port] = place.split(':');
    const circuit = new SharedCircuit({
      protocol: /75$/.test(place) ? 'pva' : 'ca',
      dial: () => this.machine.dial({ host, port: Number(port) }),
      identity: IDENTITY,
      clock: this.clock,
    });
    return circuit.read(name, new AbortController().signal);
  }

  async end(): Promise<void> {
    for (const frontEnd of this.#frontEnds.splice(0)) frontEnd.dispose();
    await this.core.close();
  }
}
