import { resolve } from 'node:path';
import { distance } from 'fastest-levenshtein';
import { messageOf, UsageError } from '../base/errors';
import { BrokerServer, GRACE_MS } from '../broker/brokerServer';
import { DEMO_ENGINE, openCore } from '../broker/openCore';
import {
  type CoreApi,
  type KnownContainer,
  type ExposeRequest,
  searchPortsIn,
  type Selection,
} from '../model/coreApi';
import { type NameServers, nameServersOf, serversOf } from '../present/clientEnvironment';
import type { BrokerFacts } from '../model/diagnosis/diagnose';
import { type Problem, ProblemError } from '../model/problem';
import type { Snapshot } from '../model/snapshot';
import { TERMINAL_WORDS } from '../present/frontEndWords';
import { problemSentence } from '../present/problemText';
import { brokerPaths } from '../node/broker/brokerPaths';
import { type BrokerCore, findBroker } from '../node/broker/connectBroker';
import { systemClock } from '../node/systemClock';
import { keyOf } from '../services/engines/engineSets';
import { EVERYTHING, isNamed, isSelected } from '../services/engines/selection';
import { version } from '../../package.json';
import { toldBy } from './brokerNameServers';
import { brokerOptions } from './brokerOptions';
import { type CommonOptions, selectionOf } from './options';
import type { Terminal } from './terminal';
import { type Enough, untilSettled } from './untilSettled';

/**
 * `look` relays nothing; it uses a broker that exposes what is wanted anyway. `relay` lets the
 * running broker relay it. `serve` does so too, and if no broker runs, serves others while it runs.
 */
export type Mode = 'look' | 'relay' | 'serve';

/** What a command works on. */
export interface Opened {
  readonly core: CoreApi;
  /** The state of what the command asked for. */
  readonly snapshot: Snapshot;
  /** The name servers for clients, whatever was asked for: the same from every command. */
  readonly nameServers: NameServers;
  /** The background process, or why it cannot be used; absent: there is none. */
  readonly brokerFacts?: BrokerFacts;
  /** Whether the user named containers, a folder or labels. */
  readonly isChosen: boolean;
  /** Whether the built-in demo is shown although the user did not ask for it here. */
  readonly isDemoInstead: boolean;
  /**
   * Resolves when everything that is there now is exposed or has its reason, when it is `enough`
   * for the command, or at the deadline. Rejects with UsageError when a named container does not
   * exist.
   */
  settle(signal: AbortSignal, enough?: Enough): Promise<void>;
  /** Shows the built-in demo, too. */
  addDemo(): Promise<void>;
  /** Ends the request; resolves when nothing of it is left. */
  close(): Promise<void>;
}

interface Source {
  /** Whether it is this command's own, although another one serves this user by now. */
  readonly isServedByOther?: boolean;
  openFrontEnd(): Promise<CoreApi>;
  close(): Promise<void>;
}

/** How a command opens what it works on. */
export interface OpenOptions {
  /** Without the broker. */
  readonly isAlone?: boolean;
  /** The command itself says why the broker cannot be used. */
  readonly tellsBroker?: boolean;
}

/** Opens what a command works on: the core of the running broker, or one of its own. */
export async function openExposure(
  options: CommonOptions,
  terminal: Terminal,
  signal: AbortSignal,
  mode: Mode,
  { isAlone = false, tellsBroker = false }: OpenOptions = {},
): Promise<Opened> {
  const asked: ExposeRequest = {
    selection: selectionOf(options),
    engines: options.engine,
    names: options.pv,
    // A look must open no port.
    ...(mode === 'look'
      ? { search: 'off' }
      : {
          ...(options.search && { search: options.search }),
          ...(options.answers && { answers: options.answers }),
          ...searchPortsIn(process.env),
          own: { folder: resolve(options.workspace ?? '') },
        }),
  };
  const find = (): Promise<Usable> => usableBroker(asked, terminal, signal, mode);
  let usable = isAlone ? {} : await find();
  let source = await openSource(usable, terminal, signal, mode);
  if (source.isServedByOther && !isAlone) {
    // A command that began in the same moment: what it exposes is shared, as if it had begun before.
    await source.close();
    usable = await find();
    source = await openSource(usable, terminal, signal, mode);
  }
  const { broker, request = asked, told, facts } = usable;
  if (facts?.problem && !tellsBroker) {
    terminal.report(problemSentence(facts.problem, TERMINAL_WORDS));
  }
  try {
    const core = await source.openFrontEnd();
    await core.setRequest(request);
    const nameServers = (): NameServers => {
      if (told) return told;
      // A look without a broker opens no name server to wait for.
      const isLook = !broker && mode === 'look';
      return isLook ? serversOf(core.snapshot) : nameServersOf(core.snapshot);
    };
    const report = (text: string): void => terminal.report(text);
    return new OpenedExposure({ source, core, request, asked, nameServers, report, facts });
  } catch (error) {
    await source.close();
    throw error;
  }
}

