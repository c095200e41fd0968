import { UsageError } from '../../base/errors';
import { isLoopback } from '../../model/endpoint';

/** Where an engine listens, parsed from the URIs of DOCKER_HOST, CONTAINER_HOST and contexts. */
export type EngineTarget =
  | { readonly kind: 'unix'; readonly uri: string; readonly path: string }
  | { readonly kind: 'npipe'; readonly uri: string; readonly path: string }
  | {
      readonly kind: 'tcp';
      readonly uri: string;
      readonly host: string;
      readonly port: number;
      readonly tls?: TlsFiles;
    }
  | {
      readonly kind: 'ssh';
      readonly uri: string;
      /** Passed to ssh unchanged: a name, an address, or an alias of ~/.ssh/config. */
      readonly host: string;
      readonly user?: string;
      readonly port?: number;
      /** Path of the engine's socket over there; absent: the usual places are tried. */
      readonly remotePath?: string;
      /** A key file to offer, from Podman's CONTAINER_SSHKEY. */
      readonly identityFile?: string;
    }
  /** A `podman system service` that we start ourselves: there is a podman, but no socket. */
  | { readonly kind: 'podman-service'; readonly uri: string };

/** Paths of PEM files; an engine that requires a client certificate needs all three. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly isServerUnverified?: boolean;
}

/** What the environment adds to a URI. */
export interface TargetOptions {
  /** TLS for tcp:// targets, if the environment requests it. */
  readonly tls?: TlsFiles;
  readonly identityFile?: string;
}

/**
 * Parses the address of an engine.
 *
 * @throws UsageError if it is none of unix://, npipe://, tcp://, http(s)://, ssh://, an absolute
 * path or host:port.
 */
export function parseEngineTarget(text: string, options: TargetOptions = {}): EngineTarget {
  const trimmed = text.trim();
  if (trimmed.startsWith('/')) return unixTarget(trimmed);
  const scheme = /^([a-z]+):\/\//.exec(trimmed)?.[1];
  switch (scheme) {
    case 'unix':
      return unixTarget(trimmed.slice('unix://'.length) || '/var/run/docker.sock');
    case 'npipe':
      return npipeTarget(trimmed.slice('npipe://'.length) || '//./pipe/docker_engine');
    case 'ssh':
      return sshTarget(trimmed, options.identityFile);
    case 'tcp':
    case 'http':
    case 'https':
      return tcpTarget(trimmed, scheme === 'https', options.tls);
    case undefined:
      // DOCKER_HOST may also be a bare host:port.
      if (/^[^/\s]+:\d+$/.test(trimmed)) return tcpTarget(`tcp://${trimmed}`, false, options.tls);
  }
  throw new UsageError(
    `"${text}" is no engine address: use unix:///path, tcp://host:port, ssh://user@host or npipe:////./pipe/name`,
  );
}

/**
 * Whether the ports that its containers publish are this machine's, as far as the address shows.
 */
export function isOnThisMachine(target: EngineTarget): boolean {
  switch (target.kind) {
    case 'unix':
    case 'npipe':
    case 'podman-service':
      return true;
    case 'tcp':
      return target.host === 'localhost' || isLoopback(target.host);
    case 'ssh':
      return false;
  }
}

/** The target for a unix socket. */
export function unixTarget(path: string): EngineTarget {
  return { kind: 'unix', uri: `unix://${path}`, path };
}

/** The target for a Windows pipe, written `//./pipe/x` or `\\.\pipe\x`. */
export function npipeTarget(path: string): EngineTarget {
  const forward = path.replaceAll('\\', '/');
  return { kind: 'npipe', uri: `npipe://${forward}`, path: forward };
}

function tcpTarget(text: string, isHttps: boolean, tls: TlsFiles | undefined): EngineTarget {
  const url = parseUrl(text.replace(/^[a-z]+:/, 'http:'), text);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const explicitPort = /:(\d+)(\/|$)/.exec(text.replace(/^[a-z]+:\/\//, ''))?.[1];
  const wantsTls = isHttps || tls !== undefined || explicitPort === '2376';
  const port = explicitPort ? Number(explicitPort) : wantsTls ? 2376 : 2375;
  const uri = `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return { kind: 'tcp', uri, host, port, ...(wantsTls ? { tls: tls ?? {} } : {}) };
}

function sshTarget(text: string, identityFile: string | undefined): EngineTarget {
  const url = parseUrl(text, text);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const user = decodeURIComponent(url.username);
  // ssh would take them for options; git and Docker had that vulnerability.
  if (host === '' || host.startsWith('-') || user.startsWith('-')) {
    throw new UsageError(`"${text}" names no host for ssh`);
  }
  const remotePath = decodeURIComponent(url.pathname);
  return {
    kind: 'ssh',
    uri: text,
    host,
    ...(user ? { user } : {}),
    ...(url.port ? { port: Number(url.port) } : {}),
    ...(remotePath !== '' && remotePath !== '/' ? { remotePath } : {}),
    ...(identityFile ? { identityFile } : {}),
  };
}

function parseUrl(text: string, original: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw new UsageError(`"${original}" is no engine address`, { cause });
  }
}
