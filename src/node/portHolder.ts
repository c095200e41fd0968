import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { clipped } from '../base/clipped';
import { type Endpoint, formatEndpoint, isUnspecified } from '../model/endpoint';
import {
  MAX_TABLE_TEXT,
  parseCommandLine,
  parseConnectionInodes,
  parseSocketTable,
} from '../services/discovery/detect/parseProc';
import type { PortHolder, SearchOrigin } from '../services/host/portHolder';
import type { BoundSocket } from '../services/host/socketReport';
import { readProc, readProcTable, readSocketInodes } from './containers/hostProcess';
import { Turns } from './turns';

type Transport = 'tcp' | 'udp';

const TOOL_TIMEOUT_MS = 3000;

/**
 * Finds the process of this machine that listens on a port, as far as the system shows it to an
 * ordinary user. Undefined when unknown: the port may be taken all the same.
 */
export async function findPortHolder(
  endpoint: Endpoint,
  transport: Transport = 'tcp',
): Promise<PortHolder | undefined> {
  try {
    if (process.platform === 'linux') return await findByProc(endpoint, transport);
    if (process.platform === 'darwin') return await findByLsof(endpoint, transport);
    if (process.platform === 'win32') return await findByNetstat(endpoint, transport);
  } catch {
    // The tool is missing, or took too long.
  }
  return undefined;
}

/** Whether a program listens there, by TCP; undefined: the system does not show it. */
export async function isListening(endpoint: Endpoint): Promise<boolean | undefined> {
  if (process.platform !== 'linux') return undefined;
  const sockets = await readSockets('tcp').catch(() => []);
  if (sockets.length === 0) return undefined;
  return sockets.some(({ host, port }) => port === endpoint.port && isAt(host, endpoint.host));
}

async function findByProc(
  { host, port }: Endpoint,
  transport: Transport,
): Promise<PortHolder | undefined> {
  const sockets = (await readSockets(transport)).filter((socket) => socket.port === port);
  const exact = sockets.filter((socket) => socket.host === host);
  const isEverywhere = exact.length === 0;
  const holding = isEverywhere ? sockets.filter((socket) => isUnspecified(socket.host)) : exact;
  if (holding.length === 0) return undefined;
  const holder = await findProcess(new Set(holding.map((socket) => socket.inode)));
  const isForeign = holding.some(({ uid }) => uid !== 0 && uid !== ownUid());
  return { isEverywhere, ...(isForeign && { isForeign }), ...(holder && { process: holder }) };
}

/**
 * The program that searches from there, if it is on this machine and may be seen. Undefined when
 * unknown, or if it is ourselves.
 */
export async function findSearchingClient({
  transport,
  endpoint,
}: SearchOrigin): Promise<PortHolder['process']> {
  if (process.platform !== 'linux') return undefined;
  const tables = await Promise.all([readTable(transport), readTable(`${transport}6`)]);
  const inodes =
    transport === 'tcp'
      ? tables.flatMap((table) => parseConnectionInodes(table, endpoint))
      : tables
          .flatMap((table) => parseSocketTable(table, transport))
          .filter(({ host, port }) => port === endpoint.port && isAt(host, endpoint.host))
          .map(({ inode }) => inode);
  // The kernel may show a socket twice in a table that changes meanwhile.
  const different = new Set(inodes);
  // Of two that share a port, neither is certain.
  if (different.size !== 1) return undefined;
  const client = await findProcess(different);
  return client?.pid === process.pid ? undefined : client;
}

function isAt(bound: string, host: string): boolean {
  return bound === host || isUnspecified(bound);
}

/** Reads that were asked for and have not begun. */
const waiting = new Map<Transport, Promise<readonly BoundSocket[]>>();
/** The last ones that began. */
const begun = new Map<Transport, Promise<unknown>>();

/**
 * The sockets of this machine. Linux walks its whole table of connections for that, which takes some
 * 75 ms on a machine with much memory, so all who ask before a read begins share it.
 */
function readSockets(transport: Transport): Promise<readonly BoundSocket[]> {
  const known = waiting.get(transport);
  if (known) return known;
  const read = (async () => {
    await begun.get(transport);
    // Whoever asks in this turn is served, too.
    await new Promise((resolve) => setImmediate(resolve));
    waiting.delete(transport);
    const reading = Promise.all([readTable(transport), readTable(`${transport}6`)]);
    begun.set(transport, reading);
    return (await reading).flatMap((table) => parseSocketTable(table, transport));
  })();
  waiting.set(transport, read);
  return read;
}

/** The user whose listeners may be ours. */
function ownUid(): number | undefined {
  return process.getuid?.();
}

