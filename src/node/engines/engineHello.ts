import { clipped } from '../../base/clipped';
import type Docker from 'dockerode';
import { withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { EngineProblemError } from './engineProblem';

/** What an engine is. */
export interface EngineIdentity {
  readonly kind: 'docker' | 'podman';
  readonly version: string;
  readonly isRootless: boolean;
  /** The same through every endpoint that leads to the engine. */
  readonly id: string;
  /** The folder on its machine in which it creates one for each container, before anything else. */
  readonly containersFolder?: string;
}

/** Archive, exec with hijack and event filters are all older than this (Docker 1.12, 2016). */
const oldestApi = { major: 1, minor: 24 };

/**
 * Asks an engine what it is. Rejects with EngineProblemError if its API is too old, and with
 * TimeoutError.
 */
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
  // At the same time, because Podman runs helpers to answer: 0.4 s and 0.25 s.
  const [version, info] = await Promise.all([
    within('the request for its version', (abortSignal) => docker.version({ abortSignal })),
    within('the request for its properties', (abortSignal) => docker.info({ abortSignal })),
  ]);
  demandApi(version.ApiVersion, version.Version, uri);
  return parseIdentity(version, info);
}

/** dockerode takes these options here as well; its types omit them. */
interface Greeting {
  ping(options: { abortSignal: AbortSignal }): Promise<unknown>;
  version(options: { abortSignal: AbortSignal }): Promise<VersionJson>;
  info(options: { abortSignal: AbortSignal }): Promise<InfoJson>;
}

/** The part of `GET /version` that is read. */
export interface VersionJson {
  readonly ApiVersion?: string;
  readonly Version?: string;
  readonly Components?: readonly { readonly Name?: string }[] | null;
}

/** The part of `GET /info` that is read. */
export interface InfoJson {
  readonly ID?: string;
  readonly Name?: string;
  readonly DockerRootDir?: string;
  /** The storage driver. */
  readonly Driver?: string;
  readonly KernelVersion?: string;
  readonly MemTotal?: number;
  readonly NCPU?: number;
  /** Docker: includes `name=rootless` if it is rootless. */
  readonly SecurityOptions?: readonly string[] | null;
  /** Podman only. */
  readonly Rootless?: boolean;
}

const MAX_VERSION = 100;

/** Makes an engine's identity from its answers. */
export function parseIdentity(version: VersionJson, info: InfoJson): EngineIdentity {
  const isPodman = (version.Components ?? []).some(({ Name: name }) => /podman/i.test(name ?? ''));
  const isRootless =
    info.Rootless === true ||
    (info.SecurityOptions ?? []).some((option) => /(^|,)name=rootless(,|$)/.test(option));
  // Podman sends a new ID in every answer: its storage on that machine identifies it.
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
