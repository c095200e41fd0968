import { formatEndpoint, isUnspecified } from '../model/endpoint';
import type { PvPath, PvDetails } from '../model/coreApi';
import type { SearchNode, TreeNode } from './pvTree';
import { stepHealth } from './pvTree';
import type { PvStep } from '../model/pvTable';
import type { LiveReading } from '../model/liveReading';
import { sizeText, valueText } from '../model/reading';
import type {
  ContainerState,
  PvProtocol,
  RouteKind,
  ServerState,
  Snapshot,
} from '../model/snapshot';
import { exposedFindings } from '../model/diagnosis/diagnose';
import { findingText } from './findingText';
import type { Problem } from '../model/problem';
import type { FrontEndWords } from './frontEndWords';
import { notesText } from './noteText';
import { problemText, PROTOCOL_NAMES, type ProblemText } from './problemText';
import { type Health, isEndedWithoutIoc, reachableText } from './table';

/**
 * One protocol's part of the details of a PV, or a whole tooltip. All texts are plain, none is
 * Markdown.
 */
export interface DetailsSection {
  /** '' where the title says enough. */
  readonly heading: string;
  /** `alarm`: its value is there, with an alarm; `none`: nothing is right or wrong. */
  readonly health: Health | 'alarm' | 'none';
  readonly lines: readonly DetailsLine[];
}

/** A line of a section; plain text. */
export interface DetailsLine {
  readonly label: string;
  readonly text: string;
}

const MAX_VALUE = 300;

/** A value that was read longer ago is shown with that time. */
const OLD_VALUE_MS = 1000;

/** What a hover shows about a PV: what matters first, then the rest. */
export interface PvText {
  readonly head: DetailsSection;
  /** One for each protocol. */
  readonly rest: readonly DetailsSection[];
}

/** What a hover is about, beside the details. */
export interface PvTextOptions {
  /** Comes first: that of the row, or that which was asked for. */
  readonly protocol?: PvProtocol;
  /** The value that is followed over that protocol. */
  readonly live?: {
    readonly reading: LiveReading;
    /** When it came: milliseconds since 1970. */
    readonly receivedAtMs: number;
    /** False: the last one before the PV went away. */
    readonly isCurrent: boolean;
  };
  /** Tells whether a PV that was not found may be there all the same. */
  readonly snapshot?: Snapshot;
}

/**
 * What a hover shows about a PV. `nowMs`: milliseconds since 1970. Shows times, not ages: a hover may
 * stay for some time, and what it says stays true.
 */
export function pvText(
  details: PvDetails,
  nowMs: number,
  words: FrontEndWords,
  { protocol, live, snapshot }: PvTextOptions = {},
): PvText {
  const rank = ({ row }: PvPath): number => (row.protocol === protocol ? 0 : 1);
  const [first, ...others] = [...details.paths].sort((a, b) => rank(a) - rank(b));
  if (!first) return { head: absentSection(details, words, snapshot), rest: [] };
  const told = { nowMs, words };
  return {
    head: headSection(first, details.name, live, told),
    rest: [
      section(pathHeading(first), pathHealth(first), readingLines(first)),
      ...others.map((path) => otherSection(path, details.name, first, told)),
    ],
  };
}

interface Telling {
  readonly nowMs: number;
  readonly words: FrontEndWords;
}

/** What is said of a PV that no path leads to. */
function absentSection(
  { isAsked }: PvDetails,
  words: FrontEndWords,
  snapshot: Snapshot | undefined,
): DetailsSection {
  if (isAsked) {
    const text = 'no IOC reports this name; they were asked, and not all have answered';
    return { heading: NO_ANSWER_YET, health: 'busy', lines: [{ label: 'State', text }] };
  }
  const incomplete = snapshot ? incompleteLines(snapshot, words) : [];
  return {
    heading: incomplete.length > 0 ? 'not found, and the list is incomplete' : 'not found',
    health: 'bad',
    lines: [
      { label: 'State', text: 'no IOC that is exposed here reports this name' },
      ...incomplete,
      { label: 'What to do', text: `Check its spelling, or ${words.namePvs}.` },
    ],
  };
}

