/** From what is known to findings: what keeps clients from PVs, the cause first. */
import {
  type DuplicatePvs,
  type ExposeRequest,
  type PvDetails,
  type SimilarPv,
  type TracedEndpoint,
  widestSearch,
} from '../coreApi';
import type { IocPlace, RecordPlace } from '../iocPlace';
import type { Problem } from '../problem';
import type { PvProtocol } from '../pvProtocol';
import { type ContainerState, placeOfServer, type ServerState, type Snapshot } from '../snapshot';
import { checkSettings, type ClientSettings, type MachineFacts } from './clientSettings';
import type { NoteCode } from '../note';
import type { Finding, FindingCode, ForeignIoc } from './finding';
import { knownPlaces } from './knownPlaces';
import { brokenRung } from './pvLadder';
import { differingParts } from './slips';
import { checkWorkspace, type WorkspaceFile } from './workspaceSettings';

/** A PV that somebody asked about, and what is known of it. */
export interface AskedPv {
  /** As it was written. */
  readonly name: string;
  /** The protocol that was asked for; absent: either. */
  readonly protocol?: PvProtocol;
  readonly details: PvDetails;
  /** For one that nobody serves. */
  readonly similar: readonly SimilarPv[];
  /** Where files have the record of one that nobody serves. */
  readonly places?: readonly RecordPlace[];
}

/** Everything that is looked at. */
export interface DiagnosisInput {
  readonly snapshot: Snapshot;
  readonly pvs: readonly AskedPv[];
  readonly duplicates: readonly DuplicatePvs[];
  /** Of clients; absent: not looked at. */
  readonly clients?: ClientSettings & { readonly machine: MachineFacts };
  /** What is at endpoints in those settings. */
  readonly traces?: readonly TracedEndpoint[];
  /** The background process, as far as it is known; absent: there is none, or it was not looked at. */
  readonly broker?: BrokerFacts;
  /** IOCs of other users of this machine; absent: not looked for. */
  readonly foreign?: readonly ForeignIoc[];
  /** Files of a folder that make containers, or set up clients; absent: not looked at. */
  readonly files?: readonly WorkspaceFile[];
}

/** What is known of the background process. */
export interface BrokerFacts {
  /** Why it cannot be used. */
  readonly problem?: Problem;
  readonly version?: string;
  /** Of this program. */
  readonly own: string;
  /** What its front ends want. */
  readonly requests: readonly Pick<ExposeRequest, 'search' | 'answers'>[];
}

/**
 * The findings, causes first: PVs that were asked about, what is exposed (only if no PV was asked
 * about, or nobody has one), the settings of clients, PVs that are found and have no value, files of
 * the folder.
 */
export function diagnose(input: DiagnosisInput): readonly Finding[] {
  const ofPvs = input.pvs.flatMap((pv) => pvFindings(pv, input.snapshot));
  const isVague = ofPvs.some(({ code }) => VAGUE.includes(code));
  const isGeneral = input.pvs.length === 0 || isVague;
  const ofAll = isGeneral ? generalFindings(input) : [];
  // Any other name may belong to what is not there.
  const isMisspelt = input.pvs.some(({ name, similar }) =>
    similar.some((one) => isSlip(name, one.name)),
  );
  // Of what is there, the names are known.
  const ofThere = ofAll.filter(({ code }) => isVague && code === 'server-note');
  // Who asks for nothing in particular has probably removed it.
  const removals = ofAll.filter(isRemoval).map((one) => ({ ...one, isNote: !isVague }));
  const ended = ofPvs.flatMap((one) => (one.code === 'pv-ended' ? [one.ioc.containerName] : []));
  // Where the PV was comes before what else is missing.
  const isOfEnded = (one: Finding): boolean =>
    'container' in one && one.container !== undefined && ended.includes(one.container);
  const firm = ofAll.filter((one) => !ofThere.includes(one) && !isRemoval(one));
  const missing = [
    ...[...firm, ...removals].filter(isOfEnded),
    ...firm.filter((one) => !isOfEnded(one)),
  ];
  const others = removals.filter((one) => !isOfEnded(one));
  // What the client finds nothing with comes before what a PV that it finds is.
  const ofFound = ofPvs.filter(({ code }) => code === 'pv-undefined');
  const unfound = ofPvs.filter((finding) => !ofFound.includes(finding));
  const { problem } = input.broker ?? {};
  const silent = problem?.code === 'broker-silent' ? problem : undefined;
  // What its name servers do not answer, and that nobody else has any, is said of the process itself.
  const isNotSaid = (finding: Finding): boolean => {
    const pid = 'owner' in finding ? finding.owner?.process?.pid : undefined;
    const isOfIt = finding.code === 'not-exposed' || (pid !== undefined && pid === silent?.pid);
    return !silent || !isOfIt;
  };
  return [
    ...(input.broker?.problem ? [{ code: 'problem', problem: input.broker.problem } as const] : []),
    ...(isMisspelt
      ? [...unfound, ...missing, ...others]
      : [...missing, ...(isVague ? others : []), ...unfound]),
    ...ofThere,
    ...(input.pvs.length === 0 ? input.duplicates : input.duplicates.filter(isOf(input.pvs))).map(
      (facts): Finding => ({ code: 'duplicates', ...facts }),
    ),
    ...(input.clients ? settingsFindings(input.clients, input).filter(isNotSaid) : []),
    ...ofFound,
    ...(isVague ? [] : others),
    ...brokerNotes(input.broker),
    ...checkWorkspace(input.files ?? [], input.clients?.machine),
  ];
}

