/** The first words with an engine: does it answer, what is it, and is it one we know already? */
import { clipped } from '../../base/clipped';
import type Docker from 'dockerode';
import { withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { EngineProblemError } from './engineProblem';

export interface EngineIdentity {
  readonly kind: 'docker' | 'podman';
  readonly version: string;
  readonly isRootless: boolean;
  /** The same through whatever endpoint the engine is reached. */
  readonly id: string;
  /** Where on its machine it makes a folder for each container, first of all. */
  readonly containersFolder?: string;
}

/** Archive, exec with hijack and event filters are all older than this (Docker 1.12, 2016). */
const oldestApi = { major: 1, minor: 24 };

export async function greetEngine(
  client: Docker,
  uri: string,
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<EngineIdentity> {
  const docker = client as unknown as Greeting;
  const within = <T>(what: string, start: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    withDeadline(
      clock,
      timeoutMs,
      `${uri} did not answer ${what} in ${timeoutMs} ms`,
      signal,
      start,
    );
  await within('a ping', (abortSignal) => docker.ping({ abortSignal }));
  // Together, since Podman runs its helpers to answer: 0.4 s and 0.25 s.
  const [version, info] = await Promise.all([
    within('the question for its version', (abortSignal) => docker.version({ abortSignal })),
    within('the question what it is', (abortSignal) => docker.info({ abortSignal })),
  ]);
  demandApi(version.ApiVersion, version.Version, uri);
  return parseIdentity(version, info);
}

/** dockerode takes the options here as well; its types forgot them. */
interface Greeting {
  ping(options: { abortSignal: AbortSignal }): Promise<unknown>;
  version(options: { abortSignal: AbortSignal }): Promise<VersionJson>;
  info(options: { abortSignal: AbortSignal }): Promise<InfoJson>;
}

export interface VersionJson {
  readonly ApiVersion?: string;
  readonly Version?: string;
  readonly Components?: readonly { readonly Name?: string }[] | null;
}

export interface InfoJson {
  readonly ID?: string;
  readonly Name?: string;
  readonly DockerRootDir?: string;
  /** Of the storage. */
  readonly Driver?: string;
  readonly KernelVersion?: string;
  readonly MemTotal?: number;
  readonly NCPU?: number;
  /** Docker: `name=rootless` among them. */
  readonly SecurityOptions?: readonly string[] | null;
  /** Podman only. */
  readonly Rootless?: boolean;
}

const MAX_VERSION = 100;

export function parseIdentity(version: VersionJson, info: InfoJson): EngineIdentity {
  const isPodman = (version.Components ?? []).some(({ Name: name }) => /podman/i.test(name ?? ''));
  const isRootless =
    info.Rootless === true ||
    (info.SecurityOptions ?? []).some((option) => /(^|,)name=rootless(,|$)/.test(option));
  // Podman invents a new ID for every answer: its storage on that machine has to identify it.
  const place = [info.Name, info.DockerRootDir, isRootless, info.KernelVersion, info.NCPU];
  const id = isPodman ? ['podman', ...place, info.MemTotal].join(' ') : `docker ${info.ID ?? ''}`;
  const { DockerRootDir: root, Driver: driver } = info;
  return {
    kind: isPodman ? 'podman' : 'docker',
    version: clipped(version.Version ?? '', MAX_VERSION),
    isRootless,
    id,
    ...(root &&
      driver && { containersFolder: `${root}/${isPodman ? `${driver}-` : ''}containers` }),
  };
}

function demandApi(apiVersion: string | undefined, version: string | undefined, uri: string): void {
  const match = /^(\d+)\.(\d+)/.exec(apiVersion ?? '');
  const major = Number(match?.[1]);
  const minor = Number(match?.[2]);
  const isEnough =
    major > oldestApi.major || (major === oldestApi.major && minor >= oldestApi.minor);
  if (isEnough) return;
  throw new EngineProblemError({
    code: 'engine-api',
    uri,
    ...(version !== undefined && { version }),
    ...(match && apiVersion !== undefined && { api: apiVersion }),
    oldestApi: `${oldestApi.major}.${oldestApi.minor}`,
  });
}
