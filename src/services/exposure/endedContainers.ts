import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import { DisposableStore } from '../../base/disposable';
import { LruMap } from '../../base/lruMap';
import { schedule } from '../../base/schedule';
import type { Problem } from '../../model/problem';
import type { ContainerState } from '../../model/snapshot';
import { isForIoc } from '../discovery/detect/idleIocs';
import type { ContainerInfo } from '../host/engine';

/** How long a container is still shown after it ended. */
const SHOWN_MS = 60_000;
/** From that many restarts on, a container is followed only once it has run for CALM_MS. */
const MANY_RESTARTS = 3;
const CALM_MS = 10_000;
/** Ends that are remembered, so that each is shown once. */
const MAX_SHOWN_ENDS = 2000;
/** How often the count of restarts that is shown may change. */
const COUNT_PERIOD_MS = 10_000;

/** What EndedContainers needs. */
export interface EndedContainersInput {
  readonly clock: Clock;
  /** What is shown changed by itself. */
  readonly onDidChange: () => void;
}

interface Restarting {
  readonly state: ContainerState;
  /** By the clock: when the count that is shown was so. */
  readonly countedMs: number;
}

/**
 * Containers that do not run, or not for long: those that ended within the last minute, with their
 * exit codes, and those that their engine starts again and again, each as one line.
 */
export class EndedContainers implements Disposable {
  readonly #input: EndedContainersInput;
  readonly #store = new DisposableStore();
  readonly #ended = new Map<string, ContainerState>();
  readonly #restarting = new Map<string, Restarting>();
  /** By key and time. */
  readonly #shownEnds = new LruMap<string, true>(MAX_SHOWN_ENDS);

  constructor(input: EndedContainersInput) {
    this.#input = input;
  }

  get states(): readonly ContainerState[] {
    const restarting = [...this.#restarting.values()].map(({ state }) => state);
    const ended = [...this.#ended.values()].filter(({ key }) => !this.#restarting.has(key));
    return [...restarting, ...ended];
  }

  /** A container that was followed is gone; `last` is what it showed, unless it never had an IOC. */
  addFollowed(last: ContainerState): void {
    if (last.iocs.length === 0) return;
    this.#add({
      ...last,
      status: 'stopped',
      problem: { code: 'container-stopped', container: last.name },
    });
  }

  /**
   * Takes what an engine reports about a container that it restarts. Returns how many milliseconds
   * are left until it is to be followed: 0, follow it now.
   */
  restartDelayMs(key: string, engineKey: string, info: ContainerInfo, hadIoc: boolean): number {
    const leftMs = this.#calmInMs(info);
    const isOurs = info.status !== 'stopped' || hadIoc || this.#isKnown(key) || isOfIoc(info);
    if (leftMs === 0 || !isOurs || (info.status === 'stopped' && !this.#endedJustNow(info))) {
      this.#restarting.delete(key);
      return 0;
    }
    this.#noteRestart(key, engineKey, info);
    return leftMs;
  }

  /** Takes what an engine reports about a container that does not run. */
  noteStopped(key: string, engineKey: string, info: ContainerInfo): void {
    const known = this.#ended.get(key);
    const isNews = isOfIoc(info) && this.#endedJustNow(info) && !this.#wasShown(key, info);
    if (this.#restarting.has(key) || (!known && !isNews)) return;
    const { id, name, image, labels, ended } = info;
    const problem: Problem = {
      ...{ code: 'container-stopped', container: name },
      ...(ended && { exitCode: ended.exitCode }),
    };
    const state = known ?? { key, engineKey, id, name, image, labels, iocs: [] };
    this.#add({ ...state, status: 'stopped', problem });
  }

  /** A container is followed from now on, and replaces one of its name. */
  remove(key: string, name: string): void {
    this.#restarting.delete(key);
    this.#ended.delete(key);
    for (const [oldKey, old] of this.#ended) if (old.name === name) this.#ended.delete(oldKey);
  }

  /** Containers that their engine does not know any more can not be started again. */
  noteRemoved(isGone: (container: ContainerState) => boolean): void {
    for (const [key, state] of this.#ended) {
      if (state.problem?.code === 'container-removed' || !isGone(state)) continue;
      const problem: Problem = { code: 'container-removed', container: state.name };
      this.#ended.set(key, { ...state, problem });
    }
  }

  /** Forgets restarts of containers that are not there any more. */
  keepRestarting(isThere: (container: ContainerState) => boolean): void {
    for (const [key, { state }] of this.#restarting) {
      if (!isThere(state)) this.#restarting.delete(key);
    }
  }

  /** Keeps those that are still wanted. */
  keepOnly(isWanted: (container: ContainerState) => boolean): void {
    for (const [key, state] of this.#ended) if (!isWanted(state)) this.#ended.delete(key);
    this.keepRestarting(isWanted);
  }

  #add(state: ContainerState): void {
    const isNew = !this.#ended.has(state.key);
    this.#ended.set(state.key, state);
    if (!isNew) return;
    schedule(this.#store, this.#input.clock, SHOWN_MS, () => {
      this.#ended.delete(state.key);
      this.#input.onDidChange();
    });
  }

  /** Whether that end was shown before: an engine's clock may differ from ours. */
  #wasShown(key: string, { ended }: ContainerInfo): boolean {
    const end = `${key} ${ended?.finishedAt}`;
    const wasShown = this.#shownEnds.get(end) === true;
    this.#shownEnds.set(end, true);
    return wasShown;
  }

  #isKnown(key: string): boolean {
    return this.#ended.has(key) || this.#restarting.has(key);
  }

  /** How long a container with many restarts must still run; 0: it is calm. */
  #calmInMs({ restartCount = 0, startedAt, status }: ContainerInfo): number {
    if (restartCount < MANY_RESTARTS) return 0;
    if (status === 'stopped') return CALM_MS;
    const ranMs = this.#input.clock.wallMs() - Date.parse(startedAt);
    // A clock that differs says nothing: what seems to start in the future is followed now.
    return ranMs >= 0 && ranMs < CALM_MS ? CALM_MS - ranMs : 0;
  }

  #endedJustNow({ ended }: ContainerInfo): boolean {
    if (!ended) return false;
    return Math.abs(this.#input.clock.wallMs() - Date.parse(ended.finishedAt)) < SHOWN_MS;
  }

  #noteRestart(key: string, engineKey: string, info: ContainerInfo): void {
    const nowMs = this.#input.clock.nowMs();
    const shown = this.#restarting.get(key);
    const isCountOld = !shown || nowMs - shown.countedMs >= COUNT_PERIOD_MS;
    const { id, name, image, labels, restartCount = 0, ended } = info;
    const problem = shown?.state.problem;
    const before = problem?.code === 'container-restarts' ? problem : undefined;
    const exitCode = before?.exitCode ?? ended?.exitCode;
    if (!isCountOld && exitCode === before?.exitCode) return;
    this.#restarting.set(key, {
      countedMs: isCountOld ? nowMs : (shown?.countedMs ?? nowMs),
      state: {
        ...{ key, engineKey, id, name, image, labels, status: 'stopped', iocs: [] },
        problem: {
          ...{ code: 'container-restarts', container: name },
          count: isCountOld ? restartCount : (before?.count ?? restartCount),
          ...(exitCode !== undefined && { exitCode }),
        },
      },
    });
  }

  dispose(): void {
    this.#store.dispose();
  }
}

function isOfIoc({ start }: ContainerInfo): boolean {
  return start !== undefined && isForIoc(start);
}
