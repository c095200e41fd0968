/**
 * Which processes of a container may be EPICS servers. A candidate is only a suspicion; the
 * handshake (identifyServer.ts) proves it. We do not talk to unrelated programs, so it takes one
 * certain sign, or two that agree (docs/architecture.md, "Which evidence allows a handshake"):
 *
 *   certain   a port of EPICS, TCP or UDP, by default or as the process's own settings say;
 *             a library that only servers map; a program that is known to serve, with a UDP socket
 *   together  TCP and UDP on one number, and a sign of EPICS: any of its libraries, a script of the
 *             IOC shell or a Python server among the arguments, a word of the command line;
 *             libraries of pvAccess, and a UDP socket: its port may be any
 */
import { type Endpoint, isLoopback } from '../../../model/endpoint';
import type { PvProtocol } from '../../../model/snapshot';
import type { BoundSocket, ProcessInfo, SocketReport } from '../../host/socketReport';
import { iocNames } from './iocName';
import { processKey } from './parseProc';
import { NO_SIGNS, type ProcessSigns } from './processSigns';

/** Default TCP and UDP port of CA servers (CA specification, "Port numbers"). */
export const CA_SERVER_PORT = 5064;
/** Default UDP port of the CA repeater. */
export const CA_REPEATER_PORT = 5065;
/** Default TCP port of pvAccess servers (pvAccess specification, "Transport"). */
export const PVA_SERVER_PORT = 5075;
/** Default UDP port of pvAccess searches. */
export const PVA_BROADCAST_PORT = 5076;

/** A TCP listener that may be an EPICS server. */
export interface ListenerCandidate {
  readonly endpoint: Endpoint;
  readonly inode: number;
  /** What the port number or the process's settings suggest; the handshake decides. */
  readonly expected?: PvProtocol;
}

/** A process that may be an IOC, with its listeners. */
export interface IocCandidate {
  /** Stable as long as the process lives. */
  readonly key: string;
  /** Undefined when the system does not show who owns the sockets. */
  readonly process?: ProcessInfo;
  readonly name: string;
  readonly role: 'ioc' | 'gateway';
  readonly listeners: readonly ListenerCandidate[];
  /** Whether it holds a UDP socket for CA searches, as every CA server does. */
  readonly hasCaUdp: boolean;
  /** UDP ports on which it takes searches, as far as its sockets show. */
  readonly searchPorts: Readonly<Record<PvProtocol, readonly number[]>>;
  /** Number of further listeners, which are left alone. */
  readonly leftOutCount?: number;
}

/** An IOC listens on two or three ports; each one that we examine costs a relay and circuits. */
const MAX_LISTENERS_PER_IOC = 64;
/** For all IOCs of a container together. */
const MAX_LISTENERS = 200;

/**
 * The multicast group in which servers of one machine pass pvAccess searches on to each other
 * (specification).
 */
const PVA_GROUP = '224.0.0.128';

/** Interpreters and supervisors whose EPICS_* environment says nothing about themselves. */
const NOT_EPICS =
  /^(node|code|code-server|sshd|ssh|bash|sh|dash|zsh|fish|tmux.*|screen|nginx|httpd|apache2|systemd.*|dockerd|containerd.*|procServ|supervisord|jupyter.*)$/;

const KNOWN_SERVER =
  /(^|\/)(softIoc\w*|softioc\w*|pythonSoftIOC|ioc|\w*[iI]oc|iocApp|st\.cmd|caproto\S*|pvagw|gateway|ca-gateway|cagateway|pvmailbox|softIocPV[AX]|QSRV)$/;

const GATEWAY = /(^|\/)(pvagw|gateway|ca-gateway|cagateway|p4p\.gw)$/;

/** What the processes of a report may be. */
export interface Detected {
  readonly candidates: readonly IocCandidate[];
  /** Those whose signs would decide (processSigns.ts); at most MAX_UNDECIDED. */
  readonly undecided: readonly Undecided[];
}

