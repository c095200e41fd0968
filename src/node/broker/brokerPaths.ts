/**
 * Where this user's broker listens and logs, and whether that place belongs to this user alone.
 * Whatever we connect to there may speak for every PV, so nothing is dialled before that is proved.
 */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, realpathSync, type Stats } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { messageOf, UsageError } from '../../base/errors';
import { clientIdentity } from '../clientIdentity';

/** Environment variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where one user's broker has its files; all paths are absolute. */
export interface BrokerPaths {
  /** Accessible to this user alone. */
  readonly folder: string;
  /** A Unix domain socket, or a Windows pipe. */
  readonly socket: string;
  readonly logFile: string;
  /** Held while a broker takes the socket. */
  readonly lockFile: string;
  /** Says which process it is. */
  readonly pidFile: string;
  /** The loopback address that each container had. */
  readonly addressFile: string;
}

/** What the place depends on; tests pass their own. */
export interface PlaceSystem {
  readonly platform: NodeJS.Platform;
  readonly uid: number | undefined;
  /** Candidates, best first. */
  readonly homes: readonly string[];
  readonly hostName: string;
  /** Contains a folder for each user with a session, which only root can create. */
  readonly runtimeRoot: string;
}

/** sun_path of macOS without its final zero; Linux has four more. */
const MAX_SOCKET_PATH = 103;
const SOCKET_NAME = 'broker.sock';
const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * The place of the broker: $EPICS_EXPOSE_BROKER_DIR, else below /run/user/UID if that exists, else
 * in the caches of the home. XDG_RUNTIME_DIR does not count: `su`, cron and `ssh HOST COMMAND` do
 * not set it, and a user has one broker. Undefined when $EPICS_EXPOSE_BROKER is `off`: then every
 * command does its work alone.
 * @throws UsageError when the path is too long for a socket
 */
export function brokerPaths(
  env: Environment,
  system: PlaceSystem = thisSystem(),
): BrokerPaths | undefined {
  if (env['EPICS_EXPOSE_BROKER'] === 'off') return undefined;
  const own = env['EPICS_EXPOSE_BROKER_DIR'];
  const folder = own ? resolve(own) : usualFolder(system);
  const isWindows = system.platform === 'win32';
  const socket = isWindows ? pipeName(folder) : join(folder, SOCKET_NAME);
  if (!isWindows && Buffer.byteLength(socket) > MAX_SOCKET_PATH) {
    throw new UsageError(
      `${socket} is too long for a socket. Set EPICS_EXPOSE_BROKER_DIR to a shorter folder.`,
    );
  }
  return {
    folder,
    socket,
    logFile: join(folder, 'broker.log'),
    lockFile: join(folder, 'broker.lock'),
    pidFile: join(folder, 'broker.pid'),
    addressFile: join(folder, 'addresses.json'),
  };
}

function thisSystem(): PlaceSystem {
  return {
    platform: process.platform,
    uid: process.getuid?.(),
    // `sudo` may leave HOME unchanged, which is another user's.
    homes: [homedir(), ...accountHome()],
    hostName: hostname(),
    runtimeRoot: '/run/user',
  };
}

function accountHome(): string[] {
  try {
    return [userInfo().homedir];
  } catch {
    return []; // a uid without a passwd entry, as in many containers
  }
}

function usualFolder(system: PlaceSystem): string {
  const { platform, uid, homes, hostName, runtimeRoot } = system;
  const home = homes.find((one) => isOurs(one, uid)) ?? homes[0] ?? '/';
  if (platform === 'win32') return join(home, 'AppData', 'Local', 'epics-expose');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'epics-expose');
  // Homes may be shared by many machines, sockets are not.
  const machine = hostName.replace(/[^\w-].*$/, '').slice(0, 32) || 'localhost';
  const cached = join(home, '.cache', 'epics-expose', machine);
  const runtime = join(runtimeRoot, String(uid));
  if (!isOurs(runtime, uid)) return cached;
  const folder = join(runtime, 'epics-expose');
  // The runtime folder comes with the first session; a broker that was there before stays where it
  // is.
  const isElsewhere = isThere(join(cached, SOCKET_NAME)) && !isThere(join(folder, SOCKET_NAME));
  return isElsewhere ? cached : folder;
}

function isOurs(path: string, uid: number | undefined): boolean {
  const stat = statOf(path);
  return stat?.isDirectory() === true && (uid === undefined || stat.uid === uid);
}

function isThere(path: string): boolean {
  return statOf(path) !== undefined;
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // in a folder that we may not read
  }
}

/** Pipes share one name space for all users; the folder separates those of tests. */
function pipeName(folder: string): string {
  const user = clientIdentity().clientName.replace(/[^\w.-]/g, '_');
  const hash = createHash('sha256').update(`${homedir()}\n${folder}`).digest('hex').slice(0, 12);
  return `\\\\.\\pipe\\epics-expose-${user}-${hash}`;
}

/**
 * Proves that whoever listens at the place is this user: folder and socket are ours, and nobody
 * else can replace them. Then the kernel lets nobody else listen, so we need no credentials of the
 * peer (Node cannot get them). On Windows the pipe's name is all there is. A place where nothing
 * exists yet is fine.
 * @throws UsageError that says what is wrong and what to do
 */
export function checkPlace({ folder, socket }: BrokerPaths): void {
  const uid = process.getuid?.();
  if (uid === undefined) return;
  const stat = statOf(folder);
  if (!stat) return;
  if (stat.isSymbolicLink()) throw distrust(`${folder} is a symbolic link`);
  if (!stat.isDirectory()) throw distrust(`${folder} is not a folder`);
  if (stat.uid !== uid) throw distrust(`${folder} belongs to another user (uid ${stat.uid})`);
  if ((stat.mode & OTHERS_WRITE) !== 0) {
    throw distrust(`other users may write to ${folder}`, `Run chmod 700 ${folder}, or set`);
  }
  checkParents(folder, uid);
  const its = statOf(socket);
  if (!its) return;
  if (!its.isSocket()) throw distrust(`${socket} is not a socket`, 'Remove it, or set');
  if (its.uid !== uid) throw distrust(`${socket} belongs to another user (uid ${its.uid})`);
}

/**
 * Whoever may write to a folder above, or made a link on the way, can put another folder in our
 * place.
 */
function checkParents(folder: string, uid: number): void {
  const ownGroup = process.getgid?.();
  const above = dirname(folder);
  for (const path of new Set([...withParents(above), ...withParents(realpathSync(above))])) {
    const stat = lstatSync(path);
    const isTrusted = stat.uid === uid || stat.uid === 0;
    // The group that the user's files have anyway can already do with them what it likes.
    const others = stat.gid === ownGroup ? OTHERS_WRITE & 0o007 : OTHERS_WRITE;
    const isOpen =
      !stat.isSymbolicLink() && (stat.mode & others) !== 0 && (stat.mode & STICKY) === 0;
    if (!isTrusted || isOpen) throw distrust(`other users may create a folder below ${path}`);
  }
}

function withParents(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...withParents(parent)];
}

function distrust(what: string, first = 'Set'): UsageError {
  return new UsageError(
    `${what}. ${first} EPICS_EXPOSE_BROKER_DIR to a folder that belongs to you alone.`,
  );
}

/**
 * Creates the folder.
 * @throws UsageError when it cannot be created, or another user may write to it
 */
export function preparePlace(place: BrokerPaths): void {
  const { folder } = place;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw distrust(`the folder of the background process cannot be created: ${messageOf(error)}`);
  }
  checkPlace(place);
  const stat = lstatSync(folder);
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}
