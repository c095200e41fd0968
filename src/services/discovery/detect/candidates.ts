/**
 * Which processes of a container may be EPICS servers, judging by the sockets they hold. A
 * candidate is only a suspicion; the handshake (identifyServer.ts) proves it. Ports of processes
 * without any sign of EPICS are not candidates, because we do not talk to unrelated programs.
 */
import type { Endpoint } from '../../../model/endpoint';
import type { PvProtocol } from '../../../model/snapshot';
import type { BoundSocket, ProcessInfo, SocketReport } from '../../host/socketReport';

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
  /** Whether it holds a UDP socket on a CA search port, as every CA server does. */
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

/**
 * Splits a report into candidate processes. Processes that listen nowhere are left out (caRepeater
 * too).
 */
export function findIocCandidates(report: SocketReport): IocCandidate[] {
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
    const key = process ? `${process.pid}@${process.startTicks}` : `uid${socket.uid}`;
    const group = groups.get(key) ?? { ...(process && { process }), sockets: [] };
    group.sockets.push(socket);
    groups.set(key, group);
  }
  const candidates: IocCandidate[] = [];
  for (const [key, { process, sockets }] of groups) {
    const candidate = toCandidate(key, process, sockets);
    if (candidate) candidates.push(candidate);
  }
  return bounded(candidates);
}

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
): IocCandidate | undefined {
  const ports = epicsPorts(process?.environment ?? {});
  const udpPorts = new Set(sockets.filter((s) => s.transport === 'udp').map((s) => s.port));
  const hasCaUdp = [...ports.ca].some((port) => udpPorts.has(port));
  const hasPvaUdp = [...ports.pvaBroadcast].some((port) => udpPorts.has(port));
  const listening = sockets.filter((s) => s.transport === 'tcp');
  if (listening.length === 0) return undefined;
  const holdsEpicsPort = listening.some((s) => ports.ca.has(s.port) || ports.pva.has(s.port));
  if (!hasCaUdp && !hasPvaUdp && !holdsEpicsPort && !looksLikeEpics(process)) return undefined;
  return {
    key,
    ...(process && { process }),
    name: process ? iocName(process) : 'unknown process',
    role: process && isGateway(process) ? 'gateway' : 'ioc',
    listeners: uniqueListeners(listening, ports),
    hasCaUdp: hasCaUdp || process === undefined,
    searchPorts: searchPortsOf(sockets, ports),
  };
}

/**
 * A CA server uses TCP and UDP with the same number; a pvAccess server joins its group on the UDP
 * port.
 */
function searchPortsOf(
  sockets: readonly BoundSocket[],
  { pvaBroadcast }: { pvaBroadcast: ReadonlySet<number> },
): IocCandidate['searchPorts'] {
  const listening = new Set(sockets.filter((s) => s.transport === 'tcp').map((s) => s.port));
  const udp = sockets.filter((s) => s.transport === 'udp');
  const pva = udp.filter((s) => s.host === PVA_GROUP || pvaBroadcast.has(s.port));
  const ca = udp.filter((s) => listening.has(s.port) && !pva.some(({ port }) => port === s.port));
  const portsOf = (of: readonly BoundSocket[]): number[] => [...new Set(of.map((s) => s.port))];
  return { ca: portsOf(ca), pva: portsOf(pva) };
}

/** No program has a longer name; the expressions above could take long for longer words. */
const MAX_WORD = 4096;
/** The longest name that is displayed. */
const MAX_NAME = 200;

function isNamedBy(expression: RegExp, words: readonly string[]): boolean {
  return words.some((word) => word.length <= MAX_WORD && expression.test(word));
}

function looksLikeEpics(process: ProcessInfo | undefined): boolean {
  if (!process) return false;
  if (isNamedBy(KNOWN_SERVER, process.commandLine.slice(0, 3))) return true;
  if (NOT_EPICS.test(process.name)) return false;
  return Object.keys(process.environment).some((name) => /^(EPICS_CAS?_|EPICS_PVAS?_)/.test(name));
}

function isGateway(process: ProcessInfo): boolean {
  return isNamedBy(GATEWAY, process.commandLine.slice(0, 4));
}

/** The ports that this process's own settings name, in addition to the defaults. */
function epicsPorts(environment: Readonly<Record<string, string>>): {
  ca: Set<number>;
  pva: Set<number>;
  pvaBroadcast: Set<number>;
} {
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
    host === '0.0.0.0' ? 0 : host === '::' ? 1 : !host.includes(':') ? 2 : 3;
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

/**
 * A name for the IOC as its user would call it: IOC_NAME, else the folder of its st.cmd
 * (bl01t-ea-test-01/st.cmd, iocBoot/iocX/st.cmd), else its script or database file, else the
 * program.
 */
export function iocName(process: ProcessInfo): string {
  const name = fullName(process);
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME)}...`;
}

function fullName(process: ProcessInfo): string {
  const named = process.environment['IOC_NAME'] ?? process.environment['IOC'];
  if (named) return named;
  const words = process.commandLine;
  const startScript = words.find((word) => /(^|\/)st\.cmd$/.test(word));
  if (startScript !== undefined) {
    const path = startScript.startsWith('/')
      ? startScript
      : `${process.workingDirectory ?? ''}/${startScript}`;
    const folders = path.split('/').filter((part) => part !== '' && part !== '.');
    const folder = folders.at(-2);
    if (folder !== undefined && folder !== 'runtime' && folder !== 'ioc') return folder;
  }
  if (/^python[\d.]*$/.test(process.name)) {
    const module = words[words.indexOf('-m') + 1];
    if (words.includes('-m') && module !== undefined) return module;
    const script = words.slice(1).find((word) => !word.startsWith('-'));
    if (script !== undefined) return baseName(script).replace(/\.py$/, '');
  }
  const database = words.find((word) => /\.(db|cmd)$/.test(word));
  if (database !== undefined) return `${process.name} ${baseName(database)}`;
  return process.name;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