/** Why a PV is not found is then said by what is wrong elsewhere. */
const VAGUE: readonly FindingCode[] = ['no-such-pv', 'pv-ended', 'pv-not-answered'];

function isRemoval(finding: Finding): boolean {
  return finding.code === 'problem' && finding.problem.code === 'container-removed';
}

/** What is wrong with what is exposed, and then what is not exposed. */
function generalFindings(input: DiagnosisInput): Finding[] {
  const { engineProblem, ...rest } = input.snapshot;
  const none: Finding[] = engineProblem ? [{ code: 'problem', problem: engineProblem }] : [];
  return [
    ...exposedFindings(rest),
    ...unansweredFindings(input.snapshot),
    ...foreignFindings(input),
    ...none,
  ];
}

/** What was waited for in vain, and is not known to have failed. */
function unansweredFindings({ engines, containers, isSettled }: Snapshot): Finding[] {
  if (isSettled) return [];
  const servers = containers.flatMap(({ name, iocs }) =>
    iocs.flatMap((ioc) =>
      ioc.servers
        .filter(({ status }) => status === 'identifying')
        .map(({ listening }) => ({ container: name, port: listening.port })),
    ),
  );
  return [
    ...engines
      .filter(({ status }) => status === 'connecting')
      .map(({ key }): Finding => ({ code: 'engine-unanswered', uri: key })),
    ...servers.map((facts): Finding => ({ code: 'server-unanswered', ...facts })),
  ];
}

function brokerNotes(broker: BrokerFacts | undefined): Finding[] {
  if (!broker) return [];
  const { version, own, requests } = broker;
  const modes = [...new Set(requests.map(({ search = 'loopback' }) => search))];
  const widest = widestSearch(requests);
  return [
    ...(version !== undefined && version !== own
      ? [{ code: 'broker-differs', version, own, isNote: true } as const]
      : []),
    ...(modes.length > 1
      ? [{ code: 'searches-differ', modes, widest, isNote: true } as const]
      : []),
    ...(['direct', 'relay'].every((wanted) => requests.some(({ answers }) => answers === wanted))
      ? [{ code: 'answers-differ', isNote: true } as const]
      : []),
  ];
}

/** They are the cause, as far as it is known, where somebody looks for a PV or there is no IOC. */
function foreignFindings({ foreign = [], pvs, snapshot }: DiagnosisInput): Finding[] {
  const [first] = foreign;
  if (!first) return [];
  const isKnown = pvs.length > 0 && pvs.every(({ details }) => details.paths.length > 0);
  const isNote =
    isKnown || (pvs.length === 0 && snapshot.containers.some(({ iocs }) => iocs.length > 0));
  return [{ code: 'foreign-ioc', ...first, others: foreign.length - 1, ...(isNote && { isNote }) }];
}

