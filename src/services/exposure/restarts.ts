import type { Clock } from '../../base/clock';
import type { ContainerState } from '../../model/snapshot';
import type { ContainerInfo } from '../host/engine';

/** From that many restarts on, a container is not taken up before it has run for CALM_MS. */
const MANY = 3;
const CALM_MS = 10_000;
/** How often the count that is shown may change. */
const SHOWN_PERIOD_MS = 10_000;

/** Containers that their engine starts again and again: shown as that, not as what comes and goes. */
export class Restarts {
  readonly #clock: Clock;
  readonly #shown = new Map<string, { readonly state: ContainerState; readonly sinceMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * How many milliseconds a container must still run until it is taken up; 0: now. `key`: engine and
   * id. A container that does not run waits for its engine.
   */
  waitMs(info: ContainerInfo): number {
    const { restartCount = 0, startedAt, status } = info;
    if (restartCount < MANY) return 0;
    if (status === 'stopped') return CALM_MS;
    const ranMs = this.#clock.wallMs() - Date.parse(startedAt);
    return Number.isNaN(ranMs) ? 0 : Math.max(0, CALM_MS - ranMs);
  }

  /** Notes that a container is being restarted. */
  note(key: string, engineKey: string, info: ContainerInfo): void {
    const nowMs = this.#clock.nowMs();
    const shown = this.#shown.get(key);
    if (shown && nowMs - shown.sinceMs < SHOWN_PERIOD_MS) return;
    const { id, name, image, labels, restartCount = 0, ended } = info;
    const exitCode = ended?.exitCode ?? exitCodeOf(shown?.state);
    this.#shown.set(key, {
      sinceMs: nowMs,
      state: {
        ...{ key, engineKey, id, name, image, labels },
        status: 'stopped',
        iocs: [],
        problem: {
          code: 'container-restarts',
          container: name,
          count: restartCount,
          ...(exitCode !== undefined && { exitCode }),
        },
      },
    });
  }

  /** It is taken up, or gone. */
  forget(key: string): void {
    this.#shown.delete(key);
  }

  get keys(): readonly string[] {
    return [...this.#shown.keys()];
  }

  states(): readonly ContainerState[] {
    return [...this.#shown.values()].map(({ state }) => state);
  }
}

function exitCodeOf(state: ContainerState | undefined): number | undefined {
  return state?.problem?.code === 'container-restarts' ? state.problem.exitCode : undefined;
}
