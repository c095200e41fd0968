import { delay, onAbort, withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { CancelledError, isErrorCode, messageOf, TimeoutError } from '../../base/errors';
import { LruMap } from '../../base/lruMap';
import type { PvDetails, PvDetailsQuery, PvPath, PvReadQuery } from '../../model/coreApi';
import { previewOf } from '../../model/preview';
import { type Problem, ProblemError } from '../../model/problem';
import { hasChannel, type PvStep } from '../../model/pvTable';
import { recordNameOf } from '../../model/pvName';
import type { PvReading } from '../../model/reading';
import type { PvProtocol } from '../../model/snapshot';
import { Limit } from '../../base/limit';
import { identityText } from '../upstream/identityText';
import type { ClientIdentity } from '../upstream/protocolAdapter';
import { NoChannelError } from '../upstream/readPv';
import { AskedNames } from './askedNames';
import type { FoundServer, UsableServer } from './pvMonitors';
import { stateOf, toRow, unlistedRow } from './pvLists';
import type { PvServer } from '../exposure/pvServer';

const READ_TIMEOUT_MS = 5000;
/** How many last readings are kept for hovers, as previews. */
const KEPT_READINGS = 2000;
/** A reading that is no older than this is not read again. */
const FRESH_MS = 500;
/** Servers that are asked at once for names that their IOCs do not report. */
const MAX_ASKED_AT_ONCE = 50;
/** A gateway says no to a name that it does not know yet, and begins to search for it. */
const GATEWAY_TRIES = 3;
const GATEWAY_PAUSE_MS = 500;

/** What a PvReader needs. */
export interface PvReaderInput {
  readonly servers: () => readonly PvServer[];
  readonly identity: ClientIdentity;
  readonly clock: Clock;
}

/** What is read: a PV, or a part of its structure. */
interface Target {
  readonly name: string;
  readonly part?: readonly string[];
}

interface Kept {
  /** A preview, because a thousand images would fill the memory. */
  readonly reading?: PvReading;
  readonly readAt?: string;
  readonly readProblem?: Problem;
}

/** Reads PVs, and describes what is known of them with their last values. */
export class PvReader {
  readonly #input: PvReaderInput;
  /** For the reads of `describe`, which go on when nobody waits for them any more. */
  readonly #aborts = new Set<AbortController>();
  /** By server and name, most recently read last. */
  readonly #kept = new LruMap<string, Kept>(KEPT_READINGS);
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #asked: AskedNames;
  readonly #askLimit = new Limit(MAX_ASKED_AT_ONCE);

  constructor(input: PvReaderInput) {
    this.#input = input;
    this.#asked = new AskedNames(input.clock);
  }

  /**
   * The server to ask for a PV now; one that has it, if any. Servers are asked for a name that no
   * IOC reports. Rejects with CancelledError.
   */
  async find(name: string, protocol: PvProtocol, signal: AbortSignal): Promise<FoundServer> {
    const nowhere: FoundServer = { problem: { code: 'not-served', protocol }, isHere: false };
    const candidates = this.#candidates({ name }, protocol, () => true);
    const [first = nowhere] = candidates;
    if ('problem' in first || this.#isListed(name)) return first;
    const usable = candidates.filter((found): found is UsableServer => 'key' in found);
    try {
      return (await this.#readFirst(usable, { name }, protocol, signal)).found;
    } catch (error) {
      if (signal.aborted) throw error;
      const problem = error instanceof ProblemError ? error.problem : this.#problemOf(error);
      return { problem, isHere: false };
    }
  }

  /** The servers that may have a PV, the most certain first; those that cannot be asked come last. */
  #candidates(
    target: Target,
    protocol: PvProtocol,
    isWanted: (server: PvServer) => boolean,
  ): FoundServer[] {
    const { name } = target;
    const servers = this.#serversOf(name).filter(
      (server) => server.protocol === protocol && isWanted(server),
    );
    const ranked = servers.map((server) => {
      const problem = this.#whyNot(server, name);
      return { server, problem, rank: problem ? CANNOT_BE_ASKED : this.#certainty(server, name) };
    });
    return ranked
      .sort((a, b) => a.rank - b.rank)
      .map(({ server, problem }) =>
        problem
          ? { problem, isHere: problem.code !== 'not-served' || isOwnName(server, name) }
          : this.#usable(server, target),
      );
  }

  /**
   * Reads a PV now, or else the part that its name means, from one of the wanted servers: the next
   * one if a server turns out not to have it. All of them are asked for a name that no IOC reports.
   * Rejects with ProblemError, of code 'not-found' when none of them serves it over that protocol,
   * or with the error of the read.
   */
  async read(
    { name, part, protocol }: PvReadQuery,
    signal: AbortSignal,
    isWanted: (server: PvServer) => boolean = () => true,
  ): Promise<PvReading> {
    if (!part || this.#isListed(name)) return this.#read({ name }, protocol, signal, isWanted);
    const inPart = { name: part.name, part: part.path };
    if (this.#isListed(part.name)) return this.#read(inPart, protocol, signal, isWanted);
    try {
      return await this.#read({ name }, protocol, signal, isWanted);
    } catch (error) {
      if (!isErrorCode(error, 'not-found')) throw error;
      return this.#read(inPart, protocol, signal, isWanted);
    }
  }

  async #read(
    target: Target,
    protocol: PvProtocol,
    signal: AbortSignal,
    isWanted: (server: PvServer) => boolean,
  ): Promise<PvReading> {
    const { name } = target;
    const candidates = this.#candidates(target, protocol, isWanted);
    const readable = candidates.filter((found): found is UsableServer => 'key' in found);
    if (readable.length > 0 && !this.#isListed(name)) {
      return (await this.#readFirst(readable, target, protocol, signal)).reading;
    }
    for (const [at, found] of readable.entries()) {
      try {
        const reading = await this.#readFrom(found, signal);
        this.#keep(keyOf(found.key, target), { reading, readAt: this.#now() });
        return reading;
      } catch (error) {
        if (signal.aborted) throw error;
        this.#keep(keyOf(found.key, target), { readProblem: this.#problemOf(error) });
        // Whoever was only given the name may not have it; whoever has it says more.
        if (!isErrorCode(error, 'container') || at === readable.length - 1) throw error;
      }
    }
    const [first] = candidates;
    if (!first || !('problem' in first)) {
      throw new ProblemError('not-found', { code: 'not-served', protocol });
    }
    const { problem, isHere } = first;
    const isDenied = problem.code === 'no-read-access';
    throw new ProblemError(
      isDenied ? 'no-read-access' : isHere ? 'container' : 'not-found',
      problem,
    );
  }

  /** Reads a PV from all of these servers at once; the first that has it wins. */
  async #readFirst(
    servers: readonly UsableServer[],
    target: Target,
    protocol: PvProtocol,
    signal: AbortSignal,
  ): Promise<{ readonly found: UsableServer; readonly reading: PvReading }> {
    const aborts = servers.map(() => new AbortController());
    const stop = (): void => {
      for (const abort of aborts) abort.abort();
    };
    const aborting = onAbort(signal, stop);
    const read = async (found: UsableServer, inner: AbortSignal): Promise<PvReading> => {
      try {
        return await this.#readFrom(found, inner);
      } catch (error) {
        // Its silence means no.
        if (!isSilent(found) || !(error instanceof TimeoutError)) throw error;
        throw new NoChannelError(messageOf(error));
      }
    };
    try {
      return await Promise.any(
        servers.map(async (found, at) => {
          const reading = await read(found, aborts[at]?.signal ?? signal);
          this.#keep(keyOf(found.key, target), { reading, readAt: this.#now() });
          return { found, reading };
        }),
      );
    } catch (error) {
      if (signal.aborted) throw new CancelledError();
      const errors = (error as AggregateError).errors as Error[];
      throw (
        errors.find((one) => isErrorCode(one, 'no-read-access')) ??
        errors.find((one) => !(one instanceof NoChannelError)) ??
        new ProblemError('not-found', { code: 'not-served', protocol })
      );
    } finally {
      aborting.dispose();
      stop();
    }
  }

  /**
   * Describes a PV, or else the part that its name means, with its values, waiting `maxWaitMs` at
   * most for them. Does not reject for a PV that cannot be read: its path says why. Servers are asked
   * for a name that no IOC reports, and those that have it are told.
   */
  async describe(
    { name, part, maxWaitMs }: PvDetailsQuery,
    signal: AbortSignal,
  ): Promise<PvDetails> {
    if (!part || this.#isListed(name)) return this.#describe({ name }, maxWaitMs, signal);
    const inPart = { name: part.name, part: part.path };
    if (this.#isListed(part.name)) return this.#describe(inPart, maxWaitMs, signal);
    const [whole, inRecord] = await Promise.all([
      this.#describe({ name }, maxWaitMs, signal),
      this.#describe(inPart, maxWaitMs, signal),
    ]);
    return whole.paths.length > 0 || inRecord.paths.length === 0 ? whole : inRecord;
  }

  async #describe(target: Target, maxWaitMs: number, signal: AbortSignal): Promise<PvDetails> {
    const { name, part } = target;
    const all = this.#serversOf(name);
    // Only pvAccess has structures.
    const servers = part ? all.filter(({ protocol }) => protocol === 'pva') : all;
    if (part && servers.length === 0) return this.#describe({ name }, maxWaitMs, signal);
    if (maxWaitMs > 0) {
      const stale = servers.filter((server) => !this.#isFresh(keyOf(server.key, target)));
      const readings = Promise.all(stale.map((server) => this.#refresh(server, target)));
      // What arrives later is there for the next caller.
      await withDeadline(this.#input.clock, maxWaitMs, 'late', signal, () => readings).catch(
        () => undefined,
      );
    }
    const shown = servers.filter((server) => this.#isTold(server, name));
    const isAsked = servers.some(
      (server) => !this.#isTold(server, name) && this.#underWay.has(keyOf(server.key, target)),
    );
    return {
      name,
      ...(part && { part }),
      paths: shown.map((server) => this.#path(server, target)),
      ...(isAsked && { isAsked }),
    };
  }

  /** The servers whose IOC reports the name or, if there are none, all that may be asked for it. */
  #serversOf(name: string): readonly PvServer[] {
    const all = this.#input.servers();
    const listed = all.filter((server) => {
      const index = indexIn(server, name);
      return index !== undefined && server.stepOf(index) !== 'not-served';
    });
    return listed.length > 0 ? listed : all.filter((server) => !isListedBy(server, name));
  }

  /** Those of the names that no IOC reports, nor the record of a field. */
  unlisted(names: readonly string[]): readonly string[] {
    const servers = this.#input.servers();
    return names.filter((name) => !servers.some((server) => isListedBy(server, name)));
  }

  #isListed(name: string): boolean {
    return this.#serversOf(name).some((server) => isListedBy(server, name));
  }

  #stepIn(server: PvServer, name: string): PvStep {
    const index = indexIn(server, name);
    return index !== undefined && isListedBy(server, name)
      ? server.stepOf(index)
      : this.#asked.stepOf(server.key, name);
  }

  /** Whether it has the name as far as is known: its IOC reports it, or it answered. */
  #isTold(server: PvServer, name: string): boolean {
    return isListedBy(server, name) || hasChannel(this.#stepIn(server, name));
  }

  #usable(server: PvServer, target: Target): UsableServer {
    const { name, part } = target;
    const isListed = isListedBy(server, name);
    return {
      key: server.key,
      dial: (signal) => server.forwarder.dialAsClient(signal),
      software: server.software,
      read: (signal) =>
        isListed ? server.read(name, signal, part) : this.#ask(server, target, signal),
      isHalted: () => server.forwarder.halted !== undefined,
      noteRead: (isPermitted) => noteRead(server, name, isPermitted),
    };
  }

  /** Reads a PV that its IOC does not report, and notes whether the server has it. */
  async #ask(server: PvServer, target: Target, signal: AbortSignal): Promise<PvReading> {
    const note = (step: PvStep): void => this.#asked.note(server.key, target.name, step);
    try {
      const reading = await this.#askLimit.run(signal, () =>
        this.#askPatiently(server, target, signal),
      );
      note('reachable');
      return reading;
    } catch (error) {
      const isLate = signal.reason instanceof TimeoutError;
      if (isErrorCode(error, 'no-read-access')) note('no-read-access');
      else if (error instanceof NoChannelError || (isLate && isSilent(server))) note('not-found');
      throw error;
    }
  }

  async #askPatiently(
    server: PvServer,
    { name, part }: Target,
    signal: AbortSignal,
  ): Promise<PvReading> {
    for (let tries = 1; ; tries++) {
      try {
        return await server.read(name, signal, part);
      } catch (error) {
        const isFinal = !server.ioc.isGateway || tries === GATEWAY_TRIES;
        if (isFinal || !(error instanceof NoChannelError)) throw error;
        await delay(this.#input.clock, GATEWAY_PAUSE_MS, signal);
      }
    }
  }

  /** 0: clients get a channel; 1: its IOC lists it; 2: it may not have it. */
  #certainty(server: PvServer, name: string): number {
    if (hasChannel(this.#stepIn(server, name))) return 0;
    return isOwnName(server, name) ? 1 : 2;
  }

  #refresh(server: PvServer, target: Target): Promise<void> {
    const key = keyOf(server.key, target);
    const reading =
      this.#underWay.get(key) ??
      this.#readAndKeep(server, target).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, reading);
    return reading;
  }

  async #readAndKeep(server: PvServer, target: Target): Promise<void> {
    const { name } = target;
    const key = keyOf(server.key, target);
    const readProblem = this.#whyNot(server, name);
    if (readProblem) {
      if (this.#isTold(server, name)) this.#keep(key, { readProblem });
      return;
    }
    const abort = new AbortController();
    this.#aborts.add(abort);
    try {
      const reading = await this.#readFrom(this.#usable(server, target), abort.signal);
      this.#keep(key, { reading, readAt: this.#now() });
    } catch (error) {
      if (this.#isTold(server, name)) this.#keep(key, { readProblem: this.#problemOf(error) });
    } finally {
      this.#aborts.delete(abort);
    }
  }

  async #readFrom(
    { read, noteRead }: Pick<UsableServer, 'read' | 'noteRead'>,
    signal: AbortSignal,
  ): Promise<PvReading> {
    try {
      const reading = await withDeadline(
        this.#input.clock,
        READ_TIMEOUT_MS,
        `the IOC did not answer within ${READ_TIMEOUT_MS / 1000} s`,
        signal,
        read,
      );
      noteRead?.(true);
      return reading;
    } catch (error) {
      if (isErrorCode(error, 'no-read-access')) noteRead?.(false);
      throw error;
    }
  }

  /** Why a server cannot be read from now; undefined when it can, or when only trying will tell. */
  #whyNot(server: PvServer, name: string): Problem | undefined {
    const { halted, problem } = server.forwarder;
    if (halted) {
      const isOfContainer = halted.code === 'container-paused';
      return isOfContainer ? { ...halted, container: server.container.name } : halted;
    }
    if (problem && problem.code !== 'not-relayed') return problem;
    const step = this.#stepIn(server, name);
    if (step === 'not-found') return { code: 'not-served', protocol: server.protocol };
    // A CA server reports its access rights at each change, a PVA server only when it is read.
    // Access to the fields of a record may differ.
    const isField = server.names.indexOf(name) === undefined;
    if (step === 'no-read-access' && server.protocol === 'ca' && !isField) return this.#denied();
    // A PV without an answer may still be readable; the read itself will tell.
    if (hasChannel(step) || step === 'pending') return undefined;
    return { code: 'no-channel', step };
  }

  #denied(): Problem {
    return { code: 'no-read-access', user: identityText(this.#input.identity) };
  }

  #problemOf(error: unknown): Problem {
    if (isErrorCode(error, 'no-read-access')) return this.#denied();
    return { code: 'not-read', detail: messageOf(error) };
  }

  /** A value that was read once stays, next to the reason why there is no newer one. */
  #keep(key: string, news: Kept): void {
    const { reading, readAt } = this.#kept.get(key) ?? {};
    this.#kept.set(key, {
      ...(reading && readAt !== undefined && { reading, readAt }),
      ...news,
      ...(news.reading && { reading: previewOf(news.reading) }),
    });
  }

  #isFresh(key: string): boolean {
    const { readAt, readProblem } = this.#kept.get(key) ?? {};
    if (readAt === undefined || readProblem !== undefined) return false;
    const ageMs = this.#input.clock.wallMs() - Date.parse(readAt);
    return ageMs >= 0 && ageMs <= FRESH_MS;
  }

  #path(server: PvServer, target: Target): PvPath {
    const { name } = target;
    const state = stateOf(server);
    const { pid } = server.ioc.state();
    const index = indexIn(server, name);
    const step = this.#stepIn(server, name);
    return {
      row:
        index !== undefined && isListedBy(server, name)
          ? toRow(server, state, index)
          : unlistedRow(server, state, name, step),
      implementation: state?.implementation ?? 'unknown',
      ...(pid !== undefined && { pid }),
      ...(state?.route && { route: state.route }),
      listening: state?.listening ?? server.forwarder.listener.endpoint,
      ...(state?.local && { local: state.local }),
      ...(state?.direct && { direct: state.direct }),
      ...(state?.since !== undefined && { since: state.since }),
      ...(state?.problem && { problem: state.problem }),
      ...(step === 'no-read-access' && {
        deniedTo: identityText(this.#input.identity),
      }),
      ...this.#kept.get(keyOf(server.key, target)),
      ...(this.#underWay.has(keyOf(server.key, target)) && { isReading: true as const }),
    };
  }

  #now(): string {
    return new Date(this.#input.clock.wallMs()).toISOString();
  }

  dispose(): void {
    for (const abort of this.#aborts) abort.abort();
  }
}

/** After all that can be asked. */
const CANNOT_BE_ASKED = 3;

/** Whether its IOC reports the name or its record, or a request names it and it may have it. */
function isListedBy(server: PvServer, name: string): boolean {
  const index = indexIn(server, name);
  if (index === undefined) return false;
  return server.stepOf(index) !== 'not-served' || server.names.source(index).kind !== 'user';
}

/** core-pva does not answer for a name that it does not have. */
function isSilent({ software }: Pick<UsableServer, 'software'>): boolean {
  return software?.() === 'core-pva';
}

/** Whether its IOC lists the name, or loaded it; else it was only given. */
function isOwnName(server: PvServer, name: string): boolean {
  const index = indexIn(server, name);
  return index !== undefined && server.names.source(index).kind !== 'user';
}

/** Where a PV stands in the names of a server; a field stands where its record does. */
function indexIn({ names }: PvServer, name: string): number | undefined {
  const index = names.indexOf(name);
  const record = index === undefined ? recordNameOf(name) : undefined;
  return record === undefined ? index : names.indexOf(record);
}

function noteRead(server: PvServer, name: string, isPermitted: boolean): void {
  const index = server.names.indexOf(name);
  if (index !== undefined) server.noteRead(index, isPermitted);
}

function keyOf(serverKey: string, { name, part = [] }: Target): string {
  return [serverKey, name, ...part].join('\n');
}