/**
 * Where PVs may be that are in no list, each with the reason: first the IOCs and containers that serve
 * nothing, then the IOCs whose lists are incomplete.
 */
export function incompleteLines(
  { containers }: Snapshot,
  words: FrontEndWords,
): readonly DetailsLine[] {
  const iocs = containers.flatMap(({ name: container, iocs }) =>
    iocs.map((ioc) => ({ ...ioc, where: `IOC ${ioc.name} in container ${container}` })),
  );
  const texts = [
    ...iocs.flatMap(({ where, problem, servers }) =>
      problem && servers.length === 0 ? [`${where}: ${problemText(problem, words).message}`] : [],
    ),
    ...containers.flatMap((container) =>
      container.problem && isEndedWithoutIoc(container)
        ? [problemText(container.problem, words).message]
        : [],
    ),
    ...iocs
      .filter(({ mayLackNames }) => mayLackNames === true)
      .map(({ where, namesNotes }) =>
        [where, notesText(namesNotes, words)].filter((text) => text !== '').join(': '),
      ),
  ];
  return texts.map((text) => ({ label: 'Incomplete', text }));
}

/** Value, alarm, state and path: what most hovers are for. */
function headSection(
  path: PvPath,
  name: string,
  live: PvTextOptions['live'],
  { nowMs, words }: Telling,
): DetailsSection {
  const { row, reading, readAt, readProblem } = path;
  const failure = failureOf(path, words);
  const readAtMs = readAt === undefined ? -Infinity : Date.parse(readAt);
  const isOld = readAt !== undefined && nowMs - readAtMs > OLD_VALUE_MS;
  // What is followed may be there while a read takes its time.
  const isLive = live?.isCurrent === true;
  const isNewer = live && live.receivedAtMs > readAtMs + (isLive ? OLD_VALUE_MS : 0);
  const newer = isNewer ? live.reading : undefined;
  const moment = isNewer ? new Date(live.receivedAtMs).toISOString() : readAt;
  const value = newer ? newer.text : reading ? shortened(valueText(reading)) : '';
  const alarm = newer ? alarmText(newer) : reading ? alarmText(reading) : '';
  const isWaiting = value === '' && readProblem === undefined;
  const isStale = newer ? !isLive : !reading || readProblem !== undefined || isOld;
  return section('', headHealth(path, newer ?? reading), [
    // The value is the field's; state and path are its record's.
    ['Record', row.name === name ? '' : row.name],
    ['Value', isWaiting ? NO_ANSWER_YET : value],
    ['Alarm', alarm],
    ['Read', moment !== undefined && isStale ? formatMoment(moment, nowMs) : ''],
    [
      value === '' ? 'No value' : 'No newer value',
      readProblem && !(newer && isLive) ? noNewerValue(readProblem, failure, words) : '',
    ],
    ['State', stateText(path, name, failure, nowMs)],
    ['What to do', failure?.advice ?? ''],
    ['Path', routeText(path)],
  ]);
}

/** The same cause is not told twice. */
function noNewerValue(
  problem: Problem,
  failure: ProblemText | undefined,
  words: FrontEndWords,
): string {
  const { message } = problemText(problem, words);
  return message === failure?.message ? '' : message;
}

/** What differs over another protocol. */
function otherSection(
  path: PvPath,
  name: string,
  first: PvPath,
  { nowMs, words }: Telling,
): DetailsSection {
  const { reading, readProblem } = path;
  const [failure, firstFailure] = [failureOf(path, words), failureOf(first, words)];
  const value = reading ? shortened(valueText(reading)) : '';
  const isSameValue = first.reading !== undefined && value === shortened(valueText(first.reading));
  const isSameAlarm = first.reading && reading && alarmText(first.reading) === alarmText(reading);
  const isSameFailure = failure !== undefined && failure.message === firstFailure?.message;
  const why = readProblem ? noNewerValue(readProblem, failure, words) : '';
  const isSameWhy = first.readProblem && why === problemText(first.readProblem, words).message;
  return section(pathHeading(path), pathHealth(path), [
    ['Value', reading && isSameValue ? THE_SAME : value],
    ['Alarm', reading && !isSameAlarm ? alarmText(reading) : ''],
    ...(isSameValue ? [] : readingLines(path)),
    [reading ? 'No newer value' : 'No value', why !== '' && isSameWhy ? THE_SAME : why],
    ['State', isSameFailure ? THE_SAME : stateText(path, name, failure, nowMs)],
    ['What to do', isSameFailure ? '' : (failure?.advice ?? '')],
    ['Path', routeText(path, first)],
  ]);
}