/** A process whose signs would decide. */
export interface Undecided {
  readonly process: ProcessInfo;
  /** Changes when it listens on something else: it may have loaded more by then. */
  readonly key: string;
}

/** Each costs up to seven files read. */
const MAX_UNDECIDED = 50;

function signsKey(key: string, sockets: readonly BoundSocket[]): string {
  const listening = sockets.filter(({ transport }) => transport === 'tcp');
  return `${key}/${listening.map(({ inode }) => inode).join()}`;
}

/**
 * Splits a report into candidate processes. Processes that listen nowhere are left out (caRepeater
 * too). `container` names IOCs that have no name of their own; `signsOf` has what is known of the
 * signs of a process, by the key of an `Undecided`.
 */
export function detectIocs(
  report: SocketReport,
  container: string,
  signsOf: (key: string) => ProcessSigns | undefined = () => undefined,
): Detected {
  const ownerOf = new Map<number, ProcessInfo>();
  // Children inherit sockets (a shell started by an IOC): the first holder is the owner.
  for (const process of [...report.processes].sort((a, b) => a.startTicks - b.startTicks)) {
    for (const inode of process.socketInodes) {
      if (!ownerOf.has(inode)) ownerOf.set(inode, process);
    }
  }
  const groups = new Map<string, { process?: ProcessInfo; sockets: BoundSocket[] }>();
  for (const socket of report.sockets) {
    const process = ownerOf.get(socket.inode);
    // For sockets without a known owner: one uid runs one IOC, as far as we can know.
    const key = process ? processKey(process) : `uid${socket.uid}`;
    const group = groups.get(key) ?? { ...(process && { process }), sockets: [] };
    group.sockets.push(socket);
    groups.set(key, group);
  }
  const candidates: IocCandidate[] = [];
  const undecided: Undecided[] = [];
  for (const [key, { process, sockets }] of groups) {
    const ofSigns = signsKey(key, sockets);
    const signs = signsOf(ofSigns);
    const candidate = toCandidate(key, process, sockets, signs ?? NO_SIGNS);
    if (candidate) candidates.push(candidate);
    else if (process && !signs && mayBeServer(process, sockets)) {
      undecided.push({ process, key: ofSigns });
    }
  }
  return {
    candidates: bounded(named(candidates, container)),
    undecided: undecided.slice(0, MAX_UNDECIDED),
  };
}

/** An IOC of which no process is visible. */
const UNKNOWN = 'unknown process';

function named(candidates: readonly IocCandidate[], container: string): IocCandidate[] {
  const visible = candidates.flatMap(({ process }) => process ?? []);
  const names = iocNames(visible, container);
  return candidates.map((candidate) => {
    const name = candidate.process && names[visible.indexOf(candidate.process)];
    return { ...candidate, name: name ?? UNKNOWN };
  });
}

/** Every EPICS server listens on TCP and takes searches by UDP. */
function mayBeServer(process: ProcessInfo, sockets: readonly BoundSocket[]): boolean {
  const has = (wanted: BoundSocket['transport']): boolean =>
    sockets.some(({ transport, port }) => transport === wanted && port >= FIRST_USER_PORT);
  return has('tcp') && has('udp') && !isOfAnother(process);
}

/** Numbers below belong to services of the system. */
const FIRST_USER_PORT = 1024;

/** The candidates within the limits of a container; those with the likeliest ports first. */
function bounded(candidates: readonly IocCandidate[]): IocCandidate[] {
  let left = MAX_LISTENERS;
  return candidates.flatMap((candidate) => {
    const listeners = candidate.listeners.slice(0, Math.min(left, MAX_LISTENERS_PER_IOC));
    left -= listeners.length;
    const leftOutCount = candidate.listeners.length - listeners.length;
    if (leftOutCount === 0) return [candidate];
    return listeners.length === 0 ? [] : [{ ...candidate, listeners, leftOutCount }];
  });
}

