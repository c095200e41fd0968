/** docs/doctor.md: what `epics-expose doctor` says, made from the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { printable } from '../../src/base/printable';
import {
  type Client,
  CLIENT_NAMES,
  type ClientName,
  CLIENTS,
  type LibraryRules,
} from '../../src/model/diagnosis/clients';
import type { Finding, FindingCode } from '../../src/model/diagnosis/finding';
import type { Problem, ProblemCode } from '../../src/model/problem';
import { setUpTriedWith } from '../../src/present/clientSetUp';
import { findingText } from '../../src/present/findingText';
import { TERMINAL_WORDS } from '../../src/present/frontEndWords';
import { capital, problemText } from '../../src/present/problemText';
import {
  CONTAINER_FAULTS,
  type FaultRow,
  OTHER_FAULTS,
  PHOEBUS_FAULTS,
  SETTINGS_FAULTS,
} from './faultTable';
import { FINDING_SAMPLES, PROBLEM_SAMPLES } from './samples';

const HEAD = `# What the doctor says

\`epics-expose doctor\` says in its first line why a PV cannot be read here, and below it what to do. \`npm run doctor-page\`
makes this page from the code, with examples in place of names and numbers. What is marked _note_ keeps nobody from a PV:
it stands at the end and changes no exit code. In \`doctor --json\` the first column is \`code\`.

_Tried with_ names the real clients that failed for that reason in \`test/interop/doctor.test.ts\`, and that read the PV
after the advice had been followed. A rule without one is from sources or from what was seen by hand.
`;

/** Real clients, by the findings that name why they failed. */
const TRIED: Readonly<Partial<Record<FindingCode, string>>> = {
  'list-separator': 'libca, PVXS, CAJ, core-pva',
  'entry-no-address': 'libca, core-pva',
  'name-server-udp-port': 'PVXS, core-pva',
  'name-server-other-protocol': 'libca',
  'search-entry': 'libca, PVXS',
  'search-port': 'libca',
  'variable-unknown': 'libca',
  'not-set-up': 'libca, PVXS, CAJ, core-pva',
  'not-searched': 'caproto, pvAccessCPP',
  'only-some-clients': 'caproto, pvAccessCPP, CAJ',
  'preference-unknown': 'core-pva',
};

/** The last finding of each part. */
const PARTS: readonly (readonly [string, FindingCode])[] = [
  ['The settings of clients', 'not-exposed'],
  ['Files that make containers', 'file-not-read'],
  ['What is exposed', 'duplicates'],
  ['One PV', 'pv-undefined'],
];

/** Problems of the background process are none of the doctor. */
const isOfDoctor = (code: string): boolean => !code.startsWith('broker-');

/** The text of docs/doctor.md. */
export function doctorPage(): string {
  const causes = causesInCode();
  const codes = Object.keys(FINDING_SAMPLES) as FindingCode[];
  let start = 0;
  const parts = PARTS.map(([title, last]) => {
    const end = codes.indexOf(last) + 1;
    const rows = codes.slice(start, end).map((code) => findingRow(code, causes));
    start = end;
    return section(title, ['finding', 'line', 'cause', 'what to do', 'tried with'], rows);
  });
  return `${HEAD}${parts.join('')}${problems()}${faults()}${clients()}`;
}

/** Where the faults of each table are made. */
const FAULT_FILES: readonly (readonly [string, Readonly<Record<string, FaultRow>>, string?])[] = [
  ['faults', CONTAINER_FAULTS],
  ['doctor', { ...SETTINGS_FAULTS, ...OTHER_FAULTS }],
  ['doctor', PHOEBUS_FAULTS, 'the printed line in settings.ini; CAJ, core-pva'],
];

function faults(): string {
  const rows = FAULT_FILES.flatMap(([file, table, cured]) =>
    Object.entries(table).map(([title, { line, cure }]) => {
      const text = line.replaceAll('{n}', 'N').replaceAll('{}', '...').replaceAll(' || ', ', or ');
      return [title, text, cure ?? cured ?? '', `${file}.test.ts`];
    }),
  );
  const heads = [
    'what is wrong',
    'the first line begins',
    'what cured it, for which client',
    'made in',
  ];
  return section(`${rows.length} faults that are made with real IOCs and clients`, heads, rows);
}