const THE_SAME = 'the same';

function readingLines({ reading }: PvPath): [string, string][] {
  if (!reading) return [];
  return [
    ['Size', sizeText(reading)],
    ['Time', reading.time ? formatLocal(reading.time) : 'no time stamp'],
  ];
}

function pathHeading({ row, implementation }: PvPath): string {
  return `${PROTOCOL_NAMES[row.protocol]} (${implementation})`;
}

function pathHealth(path: PvPath): Health {
  return path.problem || isUnread(path) ? 'bad' : stepHealth(path.row.step);
}

function headHealth(
  path: PvPath,
  value: { readonly severity?: string } | undefined,
): DetailsSection['health'] {
  const { severity } = value ?? {};
  const { readProblem: _, ...rest } = path;
  // What is followed may have come although a read failed.
  const health = pathHealth(value ? rest : path);
  return health === 'good' && severity !== undefined && severity !== 'NO_ALARM' ? 'alarm' : health;
}

function alarmText({
  severity = 'NO_ALARM',
  alarmMessage = '',
}: Pick<LiveReading, 'severity' | 'alarmMessage'>): string {
  return `${severity} ${alarmMessage}`.trim();
}

function stateText(
  path: PvPath,
  name: string,
  failure: ProblemText | undefined,
  nowMs: number,
): string {
  const { row, since } = path;
  const from = since === undefined ? '' : `, since ${formatMoment(since, nowMs)}`;
  const ofRecord = isUnread(path) && row.name !== name ? RECORD_STEP_WORDS[row.step] : undefined;
  return `${failure?.message ?? ofRecord ?? STEP_WORDS[row.step]}${from}`;
}

/** Whether reading failed, and there is no earlier value. */
function isUnread({ reading, readProblem }: PvPath): boolean {
  return readProblem !== undefined && reading === undefined;
}

/** Stands for a value that was requested and has not arrived. */
export const NO_ANSWER_YET = 'no answer yet';

