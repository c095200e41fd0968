import type { Snapshot } from '../model/snapshot';
import type { Problem, ProblemCode } from '../model/problem';

/** Why the view has no IOC to show, one state for each of its welcome texts; or that it has. */
export type ViewState =
  | 'not-exposed'
  | 'untrusted' // not exposed, and the workspace is not trusted
  | 'inside' // we run in the container itself, where relays are of no use
  | 'elsewhere' // the window's container is on another machine, whose engine the user has not named
  | 'no-broker' // the background process could not be started or reached
  | 'bad-settings' // it refuses what the settings ask for
  | 'looking'
  | 'no-engine'
  | 'no-permission'
  | 'engine-problem' // there is an engine, but it does not answer as it should
  | 'no-ioc'
  | 'shown'; // there is something in the tree

/** What the state depends on. */
export interface ViewStateInput {
  readonly isExposing: boolean;
  readonly isTrusted: boolean;
  readonly place: WindowPlace;
  /** Whether the user named an engine. */
  readonly isEngineNamed: boolean;
  /** What went wrong here, before any engine was asked. */
  readonly problem: 'no-broker' | 'bad-settings' | undefined;
  readonly snapshot: Snapshot;
}

/** Where this extension runs, seen from the window. */
export type WindowPlace =
  | 'here' // window, terminals and extension on one machine
  | 'remote-window' // the extension here, the window's files and terminals in a container or WSL here
  | 'inside' // the extension itself in the container
  | 'elsewhere'; // the extension here, the window's files on another machine

/** The state to show. */
export function viewStateOf(input: ViewStateInput): ViewState {
  const { isExposing, isTrusted, place, isEngineNamed, problem, snapshot } = input;
  const isBusy = isExposing && problem === undefined && !snapshot.isSettled;
  if (isExposing && snapshot.containers.some(({ iocs }) => iocs.length > 0)) return 'shown';
  if (isExposing && problem !== undefined) return problem;
  if (!isBusy && !isEngineNamed && (place === 'inside' || place === 'elsewhere')) return place;
  if (!isExposing) return isTrusted ? 'not-exposed' : 'untrusted';
  if (isBusy) return 'looking';
  if (snapshot.engines.some(({ status }) => status === 'connected')) return 'no-ioc';
  const codes = engineProblems(snapshot).map(({ code }) => code);
  if (codes.includes('engine-permission')) return 'no-permission';
  if (codes.some((code) => NO_ENGINE.includes(code))) {
    return 'no-engine';
  }
  return codes.length > 0 ? 'engine-problem' : 'no-ioc';
}

const NO_ENGINE: readonly ProblemCode[] = ['no-engine', 'engine-not-running', 'podman-missing'];

/** What keeps us from using engines, the most general first. */
export function engineProblems(snapshot: Snapshot): Problem[] {
  return [
    ...(snapshot.engineProblem ? [snapshot.engineProblem] : []),
    ...snapshot.engines.flatMap(({ problem }) => (problem ? [problem] : [])),
  ];
}
