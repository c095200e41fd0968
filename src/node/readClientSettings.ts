/** The settings of the clients that `doctor` examines: from this shell, files, a process. */
import { constants, open as openCallback } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable } from 'node:stream';
import { promisify } from 'node:util';
import { withDeadline } from '../base/abort';
import type { Clock } from '../base/clock';
import { CancelledError, messageOf, UsageError } from '../base/errors';
import { type Client, CLIENTS, type ClientName } from '../model/diagnosis/clients';
import type { ClientSettings, Setting } from '../model/diagnosis/clientSettings';
import { parseEnvFile, settingsOfEnvironment } from '../model/diagnosis/envFile';
import {
  parsePhoebusFile,
  phoebusClient,
  readsEnvironment,
} from '../model/diagnosis/phoebusSettings';
import { parseWholeEnvironment } from '../services/discovery/detect/parseProc';
import { systemClock } from './systemClock';

/** Where the settings are. */
export interface SettingsOptions {
  /**
   * A file that sets variables, in place of the environment of this shell. (Node takes --env-file for
   * itself, wherever it stands, and loads that file.) A pipe, such as /dev/stdin, is read to its end.
   */
  readonly envFrom?: string;
  /** A process whose environment counts instead. */
  readonly pid?: string;
  /** A settings.ini of Phoebus, whose preferences come before the environment. */
  readonly phoebus?: string;
  /** Which client has them; absent: any, or Phoebus if its preferences are given. */
  readonly client?: ClientName;
}

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_FILE_LINES = 10_000;
/** Until a pipe has been written to its end. */
const PIPE_MS = 10_000;

/**
 * Rejects with UsageError for what cannot be read, is too long, or does not fit together, and with
 * CancelledError.
 */
export async function readClientSettings(
  options: SettingsOptions,
  signal: AbortSignal,
  clock = systemClock,
): Promise<ClientSettings> {
  const { client, phoebus } = options;
  const read: Read = (path) => readSome(path, clock, signal);
  const environment = await readEnvironment(options, read);
  if (phoebus === undefined) {
    return client === undefined
      ? { settings: environment }
      : ofClient(CLIENTS[client], environment);
  }
  if (client !== undefined && client !== 'phoebus') {
    throw new UsageError(`--client ${client} has no preferences of Phoebus: leave out --phoebus.`);
  }
  if (phoebus.endsWith('.xml')) {
    throw new UsageError(`--phoebus ${phoebus}: only files of PACKAGE/NAME=VALUE are examined.`);
  }
  const file = parsePhoebusFile(await read(phoebus), phoebus);
  return phoebusClient(file, phoebus, environment);
}

/** Over Channel Access nothing is said of a client with preferences: they are not known. */
function ofClient(client: Client, settings: readonly Setting[]): ClientSettings {
  if (client.hasPreferences !== true || readsEnvironment(settings)) return { settings, client };
  const { ca: _, ...known } = client;
  const note = { code: 'preferences-unknown', client: client.title, isNote: true } as const;
  return { settings, client: known, findings: [note] };
}

type Read = (path: string) => Promise<string>;

async function readEnvironment(
  { envFrom, pid }: SettingsOptions,
  read: Read,
): Promise<readonly Setting[]> {
  if (envFrom !== undefined) return parseEnvFile(await read(envFrom), envFrom);
  if (pid === undefined) return settingsOfEnvironment(process.env);
  if (!/^\d+$/.test(pid)) throw new UsageError(`--pid ${pid}: write the number of a process.`);
  const text = await read(`/proc/${pid}/environ`);
  return settingsOfEnvironment(parseWholeEnvironment(text));
}

/** The text of a file; half of one might say the opposite. */
async function readSome(path: string, clock: Clock, signal: AbortSignal): Promise<string> {
  const start = await readStart(path, clock, signal);
  const text = start.toString('utf8');
  if (
    start.length > MAX_FILE_BYTES ||
    text.split('\n', MAX_FILE_LINES + 1).length > MAX_FILE_LINES
  ) {
    throw new UsageError(
      `${path} is too long for settings: at most 1 MB and ${MAX_FILE_LINES} lines are read.`,
    );
  }
  return text;
}

async function readStart(path: string, clock: Clock, signal: AbortSignal): Promise<Buffer> {
  try {
    const kind = await stat(path);
    if (kind.isFile()) return await readFileStart(path);
    const pipe = await openPipe(path, kind);
    try {
      return await withDeadline(clock, PIPE_MS, 'it was not written to its end', signal, (inner) =>
        readPipeStart(addAbortSignal(inner, pipe)),
      );
    } finally {
      pipe.destroy();
    }
  } catch (cause) {
    if (cause instanceof CancelledError) throw cause;
    throw new UsageError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

async function readFileStart(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_FILE_BYTES + 1));
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Neither opening nor reading it blocks a thread of Node, which could not end then. */
async function openPipe(
  path: string,
  kind: { isFIFO: () => boolean; isSocket: () => boolean },
): Promise<Readable> {
  // What another program of Node gives as stdin is a socket, which cannot be opened by its path.
  if (kind.isSocket() && path === '/dev/stdin') return process.stdin;
  if (!kind.isFIFO()) throw new Error('it is neither a file nor a pipe');
  const fd = await promisify(openCallback)(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}

async function readPipeStart(pipe: Readable): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of pipe) {
    parts.push(part as Buffer);
    length += (part as Buffer).length;
    if (length > MAX_FILE_BYTES) break;
  }
  return Buffer.concat(parts);
}