/** A long string or a structure would fill the screen. */
function shortened(text: string): string {
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}...` : text;
}

/**
 * `IOC X (pid 123) in container Y, :5064 → its address → 127.0.0.1:5064`; without the IOC, where that
 * is the one of the path before. Where clients are sent without a relay, that address comes first.
 */
function routeText(path: PvPath, before?: PvPath): string {
  const { row, pid, listening, route, local, direct } = path;
  const process = pid === undefined ? '' : ` (pid ${pid})`;
  const isSameIoc =
    before?.pid === pid &&
    before?.row.iocName === row.iocName &&
    before.row.containerName === row.containerName;
  const port = isUnspecified(listening.host) ? `:${listening.port}` : formatEndpoint(listening);
  const relayed = [
    ...(route ? [ROUTE_WORDS[route]] : []),
    local ? formatEndpoint(local) : 'not on this machine',
  ].join(ARROW);
  return [
    isSameIoc ? port : `IOC ${row.iocName}${process} in container ${row.containerName}, ${port}`,
    direct ? `${formatEndpoint(direct)}, or${ARROW}${relayed}` : relayed,
  ].join(ARROW);
}

const ARROW = ' \u2192 ';

/** What each kind of route is called. */
export const ROUTE_WORDS: Record<RouteKind, string> = {
  'host-network': 'host network',
  published: 'published port',
  address: "the container's address",
  entered: "agent in the container's network",
  'exec-node': 'agent in the container (node)',
  'exec-python': 'agent in the container (python3)',
  'exec-connector': 'one connector in the container per connection',
  demo: 'built-in demo',
};

const STEP_WORDS: Record<PvStep, string> = {
  pending: 'asked, not answered yet',
  reachable: 'reachable',
  'no-read-access': 'a client gets a channel, but no read access',
  'not-found': 'the server reports that it has no such PV',
  'create-refused': 'the server has it, but refuses the channel',
  disconnected: 'it was reachable, but its circuit or channel is gone',
  'no-answer': 'the server did not answer in time',
  'name-too-long': 'its name is longer than the server accepts',
  'ends-circuit': 'the server ends the circuit when it is asked for this name',
  'not-served': 'this server does not serve it; the other protocol does',
};

/** Of a field that was not read. */
const RECORD_STEP_WORDS: Partial<Record<PvStep, string>> = { reachable: 'its record is reachable' };

const STEP_ADVICE: Partial<Record<PvStep, string>> = {
  'not-found': 'Check its spelling, and with dbl in the IOC shell that its database is loaded.',
  'create-refused': "Check the IOC's access security file, or the gateway's list of PVs.",
  'no-read-access': "Check the IOC's access security file: which users and hosts may read it.",
  disconnected: "Check the IOC's console; it is exposed again as soon as it listens.",
  'name-too-long': 'No client can read it from there; give it a shorter name.',
  'ends-circuit': 'Do not use this name: a client that asks for it loses all PVs of this server.',
  'no-answer': 'Check that the IOC is not busy or stopped in a debugger; it is asked again.',
};

function failureOf(
  { problem, row, deniedTo, implementation }: PvPath,
  words: FrontEndWords,
): ProblemText | undefined {
  if (problem) return problemText(problem, words);
  const advice = STEP_ADVICE[row.step];
  if (advice === undefined) return undefined;
  if (row.step === 'name-too-long') {
    return { message: `its name is longer than ${implementation} accepts`, advice };
  }
  const forWhom = deniedTo === undefined ? '' : ` for ${deniedTo}`;
  return { message: `${STEP_WORDS[row.step]}${forWhom}`, advice };
}

/** The tooltips of the lines above the PVs; empty for a PV, whose tooltip needs its details. */
export function tooltipSections(
  node: TreeNode,
  nowMs: number,
  words: FrontEndWords,
): DetailsSection[] {
  switch (node.kind) {
    case 'container': {
      const { name, image, id, status, problem } = node.container;
      return [
        section(`container ${name}`, node.health, [
          ['Image', image],
          ['Id', id.slice(0, 12)],
          ['State', status],
          ...problemLines(problem, words),
        ]),
        ...findingSections([{ name, iocs: node.container.iocs }], words),
      ];
    }
    case 'ioc': {
      const { name, commandLine, pid, startedAt, namesNotes } = node.ioc;
      return [
        section(`IOC ${name}`, node.health, [
          ['Process', pid === undefined ? '' : `pid ${pid}`],
          ['Up since', startedAt === undefined ? '' : formatMoment(startedAt, nowMs)],
          ['Command', shortened(commandLine)],
          ['PV names', notesText(namesNotes, words)],
        ]),
        ...findingSections([{ name: '', iocs: [node.ioc] }], words),
      ];
    }
    case 'server':
      return [serverSection(node, node.server, nowMs, words)];
    case 'group':
      return [
        section(node.group.prefix, node.health, [
          ['PVs', `${node.group.reachable} of ${node.group.total} reachable`],
        ]),
      ];
    case 'problem':
      return [section(node.problem.message, node.health, [['What to do', node.problem.advice]])];
    case 'search':
      return (['ca', 'pva'] as const).map((protocol) =>
        section(PROTOCOL_NAMES[protocol], node.health, searchLines(node, protocol, words)),
      );
    case 'filter':
    case 'pv':
      return [];
  }
}

/** A hover is no list. */
const MAX_FINDINGS = 3;

/** What is wrong below a line, so that a red one says why. */
function findingSections(
  containers: readonly Pick<ContainerState, 'name' | 'problem' | 'iocs'>[],
  words: FrontEndWords,
): DetailsSection[] {
  const findings = exposedFindings({ engines: [], containers });
  const rest = findings.length - MAX_FINDINGS;
  return [
    ...findings.slice(0, MAX_FINDINGS).map((finding) => {
      const { message, advice } = findingText(finding, words);
      return section(message, 'bad', [['What to do', advice]]);
    }),
    ...(rest > 0 ? [section(`${rest} more`, 'bad', [])] : []),
  ];
}

function searchLines(
  { search, nameServers }: SearchNode,
  protocol: PvProtocol,
  words: FrontEndWords,
): [string, string][] {
  const prefix = `EPICS_${protocol.toUpperCase()}`;
  const server = nameServers[protocol];
  const { local, alsoAt = [], broadcasts, problem } = search[protocol] ?? {};
  const places = [...(local ? [local] : []), ...alsoAt].map(formatEndpoint).join(', ');
  return [
    ['Name server', server ? `${formatEndpoint(server)}, for ${prefix}_NAME_SERVERS` : 'none'],
    ['By UDP', places === '' ? 'not answered' : `${places}, for ${prefix}_ADDR_LIST`],
    [
      'Broadcasts',
      broadcasts
        ? `of this machine's own clients, to ${broadcasts.join(', ')}`
        : `not received; see ${words.searchMode}`,
    ],
    ...problemLines(problem, words),
  ];
}

