import { printable } from '../base/printable';
import type { AskedPv } from '../model/diagnosis/diagnose';
import type { Finding } from '../model/diagnosis/finding';
import type { Identity } from '../model/identity';
import type { PvReading } from '../model/reading';
import type { Snapshot } from '../model/snapshot';
import { alignColumns } from './alignColumns';
import { diagnosisLines } from './diagnosisText';
import type { FrontEndWords } from './frontEndWords';
import { problemText } from './problemText';
import { tableNotes, tableRows } from './table';

/** What a report is made of. */
export interface ReportInput {
  /** What made it, a line each: programs with their versions, the system. */
  readonly versions: readonly string[];
  /** ISO 8601. */
  readonly time: string;
  /** Where it may be sent: a URL. */
  readonly address: string;
  readonly snapshot: Snapshot;
  readonly findings: readonly Finding[];
  readonly pvs: readonly AskedPv[];
  /** The end of the background process' log; undefined: there is none. */
  readonly log: string | undefined;
  readonly identity: Identity;
  readonly words: FrontEndWords;
}

/** Lines of the log that are told. */
const LOG_LINES = 200;
/** Rows and lines of each part; a bug shows in less. */
const MAX_LINES = 500;

/**
 * A report for the developers, as printable lines: what there is, how it is, and why, without values
 * of PVs, credentials and the names of user and machine. It says so, and where to send it.
 */
export function reportLines(input: ReportInput): readonly string[] {
  const { versions, time, address, snapshot, findings, pvs, log, identity, words } = input;
  const asked = pvs.map(withoutValues);
  const parts: [string, readonly string[]][] = [
    ['Versions', versions],
    ['Engines', engineLines(snapshot, words)],
    ['Servers', serverLines(snapshot)],
    ['Notes', tableNotes(snapshot, words)],
    ['Diagnosis', diagnosisLines(findings, asked, snapshot, words)],
    ['Log of the background process', (log ?? 'none').trimEnd().split('\n').slice(-LOG_LINES)],
  ];
  const lines = [
    `Report of epics-expose, ${time}`,
    '',
    `Read it before you attach it at ${address}: names of containers, IOCs and PVs, addresses and`,
    'the log are in it, and the last line of an IOC that does not start. Values of PVs, credentials, your',
    'name and that of this machine are left out.',
    ...parts.flatMap(([title, text]) => ['', `== ${title}`, ...bounded(text)]),
  ];
  return lines.map((line) => printable(withoutIdentity(line, identity)));
}

function bounded(lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return ['none'];
  if (lines.length <= MAX_LINES) return lines;
  return [...lines.slice(0, MAX_LINES), `... ${lines.length - MAX_LINES} more`];
}

function engineLines({ engines, engineProblem }: Snapshot, words: FrontEndWords): string[] {
  return [
    ...(engineProblem ? [problemText(engineProblem, words).message] : []),
    ...engines.flatMap(({ kind, version, key, isRootless, status, problem }) => [
      `${kind} ${version}${isRootless === true ? ' rootless' : ''}, ${status}, ${key}`,
      ...(problem ? [`  ${problemText(problem, words).message}`] : []),
    ]),
  ];
}

function serverLines(snapshot: Snapshot): readonly string[] {
  const images = snapshot.containers.map(
    ({ name, image, status }) => `${name}: ${image}, ${status}`,
  );
  const rows = tableRows(snapshot).map(({ container, ioc, server, local, pvs }) => [
    ...[container, ioc, server, local, pvs],
  ]);
  return [...images, ...alignColumns(rows).map((line) => line.trimEnd())];
}

function withoutValues(pv: AskedPv): AskedPv {
  // What raised an alarm may be said with its value.
  const hide = ({ severity, time }: PvReading): PvReading => ({
    ...{ value: '(a value)', severity },
    ...(time !== undefined && { time }),
  });
  const paths = pv.details.paths.map((path) =>
    path.reading ? { ...path, reading: hide(path.reading) } : path,
  );
  return { ...pv, details: { ...pv.details, paths } };
}

/** Names are left out where they tell who it is: as words they may be anything else. */
function withoutIdentity(text: string, { user, host, home }: Identity): string {
  // A password may have any of `/` and `@` in it.
  let left = text.replace(/(\/\/)[^\s'"]{1,300}@/g, '$1USER@');
  if (home.length > 1) left = left.replace(new RegExp(`${escaped(home)}(?![\\w-])`, 'g'), '~');
  if (user !== '') {
    const name = escaped(user);
    left = left
      // A part of a path, a Windows domain's, or what is said to be a user.
      .replace(new RegExp(`([/\\\\]|(?:user|uid|login)[=: ]+)${name}(?![\\w-])`, 'gi'), '$1USER')
      .replace(new RegExp(`(epics-expose-)${name}(?![\\w])`, 'g'), '$1USER')
      .replace(new RegExp(`(?<![\\w-])${name}(?=@| on )`, 'g'), 'USER');
  }
  const [short = ''] = host.split('.');
  for (const one of new Set([host, short])) {
    if (one === '' || one === 'localhost') continue;
    left = left.replace(new RegExp(`(?<![\\w-])${escaped(one)}(?![\\w-])`, 'g'), 'HOST');
  }
  return left;
}

function escaped(text: string): string {
  return text.replace(/[^\w]/g, '\\$&');
}