async function findProcess(inodes: ReadonlySet<number>): Promise<PortHolder['process']> {
  const turns = new Turns();
  for (const entry of readdirSync('/proc')) {
    if (turns.isOver) await turns.next();
    const pid = Number(entry);
    if (Number.isInteger(pid) && (await holdsOne(pid, inodes, turns))) {
      const words = parseCommandLine(readProc(pid, 'cmdline'));
      return { pid, command: commandName(words) };
    }
  }
  return undefined;
}

/** A process chooses its own name. */
const MAX_COMMAND_NAME = 100;

/** The program, and its script if the program only runs one: `node cli.js`. */
function commandName(words: readonly string[]): string {
  const [program = '', script] = words.map((word) => word.split('/').at(-1) ?? '');
  const runsScripts = /^(node|python[\d.]*|perl|ruby|bash|sh|java)$/.test(program);
  const name = runsScripts && script && !script.startsWith('-') ? `${program} ${script}` : program;
  return clipped(name, MAX_COMMAND_NAME);
}

async function readTable(table: string): Promise<string> {
  try {
    return await readProcTable(`/proc/net/${table}`, MAX_TABLE_TEXT);
  } catch {
    return ''; // no IPv6 here
  }
}

async function holdsOne(pid: number, inodes: ReadonlySet<number>, turns: Turns): Promise<boolean> {
  try {
    return (await readSocketInodes(pid, turns))?.some((inode) => inodes.has(inode)) ?? false;
  } catch {
    return false; // no free descriptor
  }
}

async function findByLsof(
  endpoint: Endpoint,
  transport: Transport,
): Promise<PortHolder | undefined> {
  const which =
    transport === 'tcp' ? [`-iTCP:${endpoint.port}`, '-sTCP:LISTEN'] : [`-iUDP:${endpoint.port}`];
  return parseLsof(await outputOf('lsof', ['-nP', ...which, '-Fpcn']), endpoint);
}

async function findByNetstat(
  endpoint: Endpoint,
  transport: Transport,
): Promise<PortHolder | undefined> {
  const text = await outputOf('netstat', ['-ano', '-p', transport.toUpperCase()]);
  const found = parseNetstat(text, endpoint);
  if (!found) return undefined;
  const { pid, isEverywhere } = found;
  const tasks = await outputOf('tasklist', ['/FI', `PID eq ${pid}`, '/FO', 'CSV', '/NH']);
  const command = /^"([^"]+)"/.exec(tasks.trim())?.[1];
  return { isEverywhere, ...(command !== undefined && { process: { pid, command } }) };
}

async function outputOf(program: string, parameters: string[]): Promise<string> {
  const options = { timeout: TOOL_TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024, windowsHide: true };
  return (await promisify(execFile)(program, parameters, options)).stdout;
}

/**
 * Parses lines of `netstat -ano`: `TCP 0.0.0.0:5064 0.0.0.0:0 LISTENING 1234`, `UDP 0.0.0.0:5064
 * *:* 1234`. The word for the state is translated, so listeners are recognised by the foreign
 * address.
 */
export function parseNetstat(
  text: string,
  endpoint: Endpoint,
): { readonly pid: number; readonly isEverywhere: boolean } | undefined {
  let everywhere: { pid: number; isEverywhere: true } | undefined;
  for (const line of text.split('\n')) {
    const [, local, foreign = '', ...rest] = line.trim().split(/\s+/);
    const pid = Number(rest.at(-1));
    const isBound = ['0.0.0.0:0', '[::]:0', '*:*'].includes(foreign);
    if (!isBound || !Number.isInteger(pid)) continue;
    if (local === formatEndpoint(endpoint)) return { pid, isEverywhere: false };
    if (local === `0.0.0.0:${endpoint.port}` || local === `[::]:${endpoint.port}`) {
      everywhere = { pid, isEverywhere: true };
    }
  }
  return everywhere;
}

/**
 * Parses fields of `lsof -Fpcn`, one per line: p PID, c COMMAND, then n ADDRESS:PORT for each
 * socket.
 */
export function parseLsof(text: string, endpoint: Endpoint): PortHolder | undefined {
  let pid = 0;
  let command = '';
  let everywhere: PortHolder | undefined;
  for (const line of text.split('\n')) {
    const value = line.slice(1);
    if (line.startsWith('p')) pid = Number(value);
    else if (line.startsWith('c')) command = value;
    else if (line === `n${formatEndpoint(endpoint)}`) {
      return { process: { pid, command }, isEverywhere: false };
    } else if (line === `n*:${endpoint.port}`) {
      everywhere = { process: { pid, command }, isEverywhere: true };
    }
  }
  return everywhere;
}