interface Usable {
  readonly broker?: BrokerCore;
  /** What to request from it. */
  readonly request?: ExposeRequest;
  /** Set if the broker exposes something other than what was asked for. */
  readonly told?: NameServers | undefined;
  readonly facts?: BrokerFacts;
}

/** The running broker, if a command may use it. */
async function usableBroker(
  asked: ExposeRequest,
  terminal: Terminal,
  signal: AbortSignal,
  mode: Mode,
): Promise<Usable> {
  let problem: Problem | undefined;
  const broker = await findBroker(brokerOptions(terminal, mode), signal, (error) => {
    if (error instanceof ProblemError) problem = error.problem;
  });
  if (!broker) return problem ? { facts: { problem, own: version, requests: [] } } : {};
  if (mode !== 'look') return { broker };
  const requests = await broker.listRequests(signal);
  const facts: BrokerFacts = { version: broker.broker.version, own: version, requests };
  // A user who names no engine and no container means a running demo where there is no IOC beside it;
  // everything else is looked at without the broker.
  const demo: ExposeRequest = { ...asked, engines: [DEMO_ENGINE] };
  const hasOthers = broker.snapshot.containers.some(
    ({ engineKey, iocs }) => engineKey !== DEMO_ENGINE && iocs.length > 0,
  );
  const isDemoMeant =
    asked.engines.length === 0 &&
    isEverything(asked.selection) &&
    !hasOthers &&
    requests.some((request) => covers(request, demo));
  if (isDemoMeant) return { broker, request: demo, facts };
  if (requests.some((request) => covers(request, asked))) return { broker, facts };
  try {
    return { told: await toldBy(broker, signal), facts };
  } finally {
    await broker.close();
  }
}

function isEverything({ containers, except = [], labels, workspace }: Selection): boolean {
  const isAll = containers.length === 0 && labels.length === 0 && workspace === undefined;
  return isAll && except.length === 0;
}

/** Whether the first request includes everything that the second asks for. */
function covers(request: ExposeRequest, asked: ExposeRequest): boolean {
  const isAll = isEverything(request.selection);
  const isSame = JSON.stringify(request.selection) === JSON.stringify(asked.selection);
  return keyOf(request.engines) === keyOf(asked.engines) && (isAll || isSame);
}

function brokerSource(first: BrokerCore, terminal: Terminal, signal: AbortSignal): Source {
  const { pid, isForeground } = first.broker;
  const who = isForeground ? 'another epics-expose' : 'the background process';
  terminal.log('info', 'session', `uses ${who} (pid ${pid})`);
  first.onDidLose(({ reason, logFile }) => {
    terminal.report(`Lost ${who}: ${reason}. Starting another one; its log: ${logFile}`);
  });
  const opened = [first];
  let isFirstGiven = false;
  return {
    async openFrontEnd() {
      if (!isFirstGiven) {
        isFirstGiven = true;
        return first;
      }
      const next = await findBroker(brokerOptions(terminal, 'demo'), signal);
      if (!next) throw new UsageError(`${who} is gone; run the command again.`);
      opened.push(next);
      return next;
    },
    async close() {
      await Promise.all(opened.map((broker) => broker.close()));
    },
  };
}

function openSource(
  { broker, facts }: Usable,
  terminal: Terminal,
  signal: AbortSignal,
  mode: Mode,
): Promise<Source> {
  if (broker) return Promise.resolve(brokerSource(broker, terminal, signal));
  return ownSource(terminal, mode, facts?.problem);
}

async function ownSource(terminal: Terminal, mode: Mode, unusable?: Problem): Promise<Source> {
  const { log } = terminal;
  const place = mode === 'serve' ? brokerPaths(process.env) : undefined;
  const core = openCore({
    env: process.env,
    opensRelays: mode !== 'look',
    silentPid: unusable?.code === 'broker-silent' ? unusable.pid : undefined,
    addressFile: place?.addressFile,
    log,
  });
  let server: BrokerServer | undefined;
  let isServedByOther = false;
  try {
    server =
      place &&
      (await BrokerServer.listen({
        ...{ place, core, version, log, isForeground: true },
        ...{ clock: systemClock, graceMs: GRACE_MS, onIdle: () => undefined },
        onStop: () => {
          terminal.report(
            'Another command has stopped this one, as `epics-expose broker stop` does.',
          );
          process.kill(process.pid, 'SIGTERM');
        },
      }));
    isServedByOther = place !== undefined && !server && !unusable;
  } catch (error) {
    log('warn', 'session', `other commands cannot share this: ${messageOf(error)}`);
  }
  return {
    isServedByOther,
    openFrontEnd: async () => core.openFrontEnd(),
    async close() {
      await server?.close();
      await core.close();
    },
  };
}

