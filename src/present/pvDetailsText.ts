import { formatEndpoint, isUnspecified } from '../model/endpoint';
import type { PvPath, PvDetails } from '../model/coreApi';
import type { SearchNode, TreeNode } from './pvTree';
import { stepHealth } from './pvTree';
import type { PvStep } from '../model/pvTable';
import { sizeText, valueText } from '../model/reading';
import type { PvProtocol, RouteKind, ServerState, Snapshot } from '../model/snapshot';
import type { Problem } from '../model/problem';
import type { FrontEndWords } from './frontEndWords';
import { notesText } from './noteText';
import { problemText, PROTOCOL_NAMES, type ProblemText } from './problemText';
import { type Health, reachableText } from './table';

/**
 * One protocol's part of the details of a PV, or a whole tooltip. All texts are plain, none is
 * Markdown.
 */
export interface DetailsSection {
  readonly heading: string;
  /** `none`: nothing is right or wrong. */
  readonly health: Health | 'none';
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

/**
 * What a hover shows about a PV, one section per protocol. `nowMs`: milliseconds since 1970. Shows
 * times, not ages: a hover may stay for some time, and what it says stays true. `snapshot` tells whether
 * a PV that was not found may be there all the same.
 */
export function detailsSections(
  details: PvDetails,
  nowMs: number,
  words: FrontEndWords,
  snapshot?: Snapshot,
): DetailsSection[] {
  if (details.paths.length > 0) {
    return details.paths.map((path) => pathSection(path, details.name, nowMs, words));
  }
  if (details.isAsked) {
    const text = 'no IOC reports this name; they were asked, and not all have answered';
    return [{ heading: NO_ANSWER_YET, health: 'busy', lines: [{ label: 'State', text }] }];
  }
  const incomplete = snapshot ? incompleteLines(snapshot, words) : [];
  return [
    {
      heading: incomplete.length > 0 ? 'not found, and the list is incomplete' : 'not found',
      health: 'bad',
      lines: [
        { label: 'State', text: 'no IOC that is exposed here reports this name' },
        ...incomplete,
        { label: 'What to do', text: `Check its spelling, or ${words.namePvs}.` },
      ],
    },
  ];
}

/** The IOCs that may have more PVs than are listed, each with the reason. */
export function incompleteLines(
  { containers }: Snapshot,
  words: FrontEndWords,
): readonly DetailsLine[] {
  return containers.flatMap(({ name: container, iocs }) =>
    iocs
      .filter(({ mayLackNames }) => mayLackNames === true)
      .map(({ name, namesNotes }) => ({
        label: 'Incomplete',
        text: [`IOC ${name} in container ${container}`, notesText(namesNotes, words)]
          .filter((text) => text !== '')
          .join(': '),
      })),
  );
}

function pathSection(
  path: PvPath,
  name: string,
  nowMs: number,
  words: FrontEndWords,
): DetailsSection {
  const { row, reading } = path;
  const lines: DetailsLine[] = [];
  // The value is the field's; state and path are its record's.
  if (row.name !== name) lines.push({ label: 'Record', text: row.name });
  if (reading) {
    lines.push({ label: 'Value', text: shortened(valueText(reading)) });
    lines.push({ label: 'Size', text: sizeText(reading) });
    lines.push({ label: 'Alarm', text: [reading.severity, reading.alarmMessage ?? ''].join(' ') });
    lines.push({
      label: 'Time',
      text: reading.time ? formatLocal(reading.time) : 'no time stamp',
    });
  } else if (path.readProblem === undefined) {
    lines.push({ label: 'Value', text: NO_ANSWER_YET });
  }
  const isOld = path.readAt !== undefined && nowMs - Date.parse(path.readAt) > OLD_VALUE_MS;
  if (path.readAt !== undefined && (!reading || path.readProblem !== undefined || isOld)) {
    lines.push({ label: 'Read', text: formatMoment(path.readAt, nowMs) });
  }
  if (path.readProblem) {
    const { message } = problemText(path.readProblem, words);
    lines.push({ label: 'No newer value', text: message });
  }
  const failure = failureOf(path, words);
  const since = path.since === undefined ? '' : `, since ${formatMoment(path.since, nowMs)}`;
  lines.push({ label: 'State', text: `${failure?.message ?? STEP_WORDS[row.step]}${since}` });
  if (failure) lines.push({ label: 'What to do', text: failure.advice });
  lines.push({ label: 'Path', text: routeText(path) });
  return {
    heading: `${PROTOCOL_NAMES[row.protocol]} (${path.implementation})`,
    health: path.problem ? 'bad' : stepHealth(row.step),
    lines: lines
      .map(({ label, text }) => ({ label, text: text.trim() }))
      .filter(({ text }) => text !== ''),
  };
}

/** Stands for a value that was requested and has not arrived. */
export const NO_ANSWER_YET = 'no answer yet';

/** A long string or a structure would fill the screen. */
function shortened(text: string): string {
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}...` : text;
}

/** `IOC X (pid 123) in container Y, :5064 → its address → 127.0.0.1:5064` */
function routeText({ row, pid, listening, route, local }: PvPath): string {
  const process = pid === undefined ? '' : ` (pid ${pid})`;
  const port = isUnspecified(listening.host) ? `:${listening.port}` : formatEndpoint(listening);
  return [
    `IOC ${row.iocName}${process} in container ${row.containerName}, ${port}`,
    ...(route ? [ROUTE_WORDS[route]] : []),
    local ? formatEndpoint(local) : 'not on this machine',
  ].join(' \u2192 ');
}

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
        section(node, `container ${name}`, [
          ['Image', image],
          ['Id', id.slice(0, 12)],
          ['State', status],
          ...problemLines(problem, words),
        ]),
      ];
    }
    case 'ioc': {
      const { name, commandLine, pid, startedAt, namesNotes } = node.ioc;
      return [
        section(node, `IOC ${name}`, [
          ['Process', pid === undefined ? '' : `pid ${pid}`],
          ['Up since', startedAt === undefined ? '' : formatMoment(startedAt, nowMs)],
          ['Command', shortened(commandLine)],
          ['PV names', notesText(namesNotes, words)],
        ]),
      ];
    }
    case 'server':
      return [serverSection(node, node.server, nowMs, words)];
    case 'group':
      return [
        section(node, node.group.prefix, [
          ['PVs', `${node.group.reachable} of ${node.group.total} reachable`],
        ]),
      ];
    case 'problem':
      return [section(node, node.problem.message, [['What to do', node.problem.advice]])];
    case 'search':
      return (['ca', 'pva'] as const).map((protocol) =>
        section(node, PROTOCOL_NAMES[protocol], searchLines(node, protocol, words)),
      );
    case 'pv':
      return [];
  }
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
  const { protocol, implementation, listening, route, local, since, pvs, problem, notes } = server;
  return section(node, `${PROTOCOL_NAMES[protocol]} server`, [
    ['Software', implementation],
    ['In the container', formatEndpoint(listening)],
    ['Route', route ? ROUTE_WORDS[route] : ''],
    ['On this machine', local ? formatEndpoint(local) : ''],
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

function section(node: TreeNode, heading: string, lines: [string, string][]): DetailsSection {
  return {
    heading,
    health: node.health,
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
