/**
 * Where an engine listens: the URIs of DOCKER_HOST, CONTAINER_HOST and contexts, parsed. Pure.
 */
import { UsageError } from '../../base/errors';
import { isLoopback } from '../../model/endpoint';

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
      /** Handed to ssh as it stands: a name, an address, or an alias of ~/.ssh/config. */
      readonly host: string;
      readonly user?: string;
      readonly port?: number;
      /** Of the engine's socket over there; the usual places are tried when it is not said. */
      readonly remotePath?: string;
      /** A key file to offer, as Podman's CONTAINER_SSHKEY names it. */
      readonly identityFile?: string;
    }
  /** A `podman system service` that we start ourselves: there is a podman but no socket. */
  | { readonly kind: 'podman-service'; readonly uri: string };

/** Files in PEM; all three are needed by an engine that asks for a client certificate. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly isServerUnverified?: boolean;
}

export interface TargetOptions {
  /** TLS for tcp:// targets, when the surroundings ask for it. */
  readonly tls?: TlsFiles;
  readonly identityFile?: string;
}

/**
 * @throws UsageError when it is none of unix://, npipe://, tcp://, http(s)://, ssh://, an absolute
 *   path or host:port.
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
      // What DOCKER_HOST also takes: a bare host:port.
      if (/^[^/\s]+:\d+$/.test(trimmed)) return tcpTarget(`tcp://${trimmed}`, false, options.tls);
  }
  throw new UsageError(
    `"${text}" is no engine address: use unix:///path, tcp://host:port, ssh://user@host or npipe:////./pipe/name`,
  );
}

/** Whether ports that its containers publish are this machine's, as far as the address tells. */
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

export function unixTarget(path: string): EngineTarget {
  return { kind: 'unix', uri: `unix://${path}`, path };
}

/** Takes both `//./pipe/x` and `\\.\pipe\x`. */
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
  // ssh would take them for options; git and Docker had that hole.
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
