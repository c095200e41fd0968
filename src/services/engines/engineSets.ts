import type { Disposable } from '../../base/disposable';
import { EventEmitter, type Event } from '../../base/event';
import { messageOf } from '../../base/errors';
import type { Log } from '../../base/log';
import type { Problem } from '../../model/problem';
import type { Engine } from '../host/engine';
import type { EngineSource } from '../exposure/session';

/** Engines that were opened together; `node/engines` creates them. */
export interface EngineSet {
  readonly engines: readonly Engine[];
  readonly onDidChange: Event<void>;
  /** Why there is no engine at all, once everything was tried. */
  readonly problem: Problem | undefined;
  /**
   * Resolves when each engine has listed its containers once or failed to, or when the signal
   * aborts.
   */
  ready(signal: AbortSignal): Promise<void>;
  /** Closes all engines; resolves when the processes that were started for them have ended. */
  close(): Promise<void>;
}

/**
 * Opens the engines at these endpoints; none: every engine that is found.
 * @throws UsageError when an endpoint makes no sense
 */
export type OpenEngineSet = (endpoints: readonly string[]) => EngineSet;

interface Opened {
  readonly set: EngineSet;
  readonly subscription: Disposable;
  isReady: boolean;
}

/**
 * The engines that requests name: one set per distinct list of endpoints, opened when first wanted
 * and closed after the last request. An engine that is in several sets is used from one of them.
 */
export class EngineSets implements EngineSource {
  readonly #open: OpenEngineSet;
  readonly #log: Log;
  readonly #abort = new AbortController();
  readonly #changed = new EventEmitter<void>();
  readonly #sets = new Map<string, Opened>();
  readonly #closing = new Set<Promise<void>>();

  readonly onDidChange = this.#changed.event;

  constructor(open: OpenEngineSet, log: Log) {
    this.#open = open;
    this.#log = log;
  }

  /** The engines of all open sets, each once. */
  get engines(): readonly Engine[] {
    const byKey = new Map<string, Engine>();
    for (const { set } of this.#sets.values()) {
      for (const engine of set.engines) if (!byKey.has(engine.key)) byKey.set(engine.key, engine);
    }
    return [...byKey.values()];
  }

  /** Why there is no engine at all; undefined if a set has one. */
  get problem(): Problem | undefined {
    const problems = [...this.#sets.values()].map(({ set }) => set.problem);
    return problems.every((problem) => problem !== undefined) ? problems[0] : undefined;
  }

  /** Whether every set is ready. */
  get isReady(): boolean {
    return [...this.#sets.values()].every(({ isReady }) => isReady);
  }

  /** Whether that list of endpoints leads to the engine. */
  has(endpoints: readonly string[], engineKey: string): boolean {
    const opened = this.#sets.get(keyOf(endpoints));
    return opened?.set.engines.some((engine) => engine.key === engineKey) ?? false;
  }

  /**
   * Opens the set unless it is open.
   * @throws UsageError when an endpoint makes no sense
   */
  open(endpoints: readonly string[]): void {
    const key = keyOf(endpoints);
    if (this.#sets.has(key)) return;
    const set = this.#open(endpoints);
    const subscription = set.onDidChange(() => this.#changed.fire());
    const opened: Opened = { set, subscription, isReady: false };
    this.#sets.set(key, opened);
    void set.ready(this.#abort.signal).then(() => {
      opened.isReady = true;
      this.#changed.fire();
    });
    this.#changed.fire();
  }

  /** Closes all sets except these, and except those whose engines these use. */
  keepOnly(lists: readonly (readonly string[])[]): void {
    const keys = new Set(lists.map(keyOf));
    const used = this.engines;
    for (const [key, opened] of this.#sets) {
      if (keys.has(key)) continue;
      const isLent = opened.set.engines.some(
        (engine) => used.includes(engine) && lists.some((list) => this.has(list, engine.key)),
      );
      if (!isLent) this.#close(key, opened);
    }
    this.#changed.fire();
  }

  #close(key: string, { set, subscription }: Opened): void {
    this.#sets.delete(key);
    subscription.dispose();
    const closing = set
      .close()
      .catch((error: unknown) => this.#log('warn', 'engine', messageOf(error)))
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  /** Closes everything; resolves when nothing that was started is left. */
  async close(): Promise<void> {
    this.#abort.abort();
    for (const [key, opened] of this.#sets) this.#close(key, opened);
    await Promise.all(this.#closing);
  }
}

/** The key of a list of endpoints; order and repetition do not matter. */
export function keyOf(endpoints: readonly string[]): string {
  return JSON.stringify([...new Set(endpoints)].sort());
}