function findingRow(code: FindingCode, causes: ReadonlyMap<string, string>): string[] {
  const finding = { code, ...FINDING_SAMPLES[code] } as Finding;
  const { message, advice } = findingText(finding, TERMINAL_WORDS);
  const name = finding.isNote === true ? `${code} (note)` : code;
  return [name, message, causes.get(code) ?? '', advice, TRIED[code] ?? ''];
}

function problems(): string {
  const codes = (Object.keys(PROBLEM_SAMPLES) as ProblemCode[]).filter(isOfDoctor);
  const rows = codes.map((code) => {
    const problem = { code, ...PROBLEM_SAMPLES[code] } as Problem;
    const { message, advice } = problemText(problem, TERMINAL_WORDS);
    return [code, capital(message), advice];
  });
  return section('Problems', ['problem', 'line', 'what to do'], rows);
}

function clients(): string {
  const rows = CLIENT_NAMES.flatMap((name) =>
    (['ca', 'pva'] as const).flatMap((protocol) => {
      const client: Client = CLIENTS[name];
      const rules = client[protocol];
      return rules
        ? [[name, protocol.toUpperCase(), ...clientCells(name, client, rules, protocol)]]
        : [];
    }),
  );
  const heads = [
    ...['`--client`', 'over', 'library', 'name servers', 'ports taken', 'waits for a stale one'],
    'lines of `env --client` tried with',
  ];
  return `${section('Clients', heads, rows)}${libraries()}`;
}

/** Where the rules come from. */
function libraries(): string {
  const all: Client[] = Object.values(CLIENTS);
  const known = new Map(
    all
      .flatMap(({ ca, pva }) => [ca, pva])
      .flatMap((rules) => (rules ? [[rules.library, rules] as const] : [])),
  );
  const rows = [...known.values()].map((rules) => [rules.library, rules.triedWith, rules.source]);
  return `${section('Libraries', ['library', 'rules tried with', 'source'], rows)}\n${RULES_TRIED}`;
}

const RULES_TRIED = `\`test/field/clientRules.test.ts\` tries every rule with the real library: which variables it reads, which ports it
takes, whether it waits, what it makes of commas, and when it broadcasts.
`;

function clientCells(
  name: ClientName,
  client: Client,
  rules: LibraryRules,
  protocol: 'ca' | 'pva',
): string[] {
  const isByPreference = protocol === 'ca' && client.hasPreferences === true;
  const source = isByPreference ? 'preferences' : `EPICS_${protocol.toUpperCase()}_NAME_SERVERS`;
  return [
    rules.library,
    rules.hasNameServers ? source : 'none: searches by UDP alone',
    rules.lastRefusedPort > 0 ? `over ${rules.lastRefusedPort}` : 'all',
    rules.waitsForRefused ? '30 s' : 'no',
    setUpTriedWith(name) ?? 'not tried',
  ];
}

/** What the declaration of each finding says of it. */
function causesInCode(): ReadonlyMap<string, string> {
  const path = join(__dirname, '../../src/model/diagnosis/finding.ts');
  const source = ts.createSourceFile(
    path,
    readFileSync(path, 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const causes = new Map<string, string>();
  for (const statement of source.statements) {
    if (!ts.isInterfaceDeclaration(statement) || statement.name.text !== 'FindingFacts') continue;
    for (const member of statement.members) {
      const [doc] = ts.getJSDocCommentsAndTags(member);
      const name =
        member.name && ts.isStringLiteral(member.name) ? member.name.text : member.name?.getText();
      const text = doc && ts.getTextOfJSDocComment(doc.comment);
      if (name !== undefined && text !== undefined) causes.set(name, text.replace(/\s+/g, ' '));
    }
  }
  return causes;
}

function section(title: string, heads: readonly string[], rows: readonly string[][]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const body = rows.map((cells) => line(cells.map(cell))).join('');
  return `\n## ${title}\n\n${line(heads)}${line(heads.map(() => '---'))}${body}`;
}

function cell(text: string): string {
  return printable(text).replace(/[|<>*_\\`]/g, (character) => `\\${character}`);
}
