/** Reads PVs, and tells what is known of them with their last values. */
import { withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import {
  ContainerError,
  isErrorCode,
  messageOf,
  NoReadAccessError,
  NotFoundError,
} from '../../base/errors';
import { LruMap } from '../../base/lruMap';
import type { PvPath, PvDetails } from '../../model/coreApi';
import { previewOf } from '../../model/preview';
import { hasChannel, type PvStep } from '../../model/pvTable';
import type { PvReading } from '../../model/reading';
import type { PvProtocol } from '../../model/snapshot';
import { sentence } from '../../model/sentence';
import { identityText } from '../upstream/identityText';
import type { ClientIdentity } from '../upstream/protocolAdapter';
import type { FoundServer } from './pvMonitors';
import { stateOf, toRow } from './pvLists';
import type { PvServer } from '../exposure/session';

const READ_TIMEOUT_MS = 5000;
/** Last readings kept for hovers, as previews. */
const KEPT_READINGS = 2000;
/** A reading that was got so long ago at most is not got again. */
const FRESH_MS = 500;

export interface PvReaderInput {
  readonly servers: () => readonly PvServer[];
  readonly identity: ClientIdentity;
  readonly clock: Clock;
}

interface Kept {
  /** A preview: a thousand images would fill the memory. */
  readonly reading?: PvReading;
  readonly readAt?: string;
  readonly readProblem?: string;
}

export class PvReader {
  readonly #input: PvReaderInput;
  /** Of the reads for `tell`, which go on when nobody waits for them any more. */
  readonly #aborts = new Set<AbortController>();
  /** By server and name, the one read last at the end. */
  readonly #kept = new LruMap<string, Kept>(KEPT_READINGS);
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(input: PvReaderInput) {
    this.#input = input;
  }

  /** The server to ask for a PV now: one that has it, if any. */
  find(
    name: string,
    protocol: PvProtocol,
    isWanted: (server: PvServer) => boolean = () => true,
  ): FoundServer {
    const servers = this.#serversOf(name).filter(
      (server) => server.protocol === protocol && isWanted(server),
    );
    const reasons = servers.map((server) => ({ server, reason: this.#whyNot(server, name) }));
    const usable = reasons.find(({ reason }) => reason === undefined)?.server;
    if (usable) {
      return {
        key: usable.key,
        dial: (signal) => usable.exposure.dialAsClient(signal),
        read: (signal) => usable.read(name, signal),
        noteRead: (isPermitted) => noteRead(usable, name, isPermitted),
      };
    }
    const [first] = reasons;
    const isDenied = first !== undefined && stepIn(first.server, name) === 'no-read-access';
    return {
      reason: first?.reason ?? notServed(protocol),
      isHere: reasons.length > 0,
      ...(isDenied && { isDenied }),
    };
  }

  /**
   * Reads now, from one of the servers that are wanted. Rejects with NotFoundError when none of them
   * serves it over that protocol, else with what is in the way.
   */
  async read(
    name: string,
    protocol: PvProtocol,
    signal: AbortSignal,
    isWanted?: (server: PvServer) => boolean,
  ): Promise<PvReading> {
    const found = this.find(name, protocol, isWanted);
    if ('reason' in found) {
      if (!found.isHere) throw new NotFoundError(found.reason);
      throw found.isDenied === true
        ? new NoReadAccessError(found.reason)
        : new ContainerError(found.reason);
    }
    try {
      const reading = await this.#readFrom(found, signal);
      this.#keep(keyOf(found.key, name), { reading, readAt: this.#now() });
      return reading;
    } catch (error) {
      this.#keep(keyOf(found.key, name), { readProblem: messageOf(error) });
      throw error;
    }
  }

  /** Never rejects for a PV that cannot be read: its path says why. */
  async tell(name: string, maxWaitMs: number, signal: AbortSignal): Promise<PvDetails> {
    const servers = this.#serversOf(name);
    if (maxWaitMs > 0) {
      const stale = servers.filter((server) => !this.#isFresh(keyOf(server.key, name)));
      const readings = Promise.all(stale.map((server) => this.#refresh(server, name)));
      // What comes later is there for the next one who asks.
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
    const reason = this.#whyNot(server, name);
    if (reason !== undefined) {
      this.#keep(key, { readProblem: reason });
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
      this.#keep(key, { readProblem: messageOf(error) });
    } finally {
      this.#aborts.delete(abort);
    }
  }

  async #readFrom(
    { read, noteRead }: Pick<Exclude<FoundServer, { reason: string }>, 'read' | 'noteRead'>,
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

  /** Why a server cannot be read from now; undefined when it can, or only the read itself tells. */
  #whyNot(server: PvServer, name: string): string | undefined {
    const { problem } = server.exposure;
    if (problem && problem.code !== 'not-relayed') return sentence(problem);
    const step = stepIn(server, name);
    if (step === 'not-found') return notServed(server.protocol);
    // A CA server tells its rights at each change, a PVA server only who reads.
    if (step === 'no-read-access' && server.protocol === 'ca') return this.#deniedText();
    // What was not answered yet may be readable; the read itself tells.
    if (hasChannel(step) || step === 'pending') return undefined;
    return `its IOC says: ${step.replace('-', ' ')}`;
  }

  #deniedText(): string {
    return `its access security denies reading to ${identityText(this.#input.identity)}`;
  }

  /** A value that was read once stays beside the reason why there is no newer one. */
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
      listening: state?.listening ?? server.exposure.listener.endpoint,
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

function stepIn(server: PvServer, name: string): PvStep {
  return server.stepOf(server.names.indexOf(name) ?? 0);
}

function noteRead(server: PvServer, name: string, isPermitted: boolean): void {
  const index = server.names.indexOf(name);
  if (index !== undefined) server.noteRead(index, isPermitted);
}

function notServed(protocol: PvProtocol): string {
  return `no IOC here serves it over ${protocol === 'ca' ? 'Channel Access' : 'pvAccess'}`;
}

function keyOf(serverKey: string, name: string): string {
  return `${serverKey}\n${name}`;
}