interface OpenedInput {
  readonly source: Source;
  readonly core: CoreApi;
  readonly request: ExposeRequest;
  /** What the user asked for, if that is not what is requested. */
  readonly asked: ExposeRequest;
  readonly nameServers: () => NameServers;
  readonly facts: BrokerFacts | undefined;
  /** Writes a sentence to stderr. */
  readonly report: (text: string) => void;
}

class OpenedExposure implements Opened {
  readonly core: CoreApi;
  readonly isDemoInstead: boolean;
  readonly brokerFacts?: BrokerFacts;
  readonly #source: Source;
  readonly #request: ExposeRequest;
  readonly #nameServers: () => NameServers;
  readonly #report: (text: string) => void;
  #hasDemo = false;

  constructor({ source, core, request, asked, nameServers, report, facts }: OpenedInput) {
    if (facts) this.brokerFacts = facts;
    this.#source = source;
    this.#nameServers = nameServers;
    this.#report = report;
    this.core = core;
    this.#request = request;
    this.isDemoInstead = request !== asked;
  }

  get nameServers(): NameServers {
    return this.#nameServers();
  }

  get isChosen(): boolean {
    return !isEverything(this.#request.selection);
  }

  /** The broker also reports what others want; that is left out. */
  get snapshot(): Snapshot {
    const { snapshot } = this.core;
    const { selection, engines, names } = this.#request;
    const isDemoOnly = keyOf(engines) === keyOf([DEMO_ENGINE]);
    return {
      ...snapshot,
      engines: snapshot.engines.filter(({ kind }) => !isDemoOnly || kind === 'demo'),
      containers: snapshot.containers.filter(
        (container) =>
          (isSelected(container, selection) || (this.#hasDemo && container.id === 'demo')) &&
          (!isDemoOnly || container.engineKey === DEMO_ENGINE),
      ),
      unknownNames: snapshot.unknownNames.filter((name) => names.includes(name)),
    };
  }

  async settle(signal: AbortSignal, enough?: Enough): Promise<void> {
    await untilSettled(this.core, systemClock, signal, enough);
    if (signal.aborted) return;
    const { containers, except = [] } = this.#request.selection;
    const isAnswered = this.core.snapshot.engines.some(({ status }) => status === 'connected');
    // Without an engine that answers, something else has to be said first.
    if ((containers.length === 0 && except.length === 0) || !isAnswered) return;
    const all = await this.core.listContainers({}, signal);
    const known = all.filter(({ status }) => status !== 'stopped');
    // Those that are shown, such as one that has just ended or ends again and again, are no typing errors.
    rejectUnknown(containers, known, this.snapshot.containers);
    // It may start later, and is left out then.
    for (const name of unknownOf(except, known)) {
      const hint = nearHint(name, known);
      this.#report(`no running container is called "${name}", which is left out. ${hint}`);
    }
  }

  async addDemo(): Promise<void> {
    const demo = await this.#source.openFrontEnd();
    await demo.setRequest({ selection: EVERYTHING, engines: [DEMO_ENGINE], names: [] });
    this.#hasDemo = true;
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}

/** A name that does not exist is more often a typing error than a container to come. */
function rejectUnknown(
  wanted: readonly string[],
  known: readonly KnownContainer[],
  shown: readonly Pick<KnownContainer, 'id' | 'name'>[],
): void {
  const [name] = unknownOf(wanted, [...known, ...shown]);
  if (name === undefined) return;
  throw new UsageError(
    `no running container is called "${name}"; if it is stopped, start it. ${nearHint(name, known)}`,
  );
}

function unknownOf(
  names: readonly string[],
  known: readonly Pick<KnownContainer, 'id' | 'name'>[],
): string[] {
  return names.filter((name) => !known.some((container) => isNamed(container, name)));
}

function nearHint(name: string, known: readonly KnownContainer[]): string {
  const names = known
    .map((container) => container.name)
    .sort((a, b) => distance(a, name) - distance(b, name));
  const near = names.filter((other) => distance(other, name) <= 3 || other.includes(name));
  return names.length === 0
    ? 'No container is running.'
    : `${near.length > 0 ? `Did you mean ${near.slice(0, 3).join(' or ')}? ` : ''}Running: ${names.slice(0, 10).join(', ')}`;
}