function toCandidate(
  key: string,
  process: ProcessInfo | undefined,
  sockets: readonly BoundSocket[],
  signs: ProcessSigns,
): IocCandidate | undefined {
  const ports = epicsPorts({
    ...process?.environment,
    ...settingsIn(process?.commandLine ?? []),
    ...signs.settings,
  });
  const udp = sockets.filter((s) => s.transport === 'udp');
  const listening = sockets.filter((s) => s.transport === 'tcp');
  if (listening.length === 0) return undefined;
  const hasPvaUdp = udp.some((s) => ports.pvaBroadcast.has(s.port) || s.host === PVA_GROUP);
  const pairs = process ? pairedPorts(listening, udp, ports) : [];
  const holdsEpicsPort =
    hasPvaUdp ||
    udp.some((s) => ports.ca.has(s.port)) ||
    listening.some((s) => ports.ca.has(s.port) || ports.pva.has(s.port));
  const isCandidate =
    holdsEpicsPort ||
    signs.libraries === 'server' ||
    (signs.libraries === 'pva' && udp.length > 0) ||
    (process !== undefined && udp.length > 0 && isKnownServer(process)) ||
    (process !== undefined && pairs.length > 0 && isOfEpics(process, signs));
  if (!isCandidate) return undefined;
  // A pair of numbers alone does not make us speak first soon: a slow pvAccess server may have one.
  const isOfCa = signs.libraries === 'ca' || (signs.script === 'serves' && !hasPva(signs));
  if (isOfCa) for (const port of pairs) ports.ca.add(port);
  const hasCaUdp =
    udp.some((s) => ports.ca.has(s.port)) || (pairs.length > 0 && signs.libraries !== 'pva');
  return {
    key,
    ...(process && { process }),
    name: UNKNOWN,
    role: process && isGateway(process) ? 'gateway' : 'ioc',
    listeners: uniqueListeners(listening, ports),
    hasCaUdp: hasCaUdp || process === undefined,
    searchPorts: searchPortsOf(sockets, ports),
  };
}

/**
 * A CA server uses TCP and UDP with the same number, unless another one has that; a pvAccess server
 * joins its group on the UDP port.
 */
function searchPortsOf(
  sockets: readonly BoundSocket[],
  { ca: caPorts, pvaBroadcast }: EpicsPorts,
): IocCandidate['searchPorts'] {
  const listening = new Set(sockets.filter((s) => s.transport === 'tcp').map((s) => s.port));
  const udp = sockets.filter((s) => s.transport === 'udp');
  const pva = udp.filter((s) => s.host === PVA_GROUP || pvaBroadcast.has(s.port));
  const isOfCa = ({ port }: BoundSocket): boolean => listening.has(port) || caPorts.has(port);
  const ca = udp.filter((s) => isOfCa(s) && !pva.some(({ port }) => port === s.port));
  const portsOf = (of: readonly BoundSocket[]): number[] => [...new Set(of.map((s) => s.port))];
  return { ca: portsOf(ca), pva: portsOf(pva) };
}

/** No program has a longer name; the expressions above could take long for longer words. */
const MAX_WORD = 4096;

function isNamedBy(expression: RegExp, words: readonly string[]): boolean {
  return words.some((word) => word.length <= MAX_WORD && expression.test(word));
}

/** Whether its name, or the script that it runs, is that of a program known to serve. */
export function isKnownServer(process: Pick<ProcessInfo, 'commandLine'>): boolean {
  return isNamedBy(KNOWN_SERVER, process.commandLine.slice(0, 3));
}

/** Whether it is a program that is never an EPICS server, whatever it is started with. */
export function isOfAnother({ name }: ProcessInfo): boolean {
  return NOT_EPICS.test(name);
}

/** Whether a word of a command line belongs to EPICS. */
export function isWordOfEpics(word: string): boolean {
  return isNamedBy(EPICS_WORD, [word]);
}

function hasPva({ libraries }: ProcessSigns): boolean {
  return libraries === 'pva' || libraries === 'server';
}

