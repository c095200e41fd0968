import { posix } from 'node:path';
import { messageOf, UsageError } from '../../base/errors';
import { type ContextFiles, currentContextName, readContext, readContexts } from './dockerContexts';
import { type EngineTarget, npipeTarget, parseEngineTarget, unixTarget } from './engineTarget';
import type { TlsFiles } from './engineTarget';

/** What the candidates are made from. */
export interface CandidateSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As in process.platform. */
  readonly platform: string;
  readonly home: string;
  /** Undefined if the system has no uids (Windows). */
  readonly uid: number | undefined;
  readonly files: ContextFiles;
}

/** An endpoint to try. */
export interface EndpointCandidate {
  readonly target: EngineTarget;
  /** The user named it, so it is shown even if it does not answer. */
  readonly isAskedFor: boolean;
  /** Where it comes from, for the log: "DOCKER_HOST", "context colima", "well-known". */
  readonly origin: string;
}

/**
 * Which engine endpoints to try, in this one place. Everything is read through `files`.
 *
 * - `--engine` given: those and no other.
 * - Otherwise all that answer, several at once. First what the user has chosen in the environment:
 *   for Docker one endpoint, by the precedence of the docker command (DOCKER_HOST, else
 *   DOCKER_CONTEXT, else currentContext of config.json); for Podman CONTAINER_HOST. These are *asked
 *   for*: shown even if they do not answer. Then every other context that leads to this machine (a
 *   context to another one is a login that nobody asked for), then the well-known sockets and pipes.
 *   Last, a Podman that has no socket at all.
 *
 * @throws UsageError for an `--engine` that is neither an address nor the name of a context.
 */
export function listCandidates(
  asked: readonly string[] | undefined,
  sources: CandidateSources,
): readonly EndpointCandidate[] {
  const found =
    asked !== undefined && asked.length > 0
      ? asked.map((text) => askedCandidate(text, sources))
      : [
          ...chosenCandidates(sources),
          ...localContexts(sources),
          ...wellKnownTargets(sources).map((target) => candidate(target, false, 'well-known')),
          ...podmanService(sources),
        ];
  const unique = new Map<string, EndpointCandidate>();
  for (const one of found) if (!unique.has(one.target.uri)) unique.set(one.target.uri, one);
  return [...unique.values()];
}

/** An address, the name of a Docker context, or `podman` for a service that we start ourselves. */
function askedCandidate(text: string, sources: CandidateSources): EndpointCandidate {
  if (/^[A-Za-z0-9][A-Za-z0-9_.+-]*$/.test(text)) {
    const context = readContext(text, sources.files);
    if (context) return candidate(context, true, `context ${text}`);
    if (text === 'default') return candidate(defaultTarget(sources), true, 'context default');
    if (text === 'podman') return candidate(podmanServiceTarget, true, '--engine');
    throw new UsageError(
      `"${text}" is neither an engine address nor a Docker context: use unix:///path, tcp://host:port, ssh://user@host, or a name that "docker context ls" shows`,
    );
  }
  return candidate(fromEnvironmentOf(text, sources), true, '--engine');
}

/** Docker makes its context of that name from the environment; it is in no file. */
function defaultTarget(sources: CandidateSources): EngineTarget {
  const dockerHost = sources.env['DOCKER_HOST'];
  if (dockerHost) return fromEnvironmentOf(dockerHost, sources);
  return sources.platform === 'win32'
    ? npipeTarget('//./pipe/docker_engine')
    : unixTarget('/var/run/docker.sock');
}

function chosenCandidates(sources: CandidateSources): EndpointCandidate[] {
  const { env, files } = sources;
  const found: EndpointCandidate[] = [];
  const dockerHost = env['DOCKER_HOST'];
  const contextName = env['DOCKER_CONTEXT'] || currentContextName(files);
  if (dockerHost) {
    found.push(named('DOCKER_HOST', () => fromEnvironmentOf(dockerHost, sources)));
  } else if (contextName && contextName !== 'default') {
    const target = readContext(contextName, files);
    if (target) found.push(candidate(target, true, `context ${contextName}`));
    else if (env['DOCKER_CONTEXT']) {
      throw new UsageError(
        `DOCKER_CONTEXT: there is no Docker context "${contextName}"; "docker context ls" shows those there are`,
      );
    }
  }
  const containerHost = env['CONTAINER_HOST'];
  if (containerHost) {
    const identityFile = env['CONTAINER_SSHKEY'];
    const options = identityFile ? { identityFile } : {};
    found.push(named('CONTAINER_HOST', () => parseEngineTarget(containerHost, options)));
  }
  return found;
}