function settingsFindings(
  clients: NonNullable<DiagnosisInput['clients']>,
  { snapshot, pvs, traces = [] }: DiagnosisInput,
): Finding[] {
  const wanted = pvs.map(({ protocol, details: { paths } }) =>
    paths.filter(({ row }) => (protocol ?? row.protocol) === row.protocol),
  );
  const paths = wanted.flat();
  const routes = paths.map(({ route }) => route);
  const asked = paths.map(({ row: { protocol, iocName, containerName } }) => {
    return { protocol, iocName, containerName };
  });
  const isAskedHere = routes.length > 0 && routes.every((route) => route === 'host-network');
  return checkSettings(clients, {
    ...knownPlaces(snapshot),
    ...clients.machine,
    traces,
    ...(asked.length > 0 && { asked }),
    // Of a PV that nobody has, the protocol is not known either.
    ...(wanted.length > 0 &&
      wanted.every(({ length }) => length > 0) && {
        protocols: [...new Set(asked.map(({ protocol }) => protocol))],
      }),
    isAskedHere,
  });
}

/** As long as what is written differently in one place by a slip: letters that are missing or other. */
const SLIP = 3;

/** Whether a name is more likely that of the other misspelt than that of another IOC's PV. */
function isSlip(name: string, other: string): boolean {
  const [a, b] = [name.toLowerCase(), other.toLowerCase()];
  const parts = differingParts(a, b);
  // IOCs of a kind differ in their numbers, or in all of a part of their names.
  if (differInWholePart(a, b)) return false;
  return parts.every((part) => part.length <= SLIP && !/\d/.test(part));
}

/** Whether a part between separators has nothing in common: `B:COUNT` and `A:COUNT`. */
function differInWholePart(a: string, b: string): boolean {
  const [ofA = [], ofB = []] = [a, b].map((name) => name.split(/[:._-]/));
  return (
    ofA.length === ofB.length &&
    ofA.some((part, at) => {
      const other = ofB[at] ?? '';
      return part !== other && part[0] !== other[0] && part.at(-1) !== other.at(-1);
    })
  );
}

function isOf(pvs: readonly AskedPv[]): (duplicate: DuplicatePvs) => boolean {
  const served = pvs.flatMap(({ details }) => details.paths.map(({ row }) => row));
  return ({ iocs, protocol }) =>
    iocs.every((ioc) =>
      served.some(
        (row) =>
          row.protocol === protocol &&
          row.iocName === ioc.iocName &&
          row.containerName === ioc.containerName,
      ),
    );
}

/** What keeps a client from one PV; nothing if it has a value. */
function pvFindings(
  { name, protocol, details, similar, places = [] }: AskedPv,
  snapshot: Snapshot,
): Finding[] {
  const { paths } = details;
  if (paths.length === 0) {
    const place = places.find((one) => isAnswering(one, snapshot));
    if (place) return [{ code: 'not-loaded', pv: name, place }];
    if (details.endedIn) return [{ code: 'pv-ended', pv: name, ioc: details.endedIn }];
    if (details.isAsked) return [{ code: 'pv-not-answered', pv: name }];
    const iocs = snapshot.containers.flatMap((container) => container.iocs);
    const isListIncomplete = iocs.some(({ mayLackNames }) => mayLackNames === true);
    return [{ code: 'no-such-pv', pv: name, similar, isListIncomplete }];
  }
  const asked = paths.filter(({ row }) => (protocol ?? row.protocol) === row.protocol);
  if (asked.length === 0 && protocol) return [{ code: 'other-protocol', pv: name, protocol }];
  const states = asked.map((path) => {
    const place = placeOfServer(snapshot, path.row.serverKey);
    return { path, broken: brokenRung(path, place?.container) };
  });
  const good = states.find(({ path, broken }) => !broken && path.reading && !path.isReading);
  if (good) {
    const { row, reading } = good.path;
    // A record that was never processed has no time, and says UDF.
    const isUndefined = reading?.severity === 'INVALID' && reading.time === undefined;
    return isUndefined ? [{ code: 'pv-undefined', pv: name, ioc: row.iocName, reading }] : [];
  }
  const told = new Set<string>();
  return states.flatMap(({ path: { row, readProblem }, broken }): Finding[] => {
    const problem = broken?.problem ?? readProblem;
    if (!problem) return [{ code: 'pv-not-answered', pv: name }];
    const text = problem.code === 'ioc-gone' ? problem.code : JSON.stringify(problem);
    if (told.has(text)) return []; // the same over both protocols
    told.add(text);
    const { source, iocName, containerName } = row;
    if (source.kind === 'database' && broken?.rung === 'channel' && row.step === 'not-found') {
      const { file, line } = source;
      return [{ code: 'not-loaded', pv: name, place: { iocName, containerName, file, line } }];
    }
    return [{ code: 'pv-not-read', pv: name, protocol: row.protocol, ioc: row.iocName, problem }];
  });
}

