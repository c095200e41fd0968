import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { onAbort } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { DisposableStore } from '../../base/disposable';
import { EventEmitter } from '../../base/event';
import type { Log } from '../../base/log';
import type { Problem } from '../../model/problem';
import type { EngineSet } from '../../services/engines/engineSets';
import type { Engine } from '../../services/host/engine';
import type { ContextFiles } from './dockerContexts';
import { DockerodeEngine } from './dockerodeEngine';
import { type EndpointCandidate, listCandidates } from './endpointCandidates';
import type { OpenContainer } from './engineApi';
import { isOnThisMachine } from './engineTarget';

/** Which engines of Docker and Podman to open. */
export interface EngineSetOptions {
  /** Only these: URIs, paths, names of Docker contexts, or `podman`; absent: all that are found. */
  readonly endpoints?: readonly string[];
  /**
   * Only for the ports that their containers publish here: opens engines of this machine that run
   * already.
   */
  readonly isForPorts?: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly openContainer: OpenContainer;
}

/**
 * Opens Docker and Podman: an engine for each candidate endpoint, shows those that answer or that the user named, and
 * leaves out endpoints that lead to the same engine. An engine that starts later is found by its
 * candidate's own retries: one `realpath` every five seconds.
 *
 * @throws UsageError if an endpoint makes no sense.
 */
export function openDockerEngines(options: EngineSetOptions): EngineSet {
  const candidates = listCandidates(options.endpoints, {
    env: options.env,
    platform: process.platform,
    home: options.env['HOME'] || homedir(),
    uid: process.getuid?.(),
    files: contextFiles(options.env),
  });
  const isUsed = ({ target }: EndpointCandidate): boolean =>
    options.isForPorts !== true || (isOnThisMachine(target) && target.kind !== 'podman-service');
  return new CandidateEngines(candidates.filter(isUsed), options);
}

function contextFiles(env: EngineSetOptions['env']): ContextFiles {
  return {
    folder: env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker'),
    readText: (path) => orUndefined(() => readFileSync(path, 'utf8')),
    listFolder: (path) => orUndefined(() => readdirSync(path)) ?? [],
  };
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // missing, or not readable for us: as if it did not exist
  }
}

const noEngine: Problem = { code: 'no-engine' };

interface Slot {
  readonly rank: number;
  readonly candidate: EndpointCandidate;
  readonly engine: DockerodeEngine;
  hasConnected: boolean;
}

class CandidateEngines implements EngineSet {
  readonly #slots: readonly Slot[];
  readonly #store = new DisposableStore();
  readonly #changes = new EventEmitter<void>();
  /** The slot that has the engine, by identity. */
  readonly #holders = new Map<string, Slot>();
  #engines: readonly Engine[] = [];

  readonly onDidChange = this.#changes.event;

  constructor(candidates: readonly EndpointCandidate[], options: EngineSetOptions) {
    this.#slots = candidates.map((candidate, rank) => {
      const engine: DockerodeEngine = new DockerodeEngine(candidate.target, {
        ...options,
        admit: (identity) => this.#admit(slot, identity),
        isAskedFor: candidate.isAskedFor,
        isWanted: () => this.#isWanted(slot),
      });
      const slot: Slot = { rank, candidate, engine, hasConnected: false };
      this.#store.add(engine);
      this.#store.add(engine.onDidChange(() => this.#review()));
      return slot;
    });
    this.#review();
    for (const { candidate, engine } of this.#slots) {
      options.log('debug', 'engine', `trying ${engine.key} (${candidate.origin})`);
      engine.start();
    }
  }

  get engines(): readonly Engine[] {
    return this.#engines;
  }

  get problem(): Problem | undefined {
    if (this.#engines.length > 0) return undefined;
    if (this.#slots.some(({ engine }) => engine.state.status !== 'unreachable')) return undefined;
    const problems = this.#slots.map(({ engine }) => engine.state.problem);
    return problems.find((problem) => problem?.code === 'engine-permission') ?? noEngine;
  }

  async ready(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const listening = onAbort(signal, resolve);
      void Promise.all(this.#slots.map(({ engine }) => engine.ready())).then(() => {
        listening.dispose();
        resolve();
      });
    });
  }

  dispose(): void {
    this.#store.dispose();
    this.#changes.dispose();
  }

  async close(): Promise<void> {
    this.dispose();
    await Promise.all(this.#slots.map(({ engine }) => engine.close()));
  }

  /**
   * A Podman service of our own is only for containers that no socket leads to: other endpoints
   * come first.
   */
  async #isWanted(slot: Slot): Promise<boolean> {
    if (slot.candidate.target.kind !== 'podman-service' || slot.candidate.isAskedFor) return true;
    const others = this.#slots
      .filter((other) => other !== slot && other.engine.isLocalSocket)
      .map(({ engine }) => engine);
    await Promise.all(others.map((engine) => engine.ready()));
    const isRootless = process.getuid?.() !== 0;
    return !others.some(
      ({ state }) =>
        state.status === 'connected' && state.kind === 'podman' && state.isRootless === isRootless,
    );
  }

  /** The first endpoint among the candidates gets the engine, whenever it answers. */
  #admit(slot: Slot, identity: string): boolean {
    const holder = this.#holders.get(identity);
    if (holder && holder !== slot && holder.engine.state.status !== 'unreachable') {
      if (holder.rank < slot.rank) return false;
      holder.engine.yield();
    }
    this.#holders.set(identity, slot);
    return true;
  }

  #review(): void {
    const shown = this.#slots.filter((slot) => {
      const { status, problem } = slot.engine.state;
      if (status === 'connected') slot.hasConnected = true;
      if (slot.engine.isDuplicate) return false;
      if (slot.hasConnected || slot.candidate.isAskedFor) return true;
      // A Docker without permission is worth showing. The system's Podman belongs to root by
      // design.
      return problem?.code === 'engine-permission' && !slot.engine.key.includes('podman');
    });
    const engines = shown.map(({ engine }) => engine);
    const isSame =
      engines.length === this.#engines.length &&
      engines.every((engine, index) => engine === this.#engines[index]);
    if (isSame) return;
    this.#engines = engines;
    this.#changes.fire();
  }
}