/** A weak sign: it says what software a process is of, but clients have it as well. */
function isOfEpics(process: ProcessInfo, { libraries, script }: ProcessSigns): boolean {
  return libraries !== 'none' || script !== 'none' || isNamedBy(EPICS_WORD, process.commandLine);
}

/** Words of programs, scripts, Java classes and archives that speak EPICS. */
const EPICS_WORD =
  /caproto|pcaspy|softioc|p4p|pvapy|pvaccess|\bcaj\b|\bjca\b|org[./]epics|-DEPICS_|(^|[^a-z])ioc([^a-z]|$)|[a-z]I[oO][cC]\b|\bst\.cmd/;

/**
 * The numbers on which a process listens by TCP and by UDP, as CA servers do. Numbers of the system
 * and of pvAccess do not count.
 */
function pairedPorts(
  listening: readonly BoundSocket[],
  udp: readonly BoundSocket[],
  { pva, pvaBroadcast }: EpicsPorts,
): number[] {
  const numbers = new Set(udp.map(({ port }) => port));
  return listening
    .map(({ port }) => port)
    .filter((port) => port >= FIRST_USER_PORT && numbers.has(port))
    .filter((port) => !pva.has(port) && !pvaBroadcast.has(port));
}

/** Java takes them as properties: `-DEPICS_PVAS_BROADCAST_PORT=6076`. */
function settingsIn(commandLine: readonly string[]): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const word of commandLine.slice(0, MAX_WORDS)) {
    const [, name, value] = /^-D(EPICS_\w{1,40})=(\d{1,5})$/.exec(word) ?? [];
    if (name !== undefined && value !== undefined) settings[name] = value;
  }
  return settings;
}

const MAX_WORDS = 100;

function isGateway(process: ProcessInfo): boolean {
  return isNamedBy(GATEWAY, process.commandLine.slice(0, 4));
}

interface EpicsPorts {
  readonly ca: Set<number>;
  readonly pva: Set<number>;
  readonly pvaBroadcast: Set<number>;
}

/** The ports that this process's own settings name, in addition to the defaults. */
function epicsPorts(environment: Readonly<Record<string, string>>): EpicsPorts {
  const from = (names: string[], fallback: number): Set<number> =>
    new Set([fallback, ...names.map((name) => Number(environment[name]))].filter((p) => p > 0));
  return {
    ca: from(['EPICS_CA_SERVER_PORT', 'EPICS_CAS_SERVER_PORT'], CA_SERVER_PORT),
    pva: from(['EPICS_PVA_SERVER_PORT', 'EPICS_PVAS_SERVER_PORT'], PVA_SERVER_PORT),
    pvaBroadcast: from(
      ['EPICS_PVA_BROADCAST_PORT', 'EPICS_PVAS_BROADCAST_PORT'],
      PVA_BROADCAST_PORT,
    ),
  };
}

/**
 * One listener per port: a server that listens on several addresses is one server. The widest
 * address wins, because it can be reached from the most places; IPv4 before IPv6, as in EPICS.
 */
function uniqueListeners(
  sockets: readonly BoundSocket[],
  ports: { ca: Set<number>; pva: Set<number> },
): ListenerCandidate[] {
  const rank = (host: string): number =>
    host === '0.0.0.0' ? 0 : host === '::' ? 1 : isLoopback(host) ? 4 : host.includes(':') ? 3 : 2;
  const byPort = new Map<number, BoundSocket>();
  for (const socket of sockets) {
    const known = byPort.get(socket.port);
    if (!known || rank(socket.host) < rank(known.host)) byPort.set(socket.port, socket);
  }
  const expectation = (port: number): PvProtocol | undefined =>
    ports.ca.has(port) ? 'ca' : ports.pva.has(port) ? 'pva' : undefined;
  return [...byPort.values()]
    .map(({ host, port, inode }) => {
      const expected = expectation(port);
      return { endpoint: { host, port }, inode, ...(expected && { expected }) };
    })
    .sort((a, b) => Number(!a.expected) - Number(!b.expected) || a.endpoint.port - b.endpoint.port);
}
