/** The way of one PV from its engine to a value, rung by rung. */
import type { PvDetails, PvPath } from '../coreApi';
import { formatEndpoint } from '../endpoint';
import type { Problem, ProblemCode } from '../problem';
import type { PvProtocol } from '../pvProtocol';
import { type ContainerState, placeOfServer, type ServerState, type Snapshot } from '../snapshot';

/** The rungs, from the engine to the value. */
export const RUNGS = [
  'engine',
  'container',
  'process',
  'log',
  'socket',
  'address',
  'filter',
  'route',
  'holder',
  'relay',
  'handshake',
  'search',
  'told',
  'channel',
  'access',
  'read',
  'alarm',
] as const;
/** One of RUNGS. */
export type Rung = (typeof RUNGS)[number];

/** How far it is known that a rung holds. */
export interface RungState {
  readonly rung: Rung;
  /** `unknown`: not checked, because a rung before it is broken, or nobody asked. */
  readonly state: 'fine' | 'broken' | 'unknown';
  /** Names and numbers, as they are; not words. */
  readonly facts: readonly string[];
  readonly problem?: Problem;
}

/** Which rung a problem of a server or PV breaks. */
const RUNG_OF: Partial<Record<ProblemCode, Rung>> = {
  'container-paused': 'container',
  'container-stopped': 'container',
  'container-removed': 'container',
  'container-restarts': 'container',
  'cannot-look-inside': 'container',
  'ioc-gone': 'process',
  'ioc-suspended': 'process',
  'ioc-no-port': 'socket',
  'packets-dropped': 'filter',
  'no-way-in': 'route',
  'port-taken': 'holder',
  'not-relayed': 'relay',
  'relay-ended': 'relay',
  'broker-silent': 'relay',
  'no-handshake': 'handshake',
  disconnected: 'handshake',
  'not-served': 'channel',
  'no-channel': 'channel',
  'no-read-access': 'access',
  'not-read': 'read',
};

/** The last lines that containers printed, by the keys of those whose logs were asked for. */
export type ContainerLogs = ReadonlyMap<string, readonly string[]>;

/** What a ladder may know beside the snapshot. */
export interface LadderFacts {
  readonly logs?: ContainerLogs;
  /** Why the background process, which relays, cannot be used. */
  readonly broker?: Problem | undefined;
}

/** The rungs of one path. What follows a broken one is not known. */
export function pvLadder(
  path: PvPath,
  snapshot: Snapshot,
  { logs, broker }: LadderFacts = {},
): readonly RungState[] {
  const { container, ioc } = placeOfServer(snapshot, path.row.serverKey) ?? {};
  const server = ioc?.servers.find(({ key }) => key === path.row.serverKey);
  const broken = brokenRung(path, container, broker);
  const log = logs?.get(container?.key ?? '');
  const facts = {
    ...factsOf(path, container, server, snapshot),
    ...(log && { log: [`${log.length}`] }),
  };
  let isKnown = true;
  return RUNGS.map((rung): RungState => {
    if (!isKnown) return { rung, state: 'unknown', facts: [] };
    if (broken?.rung !== rung) {
      const state = facts[rung] ? 'fine' : 'unknown';
      return { rung, state, facts: facts[rung] ?? [] };
    }
    isKnown = false;
    return { rung, state: 'broken', facts: facts[rung] ?? [], problem: broken.problem };
  });
}

/** The first rung that is broken, with the reason. */
export function brokenRung(
  path: PvPath,
  container: Pick<ContainerState, 'problem'> | undefined,
  broker?: Problem,
): { readonly rung: Rung; readonly problem: Problem } | undefined {
  const problems: Problem[] = [];
  if (container?.problem) problems.push(container.problem);
  // Of a server of this machine nothing is relayed.
  if (broker && path.route !== 'host-network') problems.push(broker);
  // It is reached all the same, but by its own relay of another number, or without one.
  if (path.problem && path.problem.code !== 'not-relayed') problems.push(path.problem);
  const { step } = path.row;
  if (step === 'no-read-access') {
    problems.push({ code: 'no-read-access', user: path.deniedTo ?? '' });
  } else if (step !== 'reachable' && step !== 'pending') {
    problems.push({ code: 'no-channel', step });
  }
  // A value that is there still is from before.
  if (path.readProblem) problems.push(path.readProblem);
  const known = problems.flatMap((problem) => {
    const rung = RUNG_OF[problem.code];
    return rung ? [{ rung, problem }] : [];
  });
  return known.sort((a, b) => RUNGS.indexOf(a.rung) - RUNGS.indexOf(b.rung))[0];
}

