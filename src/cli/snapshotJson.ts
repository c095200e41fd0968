import { TERMINAL_WORDS } from '../present/frontEndWords';
import { notesText } from '../present/noteText';
import { problemText } from '../present/problemText';
import type { Problem, ProblemCode } from '../model/problem';
import type {
  ContainerState,
  EngineState,
  IocState,
  PvProtocol,
  RouteKind,
  SearchPort,
  SearchState,
  ServerState,
  Snapshot,
} from '../model/snapshot';

/** Increases when a field is removed or changes its meaning; new fields may appear at any time. */
const SCHEMA_VERSION = 1;

/**
 * What `--json` prints of a snapshot: the snapshot itself, but with problems and notes as
 * sentences, because scripts show them to users.
 */
export interface SnapshotJson extends Omit<
  Snapshot,
  'engineProblem' | 'engines' | 'containers' | 'search' | 'notices'
> {
  readonly schemaVersion: number;
  readonly engineProblem?: ProblemJson;
  readonly engines: readonly WithProblem<EngineState>[];
  readonly containers: readonly ContainerJson[];
  readonly search?: Readonly<Partial<Record<PvProtocol, WithProblem<SearchPort>>>>;
  readonly notices?: readonly ProblemJson[];
  /** The environment variables to give to clients. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A problem in words. */
export interface ProblemJson {
  readonly code: ProblemCode;
  /** What is wrong, and where: one sentence. */
  readonly message: string;
  /** What to do. */
  readonly advice: string;
}

/** A container and its IOCs. */
export type ContainerJson = Omit<WithProblem<ContainerState>, 'iocs'> & {
  readonly iocs: readonly IocJson[];
};

/** An IOC and its servers. */
export type IocJson = Omit<WithProblem<IocState>, 'namesNotes' | 'servers'> & {
  /** Why names are missing. */
  readonly namesNote?: string;
  readonly servers: readonly ServerJson[];
};

/** A server. */
export type ServerJson = Omit<WithProblem<ServerState>, 'notes' | 'route'> & {
  /** The route into the container, under its first name. */
  readonly way?: RouteKind;
  readonly note?: string;
};

type WithProblem<T> = Omit<T, 'problem'> & { readonly problem?: ProblemJson };

/** What `--json` prints of a snapshot; `environment` is the one for clients. */
export function snapshotJson(
  { engineProblem, engines, containers, search, notices, ...rest }: Snapshot,
  environment: Readonly<Record<string, string>>,
): SnapshotJson {
  return {
    schemaVersion: SCHEMA_VERSION,
    ...rest,
    ...(engineProblem && { engineProblem: problemJson(engineProblem) }),
    engines: engines.map((engine) => withProblem(engine)),
    containers: containers.map(containerJson),
    ...(search && { search: searchJson(search) }),
    ...(notices && { notices: notices.map(problemJson) }),
    environment,
  };
}

function containerJson({ iocs, ...rest }: ContainerState): ContainerJson {
  return { ...withProblem(rest), iocs: iocs.map(iocJson) };
}

function iocJson({ namesNotes, servers, ...rest }: IocState): IocJson {
  return {
    ...withProblem(rest),
    ...(namesNotes && { namesNote: notesText(namesNotes, TERMINAL_WORDS) }),
    servers: servers.map(serverJson),
  };
}

function serverJson({ notes, route, ...rest }: ServerState): ServerJson {
  return {
    ...withProblem(rest),
    ...(route && { way: route }),
    ...(notes && { note: notesText(notes, TERMINAL_WORDS) }),
  };
}

function searchJson({ ca, pva }: SearchState): NonNullable<SnapshotJson['search']> {
  return { ...(ca && { ca: withProblem(ca) }), ...(pva && { pva: withProblem(pva) }) };
}

function withProblem<T extends { readonly problem?: Problem }>({
  problem,
  ...rest
}: T): WithProblem<T> {
  return { ...rest, ...(problem && { problem: problemJson(problem) }) };
}

function problemJson(problem: Problem): ProblemJson {
  return { code: problem.code, ...problemText(problem, TERMINAL_WORDS) };
}