function serverSection(
  node: TreeNode,
  server: ServerState,
  nowMs: number,
  words: FrontEndWords,
): DetailsSection {
  const { protocol, implementation, listening, route, local, direct, since } = server;
  const { pvs, problem, notes } = server;
  return section(`${PROTOCOL_NAMES[protocol]} server`, node.health, [
    ['Software', implementation],
    ['In the container', formatEndpoint(listening)],
    ['Route', route ? ROUTE_WORDS[route] : ''],
    ['On this machine', local ? formatEndpoint(local) : ''],
    ['Clients are sent to', direct ? `${formatEndpoint(direct)}, without a relay` : ''],
    [
      'State',
      `${server.status}${since === undefined ? '' : `, since ${formatMoment(since, nowMs)}`}`,
    ],
    ['PVs', `${reachableText(pvs)}${pvs.pending > 0 ? `, ${pvs.pending} asked` : ''}`],
    ...problemLines(problem, words),
    ['Note', notesText(notes, words)],
  ]);
}

function problemLines(problem: Problem | undefined, words: FrontEndWords): [string, string][] {
  if (!problem) return [];
  const { message, advice } = problemText(problem, words);
  return [
    ['Problem', message],
    ['What to do', advice],
  ];
}

function section(
  heading: string,
  health: DetailsSection['health'],
  lines: readonly (readonly [label: string, text: string])[],
): DetailsSection {
  return {
    heading,
    health,
    lines: lines.filter(([, text]) => text !== '').map(([label, text]) => ({ label, text })),
  };
}

/**
 * An ISO time as local time, to the second, with the day unless that is today. `nowMs`: milliseconds
 * since 1970.
 */
export function formatMoment(isoTime: string, nowMs: number): string {
  const [day = '', time] = formatLocal(isoTime).split(' ');
  if (time === undefined) return 'an unknown time';
  const seconds = time.slice(0, 'HH:MM:SS'.length);
  const [today] = formatLocal(new Date(nowMs).toISOString()).split(' ');
  return day === today ? seconds : `${day} ${seconds}`;
}

/** An ISO time as local time, to the millisecond; anything else unchanged. */
export function formatLocal(isoTime: string): string {
  const at = new Date(isoTime);
  if (Number.isNaN(at.getTime())) return isoTime;
  const two = (number: number, digits = 2): string => String(number).padStart(digits, '0');
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => two(part)).join(':');
  return `${date} ${time}.${two(at.getMilliseconds(), 3)}`;
}
