/**
 * Parsers of what Linux shows below /proc (proc(5), Documentation/networking/proc_net_tcp.rst in
 * the kernel tree): text in, data out. They also read tables of other machines' kernels, so a line
 * that makes no sense is skipped instead of failing the whole table.
 */
import { type Endpoint, isSameEndpoint, unmapped } from '../../../model/endpoint';
import type { BoundSocket } from '../../host/socketReport';

const TCP_LISTEN = '0A';
const TCP_ESTABLISHED = '01';
const TCP_SYN_RECV = '03';
/** The state that the kernel shows for a UDP socket that is bound but not connected. */
const UDP_UNCONNECTED = '07';
/** Lines of a socket table that are read, and how long they are at most. */
const MAX_TABLE_LINES = 20_000;
/** Characters of a socket table that are read. */
export const MAX_TABLE_TEXT = 200 * MAX_TABLE_LINES;
const MAX_PORT = 65_535;
const MAX_LINE = 400;
/** Lines of sockstat. */
const MAX_COUNTERS = 50;

/** Reads /proc/net/tcp, tcp6, udp or udp6: TCP listeners, and bound UDP sockets without a peer. */
export function parseSocketTable(text: string, transport: 'tcp' | 'udp'): BoundSocket[] {
  const wantedState = transport === 'tcp' ? TCP_LISTEN : UDP_UNCONNECTED;
  const sockets: BoundSocket[] = [];
  // Listening sockets come first, before any number of connections.
  for (const line of text.slice(0, MAX_TABLE_TEXT).split('\n', MAX_TABLE_LINES)) {
    // sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode ...
    const fields = line.slice(0, MAX_LINE).trim().split(/\s+/);
    if (fields[3] !== wantedState) continue;
    const [hexHost = '', hexPort = ''] = (fields[1] ?? '').split(':');
    const host = parseHexAddress(hexHost);
    const port = Number.parseInt(hexPort, 16);
    const uid = Number(fields[7]);
    const inode = Number(fields[9]);
    if (host === undefined || !(port > 0 && port <= MAX_PORT) || Number.isNaN(uid) || !(inode > 0))
      continue;
    sockets.push({ transport, host, port, inode, uid });
  }
  return sockets;
}

/** A connection in /proc/net/tcp or tcp6, established or about to be. */
export interface TcpConnection {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** 0 as long as no process has accepted it. */
  readonly inode: number;
  readonly isEstablished: boolean;
  /** Both ends have spoken, as far as this one knows: established, or the last word is on its way. */
  readonly isAnswered: boolean;
}

/** Reads /proc/net/tcp or tcp6: what is connected, with IPv4 addresses where IPv6 stands for them. */
export function* parseConnections(text: string): Generator<TcpConnection> {
  for (const line of text.slice(0, MAX_TABLE_TEXT).split('\n', MAX_TABLE_LINES)) {
    const fields = line.slice(0, MAX_LINE).trim().split(/\s+/);
    const [, localText = '', remoteText = '', state] = fields;
    const [local, remote] = [parseEnd(localText), parseEnd(remoteText)];
    const inode = Number(fields[9]);
    if (state === TCP_LISTEN || !local || !remote || !(inode >= 0)) continue;
    const isEstablished = state === TCP_ESTABLISHED;
    yield {
      local,
      remote,
      inode,
      isEstablished,
      isAnswered: isEstablished || state === TCP_SYN_RECV,
    };
  }
}

/** The inodes of established connections from that end of this machine. */
export function parseConnectionInodes(text: string, { host, port }: Endpoint): number[] {
  const end = { host: unmapped(host), port };
  return [...parseConnections(text)].flatMap(({ local, inode, isEstablished }) =>
    isEstablished && inode > 0 && isSameEndpoint(local, end) ? inode : [],
  );
}

function parseEnd(text: string): Endpoint | undefined {
  const [hexHost = '', hexPort = ''] = text.split(':');
  const host = parseHexAddress(hexHost);
  const port = Number.parseInt(hexPort, 16);
  return host !== undefined && port > 0 && port <= MAX_PORT ? { host, port } : undefined;
}

/**
 * Reads the address column: 8 or 32 hex digits, 32-bit words in the machine's byte order. Every
 * machine that runs containers of EPICS is little-endian. An IPv4-mapped address becomes IPv4.
 * Undefined if malformed.
 */
export function parseHexAddress(hex: string): string | undefined {
  if (!/^([0-9A-Fa-f]{8}|[0-9A-Fa-f]{32})$/.test(hex)) return undefined;
  const bytes: number[] = [];
  for (let word = 0; word < hex.length; word += 8) {
    for (let at = word + 6; at >= word; at -= 2)
      bytes.push(Number.parseInt(hex.slice(at, at + 2), 16));
  }
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return isMapped ? bytes.slice(12).join('.') : formatIpv6(groups);
}

/** The canonical text of RFC 5952: the longest run of two or more zero groups becomes `::`. */
function formatIpv6(groups: readonly number[]): string {
  let best = { start: 0, length: 1 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.length < 2) return hex.join(':');
  const [head, tail] = [hex.slice(0, best.start), hex.slice(best.start + best.length)];
  return `${head.join(':')}::${tail.join(':')}`;
}