/** @throws UsageError that names the invalid variable. */
function named(variable: string, parse: () => EngineTarget): EndpointCandidate {
  try {
    return candidate(parse(), true, variable);
  } catch (cause) {
    throw new UsageError(`${variable}: ${messageOf(cause)}`, { cause });
  }
}

function localContexts({ files }: CandidateSources): EndpointCandidate[] {
  return readContexts(files)
    .filter(({ target }) => target.kind === 'unix' || target.kind === 'npipe')
    .map(({ name, target }) => candidate(target, false, `context ${name}`));
}

/** The usual sockets and pipes: Docker first, then others with Docker's API, then Podman. */
export function wellKnownTargets(sources: CandidateSources): readonly EngineTarget[] {
  const { env, platform, home, uid } = sources;
  if (platform === 'win32') {
    return ['docker_engine', 'dockerDesktopLinuxEngine', 'podman-machine-default'].map((name) =>
      npipeTarget(`//./pipe/${name}`),
    );
  }
  const runtime = env['XDG_RUNTIME_DIR'] || (uid === undefined ? '' : `/run/user/${uid}`);
  const inRuntime = (path: string): string[] => (runtime ? [posix.join(runtime, path)] : []);
  const inHome = (path: string): string[] => (home ? [posix.join(home, path)] : []);
  const machine = '.local/share/containers/podman/machine';
  const paths = [
    '/var/run/docker.sock',
    ...inRuntime('docker.sock'), // rootless Docker
    ...inHome('.docker/run/docker.sock'), // Docker Desktop
    ...inHome('.docker/desktop/docker.sock'), // Docker Desktop on Linux
    ...inHome('.orbstack/run/docker.sock'),
    ...inHome('.rd/docker.sock'), // Rancher Desktop
    ...inHome('.colima/default/docker.sock'),
    ...inHome('.config/colima/default/docker.sock'),
    ...inHome('.lima/default/sock/docker.sock'),
    ...inHome('.lima/docker/sock/docker.sock'),
    ...inRuntime('podman/podman.sock'), // rootless Podman
    '/run/podman/podman.sock',
    ...(platform === 'darwin'
      ? [
          ...inHome(`${machine}/podman.sock`),
          ...inHome(`${machine}/qemu/podman.sock`),
          ...(env['TMPDIR']
            ? [posix.join(env['TMPDIR'], 'podman/podman-machine-default-api.sock')]
            : []),
        ]
      : []),
  ];
  return paths.map(unixTarget);
}

/** A Podman service that we start ourselves. */
export const podmanServiceTarget: EngineTarget = {
  kind: 'podman-service',
  uri: 'podman-service:',
};

function podmanService({ platform }: CandidateSources): EndpointCandidate[] {
  return platform === 'linux' ? [candidate(podmanServiceTarget, false, 'podman')] : [];
}

/**
 * The endpoint that the docker command makes of DOCKER_HOST: with TLS if the environment requests
 * it.
 */
function fromEnvironmentOf(text: string, { env, home }: CandidateSources): EngineTarget {
  const isVerified = env['DOCKER_TLS_VERIFY'] !== undefined && env['DOCKER_TLS_VERIFY'] !== '';
  const certPath = env['DOCKER_CERT_PATH'] || (isVerified ? posix.join(home, '.docker') : '');
  if (!isVerified && !/:2376\b|^https:/.test(text)) return parseEngineTarget(text);
  return parseEngineTarget(text, { tls: certPath ? tlsFilesIn(certPath) : {} });
}

function tlsFilesIn(folder: string): TlsFiles {
  return {
    ca: posix.join(folder, 'ca.pem'),
    cert: posix.join(folder, 'cert.pem'),
    key: posix.join(folder, 'key.pem'),
  };
}

function candidate(target: EngineTarget, isAskedFor: boolean, origin: string): EndpointCandidate {
  return { target, isAskedFor, origin };
}
