/** Where this user's broker listens and logs. */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../base/errors';
import { clientIdentity } from '../clientIdentity';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface BrokerPlace {
  /** For this user alone. */
  readonly folder: string;
  /** A Unix domain socket, or a Windows pipe. */
  readonly socket: string;
  readonly logFile: string;
  /** Held while one broker takes the socket. */
  readonly lockFile: string;
}

/** sun_path of macOS less its final zero; Linux has four more. */
const MAX_SOCKET_PATH = 103;

/**
 * $EPICS_EXPOSE_BROKER_DIR, else below $XDG_RUNTIME_DIR, else below the folder for temporary files.
 * Undefined when $EPICS_EXPOSE_BROKER is `off`: then every command does its work alone.
 */
export function brokerPlace(env: Environment): BrokerPlace | undefined {
  if (env['EPICS_EXPOSE_BROKER'] === 'off') return undefined;
  const folder = brokerFolder(env);
  const socket = process.platform === 'win32' ? pipeName(folder) : join(folder, 'broker.sock');
  if (process.platform !== 'win32' && Buffer.byteLength(socket) > MAX_SOCKET_PATH) {
    throw new UsageError(
      `${socket} is too long for a socket. Set EPICS_EXPOSE_BROKER_DIR to a shorter folder.`,
    );
  }
  return {
    folder,
    socket,
    logFile: join(folder, 'broker.log'),
    lockFile: join(folder, 'broker.lock'),
  };
}

function brokerFolder(env: Environment): string {
  const own = env['EPICS_EXPOSE_BROKER_DIR'];
  if (own) return own;
  const runtime = env['XDG_RUNTIME_DIR'];
  if (runtime) return join(runtime, 'epics-expose');
  const user = process.getuid?.() ?? clientIdentity().clientName;
  return join(tmpdir(), `epics-expose-${user}`);
}

/** Pipes are one name space for all users; the folder tells apart what tests run. */
function pipeName(folder: string): string {
  const user = clientIdentity().clientName.replace(/[^\w.-]/g, '_');
  const hash = createHash('sha256').update(`${homedir()}\n${folder}`).digest('hex').slice(0, 12);
  return `\\\\.\\pipe\\epics-expose-${user}-${hash}`;
}

/** Makes the folder. @throws UsageError when somebody else may write in it. */
export function preparePlace({ folder }: BrokerPlace): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (process.platform === 'win32') return;
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.()) {
    throw new UsageError(
      `${folder} belongs to somebody else. Set EPICS_EXPOSE_BROKER_DIR to a folder of yours.`,
    );
  }
  if ((stat.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}
