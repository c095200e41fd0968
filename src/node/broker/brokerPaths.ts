/**
 * Where this user's broker listens and logs, and whether that place is this user's alone. What is
 * connected to there may speak for every PV, so nothing is dialled before that is proved.
 */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, realpathSync, type Stats } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { messageOf, UsageError } from '../../base/errors';
import { clientIdentity } from '../clientIdentity';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface BrokerPaths {
  /** For this user alone, absolute. */
  readonly folder: string;
  /** A Unix domain socket, or a Windows pipe. */
  readonly socket: string;
  readonly logFile: string;
  /** Held while one broker takes the socket. */
  readonly lockFile: string;
  /** Which loopback address each container had. */
  readonly addressFile: string;
}

/** What decides where the place is; tests give another. */
export interface PlaceSystem {
  readonly platform: NodeJS.Platform;
  readonly uid: number | undefined;
  /** Candidates, the best first. */
  readonly homes: readonly string[];
  readonly hostName: string;
  /** Holds a folder for each user who has a session, which only root can make. */
  readonly runtimeRoot: string;
}

/** sun_path of macOS less its final zero; Linux has four more. */
const MAX_SOCKET_PATH = 103;
const SOCKET_NAME = 'broker.sock';
const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * $EPICS_EXPOSE_BROKER_DIR, else below /run/user/UID where that is, else in the caches of the home.
 * XDG_RUNTIME_DIR does not count: `su`, cron and `ssh HOST COMMAND` do not have it, and one user has
 * one broker. Undefined when $EPICS_EXPOSE_BROKER is `off`: then every command does its work alone.
 * @throws UsageError when the path is too long for a socket.
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
    addressFile: join(folder, 'addresses.json'),
  };
}

function thisSystem(): PlaceSystem {
  return {
    platform: process.platform,
    uid: process.getuid?.(),
    // `sudo` may leave HOME as it was, somebody else's.
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
  // The runtime folder comes with the first session: who was there before stays where it is.
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

/** Pipes are one name space for all users; the folder tells apart what tests run. */
function pipeName(folder: string): string {
  const user = clientIdentity().clientName.replace(/[^\w.-]/g, '_');
  const hash = createHash('sha256').update(`${homedir()}\n${folder}`).digest('hex').slice(0, 12);
  return `\\\\.\\pipe\\epics-expose-${user}-${hash}`;
}

/**
 * Proves that whoever listens at the place is this user: the folder, and the socket in it, are ours,
 * and nobody else can put another there. With that the kernel lets nobody else listen, so that no
 * credentials of the peer are needed (Node has none to give). On Windows the pipe's name is all.
 * Nothing there yet is fine. @throws UsageError that says what is wrong and what to do.
 */
export function checkPlace({ folder, socket }: BrokerPaths): void {
  const uid = process.getuid?.();
  if (uid === undefined) return;
  const stat = statOf(folder);
  if (!stat) return;
  if (stat.isSymbolicLink()) throw distrust(`${folder} is a symbolic link`);
  if (!stat.isDirectory()) throw distrust(`${folder} is no folder`);
  if (stat.uid !== uid) throw distrust(`${folder} belongs to somebody else (uid ${stat.uid})`);
  if ((stat.mode & OTHERS_WRITE) !== 0) {
    throw distrust(`others may write in ${folder}`, `Run chmod 700 ${folder}, or set`);
  }
  checkParents(folder, uid);
  const its = statOf(socket);
  if (!its) return;
  if (!its.isSocket()) throw distrust(`${socket} is no socket`, 'Remove it, or set');
  if (its.uid !== uid) throw distrust(`${socket} belongs to somebody else (uid ${its.uid})`);
}

/** Who may write in a folder above, or made a link on the way, can put another one in our place. */
function checkParents(folder: string, uid: number): void {
  const ownGroup = process.getgid?.();
  const above = dirname(folder);
  for (const path of new Set([...withParents(above), ...withParents(realpathSync(above))])) {
    const stat = lstatSync(path);
    const isTrusted = stat.uid === uid || stat.uid === 0;
    // The group that a person's files have anyway can do as it likes with them already.
    const others = stat.gid === ownGroup ? OTHERS_WRITE & 0o007 : OTHERS_WRITE;
    const isOpen =
      !stat.isSymbolicLink() && (stat.mode & others) !== 0 && (stat.mode & STICKY) === 0;
    if (!isTrusted || isOpen) throw distrust(`others may put a folder of theirs below ${path}`);
  }
}

function withParents(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...withParents(parent)];
}

function distrust(what: string, first = 'Set'): UsageError {
  return new UsageError(`${what}. ${first} EPICS_EXPOSE_BROKER_DIR to a folder of yours alone.`);
}

/** Makes the folder. @throws UsageError when it cannot be made, or somebody else may write in it. */
export function preparePlace(place: BrokerPaths): void {
  const { folder } = place;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw distrust(`no folder for the background process: ${messageOf(error)}`);
  }
  checkPlace(place);
  const stat = lstatSync(folder);
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}