/** Whether all servers of an IOC can be asked. Of one that cannot, nobody knows what it has. */
function isAnswering(
  { iocName, containerName }: IocPlace,
  { containers }: Pick<Snapshot, 'containers'>,
): boolean {
  const container = containers.find(({ name }) => name === containerName);
  const servers = container?.iocs.find(({ name }) => name === iocName)?.servers ?? [];
  const isGood = ({ status, problem }: ServerState): boolean =>
    // In a look nothing is relayed.
    problem ? problem.code === 'not-relayed' : status !== 'identifying';
  return !container?.problem && servers.length > 0 && servers.every(isGood);
}

/** The parts of a snapshot that have problems. */
export interface ExposedParts extends Pick<Snapshot, 'engines' | 'engineProblem' | 'notices'> {
  readonly containers: readonly Pick<ContainerState, 'name' | 'problem' | 'iocs'>[];
}

/** Notes that say which PVs of a server clients do not get. */
const KEEPING_NOTES: readonly NoteCode[] = [
  ...(['read-denied', 'channels-refused', 'names-not-served', 'no-answers'] as const),
];

/** Notes that keep only some clients from it, with certain settings. */
const TOLD_NOTES: readonly NoteCode[] = ['published-in-vain', 'ignores-senders'];

/** The problems of everything that is, or should be, exposed. */
export function exposedFindings(snapshot: ExposedParts): Finding[] {
  const { engines, engineProblem, containers, notices = [] } = snapshot;
  const found: Finding[] = [];
  if (engineProblem) found.push({ code: 'problem', problem: engineProblem });
  for (const { problem } of engines) if (problem) found.push({ code: 'problem', problem });
  for (const { name, problem, iocs } of containers) {
    if (problem) found.push({ code: 'problem', problem, container: name });
    // What is so because of that is not said beside it.
    const isWhole = problem === undefined || problem.code === 'cannot-look-inside';
    for (const ioc of isWhole ? iocs : []) {
      const place = { container: name, ioc: ioc.name };
      if (ioc.problem) found.push({ code: 'problem', problem: ioc.problem, ...place });
      const told = new Set<string>();
      for (const server of ioc.servers) {
        const { code } = server.problem ?? {};
        const text = code === 'ioc-gone' ? code : JSON.stringify(server.problem);
        // In a look nothing is relayed, which the settings' finding says.
        const isSaid = code === 'not-relayed' || told.has(text);
        told.add(text);
        if (server.problem && !isSaid) {
          found.push({ code: 'problem', problem: server.problem, ...place });
        }
        for (const note of server.notes ?? []) {
          if (KEEPING_NOTES.includes(note.code))
            found.push({ code: 'server-note', note, ...place });
          if (TOLD_NOTES.includes(note.code))
            found.push({ code: 'server-note', note, ...place, isNote: true });
        }
      }
    }
  }
  for (const problem of notices) found.push({ code: 'problem', problem });
  return found;
}

/**
 * The part of a snapshot that has this container, IOC or server, with its engine and without what is
 * of the whole machine; the whole if there is none.
 */
export function partWith(snapshot: Snapshot, key: string): Snapshot {
  for (const container of snapshot.containers) {
    const iocs = container.iocs.flatMap((ioc) => {
      const servers = ioc.servers.filter((server) => server.key === key);
      return servers.length > 0 ? [{ ...ioc, servers }] : ioc.key === key ? [ioc] : [];
    });
    if (container.key !== key && iocs.length === 0) continue;
    const part = container.key === key ? container : { ...container, iocs };
    const { engineProblem: _, notices: __, ...rest } = snapshot;
    const engines = snapshot.engines.filter((engine) => engine.key === container.engineKey);
    return { ...rest, engines, containers: [part] };
  }
  return snapshot;
}