function factsOf(
  path: PvPath,
  container: ContainerState | undefined,
  server: ServerState | undefined,
  snapshot: Snapshot,
): Partial<Record<Rung, readonly string[]>> {
  const { row, listening, local, route, implementation, pid, reading } = path;
  const engine = snapshot.engines.find(({ key }) => key === container?.engineKey);
  const isOpen = row.step === 'reachable' || row.step === 'no-read-access';
  const hasAnswered = implementation !== 'unknown';
  const places = searchPlaces(row.protocol, snapshot);
  const holder = local && holderOf(path, server);
  const told = server?.direct ?? local;
  return {
    ...(engine && { engine: [engine.kind, engine.version, engine.key].filter((t) => t !== '') }),
    ...(container && { container: [container.name, container.status] }),
    process: [row.iocName, ...(pid === undefined ? [] : [`pid ${pid}`])],
    socket: [`${listening.port}`],
    address: [listening.host],
    ...(hasAnswered && { filter: [] }),
    ...(route && { route: [route] }),
    ...(holder && { holder }),
    ...(local && { relay: [formatEndpoint(local)] }),
    ...(hasAnswered && { handshake: [implementation] }),
    ...(places.length > 0 && { search: places }),
    ...(places.length > 0 && told && { told: [formatEndpoint(told)] }),
    ...(isOpen && { channel: [] }),
    ...(row.step === 'reachable' && { access: path.deniedTo === undefined ? [] : [path.deniedTo] }),
    ...(reading &&
      path.isReading !== true && {
        read: [],
        alarm: [reading.severity, reading.alarmMessage ?? ''],
      }),
  };
}

/** Where we answer searches for PVs of that protocol. */
function searchPlaces(protocol: PvProtocol, { nameServers, search }: Snapshot): string[] {
  const [tcp, udp] = [nameServers?.[protocol], search?.[protocol]?.local];
  return [
    ...(tcp ? [`TCP ${formatEndpoint(tcp)}`] : []),
    ...(udp ? [`UDP ${formatEndpoint(udp)}`] : []),
  ];
}

/** Who listens on this machine for it; undefined: not known. */
function holderOf(path: PvPath, server: ServerState | undefined): string[] | undefined {
  if (path.route === 'host-network') return [path.row.iocName];
  if (server?.isRelayed === true) return ['epics-expose'];
  const forwarded = server?.notes?.find((note) => note.code === 'forwarded');
  const owner = forwarded?.owner?.process;
  return owner && [owner.command, `pid ${owner.pid}`];
}

/** The containers whose logs may say more: those of the PVs, else those with a problem; their keys. */
export function containersInQuestion(
  snapshot: Snapshot,
  pvs: readonly { readonly details: PvDetails }[],
): readonly string[] {
  const served = pvs.flatMap(({ details }) =>
    details.paths.flatMap(({ row }) => placeOfServer(snapshot, row.serverKey)?.container.key ?? []),
  );
  if (served.length > 0) return [...new Set(served)];
  return snapshot.containers
    .filter(({ problem, iocs }) => {
      const ofIocs = iocs.flatMap((ioc) => [ioc, ...ioc.servers]);
      return problem !== undefined || ofIocs.some((one) => isBroken(one.problem));
    })
    .map(({ key }) => key);
}

/** In a look nothing is relayed. */
function isBroken(problem: Problem | undefined): boolean {
  return problem !== undefined && problem.code !== 'not-relayed';
}
