import { readFileSync } from 'node:fs';
import type { Agent } from 'node:http';
import Docker from 'dockerode';
import type { Disposable } from '../../base/disposable';
import { engineAgent } from './engineAgent';
import { EngineProblemError } from './engineProblem';
import type { TlsFiles } from './engineTarget';
import { messageOf } from '../../base/errors';

/** Where a client connects to. */
export type ClientEndpoint =
  | { readonly socketPath: string }
  | { readonly host: string; readonly port: number; readonly tls?: TlsFiles };

/** A dockerode client of one engine. */
export interface EngineClient extends Disposable {
  readonly docker: Docker;
}

const modemVariables = [
  'DOCKER_HOST',
  'DOCKER_TLS_VERIFY',
  'DOCKER_CERT_PATH',
  'DOCKER_PATH_PREFIX',
  'DOCKER_CLIENT_TIMEOUT',
];

/**
 * Creates a client of this endpoint and nothing else. (docker-modem takes every omitted option from
 * DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH and DOCKER_CLIENT_TIMEOUT, prefers a host from
 * there to a socket path, and throws if those variables make no sense to it.) Disposing it ends its
 * connections, but not those that an exec has taken over.
 */
export function createEngineClient(endpoint: ClientEndpoint): EngineClient {
  if ('socketPath' in endpoint) {
    const agent = engineAgent();
    const docker = construct({ ...endpoint, protocol: 'http', agent });
    return { docker, dispose: () => agent.destroy() };
  }
  const { host, port, tls } = endpoint;
  const agent = engineAgent(tls && readTls(tls));
  const docker = construct({ host, port, protocol: tls ? 'https' : 'http', agent });
  return { docker, dispose: () => agent.destroy() };
}

function construct(options: Docker.DockerOptions & { agent: Agent }): Docker {
  const kept = modemVariables.map((name) => [name, process.env[name]] as const);
  for (const name of modemVariables) delete process.env[name];
  try {
    return new Docker(options);
  } finally {
    for (const [name, value] of kept) if (value !== undefined) process.env[name] = value;
  }
}

function readTls(tls: TlsFiles): Record<string, unknown> {
  try {
    return {
      ...(tls.ca ? { ca: readFileSync(tls.ca) } : {}),
      ...(tls.cert ? { cert: readFileSync(tls.cert) } : {}),
      ...(tls.key ? { key: readFileSync(tls.key) } : {}),
      rejectUnauthorized: !tls.isServerUnverified,
    };
  } catch (cause) {
    const problem = { code: 'engine-tls', detail: messageOf(cause) } as const;
    throw new EngineProblemError(problem, 0, { cause });
  }
}
