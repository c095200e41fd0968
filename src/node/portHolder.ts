/** Which process of this machine listens on a port, as far as the system tells an ordinary user. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Endpoint, formatEndpoint, isUnspecified } from '../model/endpoint';
import {
  parseCommandLine,
  parseSocketInodes,
  parseSocketTable,
} from '../services/detect/parseProc';
import type { PortHolder } from '../services/localPorts';

const LSOF_TIMEOUT_MS = 3000;

export async function findPortHolder(endpoint: Endpoint): Promise<PortHolder | undefined> {
  try {
    if (process.platform === 'linux') return findByProc(endpoint);
    if (process.platform === 'darwin') return await findByLsof(endpoint);
  } catch {
    // Not knowing the holder is an answer too; the port is taken all the same.
  }
  return undefined;
}

/** Who gets datagrams that are sent to that endpoint; only Linux tells. */
export function findUdpPortHolder(endpoint: Endpoint): PortHolder | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return findByProc(endpoint, 'udp');
  } catch {
    return undefined;
  }
}

function findByProc(
  { host, port }: Endpoint,
  transport: 'tcp' | 'udp' = 'tcp',
): PortHolder | undefined {
  const sockets = [transport, `${transport}6`]
    .flatMap((table) => parseSocketTable(readTable(table), transport))
    .filter((socket) => socket.port === port);
  const exact = sockets.filter((socket) => socket.host === host);
  const isEverywhere = exact.length === 0;
  const holding = isEverywhere ? sockets.filter((socket) => isUnspecified(socket.host)) : exact;
  if (holding.length === 0) return undefined;
  const process = findProcess(new Set(holding.map((socket) => socket.inode)));
  return { isEverywhere, ...(process && { process }) };
}

function findProcess(inodes: ReadonlySet<number>): PortHolder['process'] {
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (Number.isInteger(pid) && holdsOne(pid, inodes)) {
      const words = parseCommandLine(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
      return { pid, command: commandName(words) };
    }
  }
  return undefined;
}

/** The program, and the script where the program only runs one: `node cli.js`. */
function commandName(words: readonly string[]): string {
  const [program = '', script] = words.map((word) => word.split('/').at(-1) ?? '');
  const runsScripts = /^(node|python[\d.]*|perl|ruby|bash|sh|java)$/.test(program);
  return runsScripts && script && !script.startsWith('-') ? `${program} ${script}` : program;
}

function readTable(table: string): string {
  try {
    return readFileSync(`/proc/net/${table}`, 'latin1');
  } catch {
    return ''; // no IPv6 here
  }
}

function holdsOne(pid: number, inodes: ReadonlySet<number>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return parseSocketInodes(readlinkSync(`/proc/${pid}/fd/${fd}`)).some((i) => inodes.has(i));
      } catch {
        return false; // closed meanwhile
      }
    });
  } catch {
    return false; // another user's process, or gone
  }
}

async function findByLsof(endpoint: Endpoint): Promise<PortHolder | undefined> {
  const { stdout } = await promisify(execFile)(
    'lsof',
    ['-nP', `-iTCP:${endpoint.port}`, '-sTCP:LISTEN', '-Fpcn'],
    { timeout: LSOF_TIMEOUT_MS },
  );
  return parseLsof(stdout, endpoint);
}

/** Fields of `lsof -Fpcn`, one a line: p PID, c COMMAND, then n ADDRESS:PORT for each socket. */
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
