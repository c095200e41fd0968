import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { type EngineTarget, type TlsFiles, parseEngineTarget } from './engineTarget';

/** The folder `~/.docker`, or the one that DOCKER_CONFIG names. */
export interface ContextFiles {
  readonly folder: string;
  /** Undefined if there is no such file, or it cannot be read. */
  readText(path: string): string | undefined;
  /** Empty if there is no such folder. */
  listFolder(path: string): readonly string[];
}

/** A Docker context and the endpoint of its engine. */
export interface DockerContext {
  readonly name: string;
  readonly target: EngineTarget;
}

/** The context that config.json names; undefined if it names none. */
export function currentContextName(files: ContextFiles): string | undefined {
  const config = readJson(files, posix.join(files.folder, 'config.json'));
  return textOf(config?.['currentContext']);
}

/**
 * All Docker contexts as the docker command stores them (docker/cli, cli/context/store/doc.go): for
 * each, `contexts/meta/<sha256 of the name>/meta.json`, and TLS files below
 * `contexts/tls/<same>/docker`. Unreadable or invalid ones are left out.
 */
export function readContexts(files: ContextFiles): readonly DockerContext[] {
  return files
    .listFolder(posix.join(files.folder, 'contexts', 'meta'))
    .flatMap((id) => readContextById(id, files) ?? []);
}

/** The endpoint of a context by its name; undefined if there is none. */
export function readContext(name: string, files: ContextFiles): EngineTarget | undefined {
  const id = createHash('sha256').update(name).digest('hex');
  return readContextById(id, files)?.target;
}

function readContextById(id: string, files: ContextFiles): DockerContext | undefined {
  const meta = readJson(files, posix.join(files.folder, 'contexts', 'meta', id, 'meta.json'));
  const name = textOf(meta?.['Name']);
  const endpoint = (meta?.['Endpoints'] as Record<string, unknown> | undefined)?.['docker'] as
    { Host?: unknown; SkipTLSVerify?: unknown } | undefined;
  const host = textOf(endpoint?.Host);
  if (name === undefined || host === undefined) return undefined;
  const tls = tlsOf(id, files, endpoint?.SkipTLSVerify === true);
  try {
    return { name, target: parseEngineTarget(host, tls ? { tls } : {}) };
  } catch {
    return undefined; // a kind of endpoint that we do not know
  }
}

function tlsOf(id: string, files: ContextFiles, isServerUnverified: boolean): TlsFiles | undefined {
  const folder = posix.join(files.folder, 'contexts', 'tls', id, 'docker');
  const present = files.listFolder(folder);
  if (present.length === 0 && !isServerUnverified) return undefined;
  const file = (name: string): string | undefined =>
    present.includes(name) ? posix.join(folder, name) : undefined;
  const [ca, cert, key] = [file('ca.pem'), file('cert.pem'), file('key.pem')];
  return {
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    isServerUnverified,
  };
}

function readJson(files: ContextFiles, path: string): Record<string, unknown> | undefined {
  const content = files.readText(path);
  if (content === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(content);
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
