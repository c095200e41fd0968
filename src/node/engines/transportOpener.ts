import { realpath } from 'node:fs/promises';
import type { ClientEndpoint } from './engineClient';
import { EngineProblemError, errnoOf } from './engineProblem';
import type { EngineTarget } from './engineTarget';
import type { EngineTransport, OpenTransport, TransportOptions } from './engineTransport';
import { PodmanServiceStarter } from './podmanService';
import { openSshTunnel } from './sshTunnel';

/** Chooses the transport for a target. The result is called for each attempt to connect. */
export function transportOpener(target: EngineTarget, options: TransportOptions): OpenTransport {
  switch (target.kind) {
    case 'unix':
      return () => openUnix(target.path);
    case 'npipe':
      return () => Promise.resolve(plain({ socketPath: target.path }));
    case 'tcp': {
      const { host, port, tls } = target;
      return () => Promise.resolve(plain({ host, port, ...(tls ? { tls } : {}) }));
    }
    case 'ssh':
      return (signal) => openSshTunnel(target, options, signal);
    case 'podman-service': {
      const starter = new PodmanServiceStarter(options);
      return (signal) => starter.open(signal);
    }
  }
}

/**
 * Looks before it connects: most of the well-known places are empty most of the time. The real path
 * also shows that /var/run/docker.sock and /run/docker.sock are one.
 */
async function openUnix(path: string): Promise<EngineTransport> {
  const real = await realpath(path).catch((cause: unknown) => {
    throw errnoOf(cause) === 'EACCES' ? closedFolder(path, cause) : cause;
  });
  return { ...plain({ socketPath: path }), identity: `socket ${real}` };
}

/**
 * This is not a socket without permission: whether there is one cannot be seen (another user's
 * home).
 */
function closedFolder(path: string, cause: unknown): EngineProblemError {
  return new EngineProblemError({ code: 'engine-hidden', path }, 0, { cause });
}

function plain(endpoint: ClientEndpoint): EngineTransport {
  return { endpoint, dispose: () => undefined };
}
