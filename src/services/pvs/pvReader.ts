import { withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { isErrorCode, messageOf } from '../../base/errors';
import { LruMap } from '../../base/lruMap';
import type { PvPath, PvDetails } from '../../model/coreApi';
import { previewOf } from '../../model/preview';
import { type Problem, ProblemError } from '../../model/problem';
import { hasChannel, type PvStep } from '../../model/pvTable';
import type { PvReading } from '../../model/reading';
import type { PvProtocol } from '../../model/snapshot';
import { identityText } from '../upstream/identityText';
import type { ClientIdentity } from '../upstream/protocolAdapter';
import type { FoundServer, UsableServer } from './pvMonitors';
import { stateOf, toRow } from './pvLists';
import type { PvServer } from '../exposure/pvServer';

const READ_TIMEOUT_MS = 5000;
/** How many last readings are kept for hovers, as previews. */
const KEPT_READINGS = 2000;
/** A reading that is no older than this is not read again. */
const FRESH_MS = 500;

/** What a PvReader needs. */
export interface PvReaderInput {
  readonly servers: () => readonly PvServer[];
  readonly identity: ClientIdentity;
  readonly clock: Clock;
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
  /** For the reads of `tell`, which go on when nobody waits for them any more. */
  readonly #aborts = new Set<AbortController>();
  /** By server and name, most recently read last. */
  readonly #kept = new LruMap<string, Kept>(KEPT_READINGS);
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(input: PvReaderInput) {
    this.#input = input;
  }

  /** The server to ask for a PV now; one that has it, if any. */
  find(name: string, protocol: PvProtocol): FoundServer {
    const [first = { problem: { code: 'not-served', protocol } as const, isHere: false }] =
      this.#candidates(name, protocol, () => true);
    return first;
  }

  /** The servers that may have a PV, the most certain first; those that cannot be asked come last. */
  #candidates(
    name: string,
    protocol: PvProtocol,
    isWanted: (server: PvServer) => boolean,
  ): FoundServer[] {
    const servers = this.#serversOf(name).filter(
      (server) => server.protocol === protocol && isWanted(server),
    );
    const ranked = servers.map((server) => {
      const problem = this.#whyNot(server, name);
      return { server, problem, rank: problem ? CANNOT_BE_ASKED : certainty(server, name) };
    });
    return ranked
      .sort((a, b) => a.rank - b.rank)
      .map(({ server, problem }) =>
        problem
          ? { problem, isHere: problem.code !== 'not-served' || isOwnName(server, name) }
          : usable(server, name),
      );
  }

  /**
   * Reads a PV now, from one of the wanted servers: the next one if a server turns out not to have
   * it. Rejects with ProblemError, of code 'not-found' when none of them serves it over that
   * protocol, or with the error of the read.
   */
  async read(
    name: string,
    protocol: PvProtocol,
    signal: AbortSignal,
    isWanted: (server: PvServer) => boolean = () => true,
  ): Promise<PvReading> {
    const candidates = this.#candidates(name, protocol, isWanted);
    const readable = candidates.filter((found): found is UsableServer => 'key' in found);
    for (const [at, found] of readable.entries()) {
      try {
        const reading = await this.#readFrom(found, signal);
        this.#keep(keyOf(found.key, name), { reading, readAt: this.#now() });
        return reading;
      } catch (error) {
        if (signal.aborted) throw error;
        this.#keep(keyOf(found.key, name), { readProblem: this.#problemOf(error) });
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

  /**
   * Describes a PV with its values, waiting `maxWaitMs` at most for them. Does not reject for a PV
   * that cannot be read: its path says why.
   */
  async describe(name: string, maxWaitMs: number, signal: AbortSignal): Promise<PvDetails> {
    const servers = this.#serversOf(name);
    if (maxWaitMs > 0) {
      const stale = servers.filter((server) => !this.#isFresh(keyOf(server.key, name)));
      const readings = Promise.all(stale.map((server) => this.#refresh(server, name)));
      // What arrives later is there for the next caller.
      await withDeadline(this.#input.clock, maxWaitMs, 'late', signal, () => readings).catch(
        () => undefined,
      );
    }
    return { name, paths: servers.map((server) => this.#path(server, name)) };
  }

  #serversOf(name: string): PvServer[] {
    return this.#input.servers().filter(({ names, stepOf }) => {
      const index = names.indexOf(name);
      return index !== undefined && stepOf(index) !== 'not-served';
    });
  }

  #refresh(server: PvServer, name: string): Promise<void> {
    const key = keyOf(server.key, name);
    const reading =
      this.#underWay.get(key) ??
      this.#readAndKeep(server, name).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, reading);
    return reading;
  }

  async #readAndKeep(server: PvServer, name: string): Promise<void> {
    const key = keyOf(server.key, name);
    const readProblem = this.#whyNot(server, name);
    if (readProblem) {
      this.#keep(key, { readProblem });
      return;
    }
    const abort = new AbortController();
    this.#aborts.add(abort);
    try {
      const reading = await this.#readFrom(
        {
          read: (signal) => server.read(name, signal),
          noteRead: (isPermitted) => noteRead(server, name, isPermitted),
        },
        abort.signal,
      );
      this.#keep(key, { reading, readAt: this.#now() });
    } catch (error) {
      this.#keep(key, { readProblem: this.#problemOf(error) });
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
    if (server.forwarder.isPaused) {
      return { code: 'container-paused', container: server.container.name };
    }
    const { problem } = server.forwarder;
    if (problem && problem.code !== 'not-relayed') return problem;
    const step = stepIn(server, name);
    if (step === 'not-found') return { code: 'not-served', protocol: server.protocol };
    // A CA server reports its access rights at each change, a PVA server only when it is read.
    if (step === 'no-read-access' && server.protocol === 'ca') return this.#denied();
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

  #path(server: PvServer, name: string): PvPath {
    const state = stateOf(server);
    const { pid } = server.ioc.state();
    const index = server.names.indexOf(name) ?? 0;
    return {
      row: toRow(server, state, index),
      implementation: state?.implementation ?? 'unknown',
      ...(pid !== undefined && { pid }),
      ...(state?.route && { route: state.route }),
      listening: state?.listening ?? server.forwarder.listener.endpoint,
      ...(state?.local && { local: state.local }),
      ...(state?.since !== undefined && { since: state.since }),
      ...(state?.problem && { problem: state.problem }),
      ...(server.stepOf(index) === 'no-read-access' && {
        deniedTo: identityText(this.#input.identity),
      }),
      ...this.#kept.get(keyOf(server.key, name)),
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

/** 0: clients get a channel; 1: its IOC lists it; 2: somebody gave the name, and it may not have it. */
function certainty(server: PvServer, name: string): number {
  if (hasChannel(stepIn(server, name))) return 0;
  return isOwnName(server, name) ? 1 : 2;
}

/** Whether its IOC lists the name, or loaded it; else it was only given. */
function isOwnName({ names }: PvServer, name: string): boolean {
  const index = names.indexOf(name);
  return index !== undefined && names.source(index).kind !== 'user';
}

function usable(server: PvServer, name: string): UsableServer {
  return {
    key: server.key,
    dial: (signal) => server.forwarder.dialAsClient(signal),
    software: server.software,
    read: (signal) => server.read(name, signal),
    noteRead: (isPermitted) => noteRead(server, name, isPermitted),
  };
}

function stepIn(server: PvServer, name: string): PvStep {
  const index = server.names.indexOf(name);
  return index === undefined ? 'not-found' : server.stepOf(index);
}

function noteRead(server: PvServer, name: string, isPermitted: boolean): void {
  const index = server.names.indexOf(name);
  if (index !== undefined) server.noteRead(index, isPermitted);
}

function keyOf(serverKey: string, name: string): string {
  return `${serverKey}\n${name}`;
}