/**
 * The counters of /proc/net/sockstat and sockstat6 that belong to the network namespace, as one
 * string to compare. Left out are those that change without any socket being bound or closed, or
 * that count the whole machine: orphan, tw, alloc, mem, FRAG.
 */
export function parseSocketCounters(text: string): string {
  const counters: string[] = [];
  for (const line of text.split('\n', MAX_COUNTERS)) {
    const match = /^(TCP6?|UDP6?): inuse (\d+)/.exec(line.trim());
    if (match) counters.push(`${match[1]}=${match[2]}`);
  }
  return counters.join(' ');
}

/**
 * Field 22 of /proc/PID/stat: start in clock ticks after boot. Undefined for a zombie. Fields are
 * counted after the name, which may itself contain spaces and brackets.
 */
export function parseStartTicks(stat: string): number | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[19]);
  if (fields[0] === 'Z' || fields[0] === 'X' || !(ticks >= 0)) return undefined;
  return fields[19] === undefined ? undefined : ticks;
}

/**
 * Whether /proc/PID/stat shows a process that a signal has stopped. Not one that a debugger has (t): strace
 * stops what goes on, too, at each call.
 */
export function parseIsSuspended(stat: string): boolean {
  return /^T /.test(stat.slice(stat.lastIndexOf(')') + 2));
}

/** Identifies a process for as long as it lives. */
export function processKey({ pid, startTicks }: { pid: number; startTicks: number }): string {
  return `${pid}@${startTicks}`;
}

/** `btime` of /proc/stat: seconds from 1970-01-01 UTC to the boot of this machine. */
export function parseBootSeconds(stat: string): number | undefined {
  const match = /^btime (\d+)$/m.exec(stat);
  return match ? Number(match[1]) : undefined;
}

/** Field 4 of /proc/PID/stat. */
export function parseParentPid(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** The name in /proc/PID/stat, that is /proc/PID/comm. */
export function parseCommandName(stat: string): string {
  return stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
}

/** The pid in the innermost pid namespace: the last number of `NSpid:` in /proc/PID/status. */
export function parseInnermostPid(status: string): number | undefined {
  const match = /^NSpid:.*?(\d+)\s*$/m.exec(status);
  return match ? Number(match[1]) : undefined;
}

/** The real user id: the first number of `Uid:` in /proc/PID/status. */
export function parseUid(status: string): number | undefined {
  const match = /^Uid:\s*(\d+)/m.exec(status);
  return match ? Number(match[1]) : undefined;
}

/** Lines of /proc/PID/maps that are read. */
const MAX_MAPPED = 50_000;

/** Reads /proc/PID/maps: the base names of the mapped files, each once. */
export function parseMappedFiles(text: string): string[] {
  const names = new Set<string>();
  for (const line of text.split('\n', MAX_MAPPED)) {
    // address permissions offset device inode path
    const path = /^\S+ \S+ \S+ \S+ \d+ +(\/.*)$/.exec(line.slice(0, MAX_PATH_LINE))?.[1];
    if (path !== undefined) names.add(path.slice(path.lastIndexOf('/') + 1));
  }
  return [...names];
}

/** An address range, and PATH_MAX. */
const MAX_PATH_LINE = 4400;

/** The socket inodes in link targets or in the text of `ls -l /proc/PID/fd`. */
export function parseSocketInodes(text: string): number[] {
  return Array.from(text.matchAll(/socket:\[(\d+)\]/g), (match) => Number(match[1]));
}

/** Characters of a process's command line, and of its environment, that are read. */
const MAX_PROCESS_TEXT = 256 * 1024;
const MAX_WORDS = 5000;

/** Reads /proc/PID/cmdline: words, each ended by a zero byte. */
export function parseCommandLine(text: string): string[] {
  const words = text.slice(0, MAX_PROCESS_TEXT).split('\0', MAX_WORDS);
  while (words.length > 0 && words.at(-1)?.trim() === '') words.pop();
  return words;
}

/** What an IOC is called, and the settings of EPICS software. */
const KEPT_VARIABLE = /^(IOC|IOC_.*|IOCSH_PS1|EPICS_.*|PVXS_.*|CAPROTO_.*)$/;

/** Whether a variable of an environment is kept, and shown. */
export function isKeptVariable(name: string): boolean {
  return KEPT_VARIABLE.test(name);
}

/**
 * Reads /proc/PID/environ. Only what concerns EPICS is kept, because an environment may hold
 * secrets.
 */
export function parseEnvironment(text: string): Record<string, string> {
  const all = Object.entries(parseWholeEnvironment(text));
  return Object.fromEntries(all.filter(([name]) => isKeptVariable(name)));
}

/**
 * Reads /proc/PID/environ, all of it: to expand macros, never to be kept, shown or logged. A value
 * may hold secrets.
 */
export function parseWholeEnvironment(text: string): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const entry of text.slice(0, MAX_PROCESS_TEXT).split('\0', MAX_WORDS)) {
    const at = entry.indexOf('=');
    if (at > 0) environment[entry.slice(0, at)] = entry.slice(at + 1);
  }
  return environment;
}
