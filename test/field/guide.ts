/**
 * `npm run guide`, or with another engine: `npm run guide -- docker`. Tries each case of the guide
 * with real IOCs and clients in a network of its own, and prints a table; docs/guide-cases.md has one
 * machine's, and says what to take from it.
 */
import { exitAfter } from '../support/atEnd';
import { missingForClients } from '../support/clients';
import { type EngineKind, missingFor, sharedEngine } from '../support/lab/engine';
import { missingForIocs } from '../support/lab/image';
import {
  assignments,
  type GuideCase,
  guideCases,
  GuideRun,
  type Outcome,
  tryAlone,
  type Way,
  ROUTES,
} from './guideCases';

const KINDS: readonly string[] = ['rootless', 'podman', 'docker'] satisfies EngineKind[];

const HEADER = [
  ...['', 'published', "client's environment", 'the guide says'],
  ...['without epics-expose', 'with `--search thishost`', 'with the printed environment'],
];

async function main([kind = 'rootless', ...others]: readonly string[]): Promise<number> {
  if (!KINDS.includes(kind) || others.length > 0) {
    console.error(`one engine: ${KINDS.join(', ')}`);
    return 2;
  }
  const missing =
    missingForNetwork() ??
    missingForClients() ??
    missingForIocs() ??
    missingFor(kind as EngineKind);
  if (missing !== undefined) {
    console.error(`cannot run here: ${missing}`);
    return 2;
  }
  const engine = await sharedEngine(kind as EngineKind);
  printLine(HEADER);
  printLine(HEADER.map(() => '---'));
  let exitCode = 0;
  const alone: Outcome[] = [];
  for (const guideCase of guideCases) alone.push(await tryAlone(engine, guideCase));
  const run = new GuideRun(engine);
  for (const [index, guideCase] of guideCases.entries()) {
    const outcomes = await run.try(guideCase, ['search', 'environment']);
    outcomes.set('alone', alone[index] ?? { isFound: false, said: '' });
    printLine([
      ...cellsOf(guideCase),
      ...ROUTES.map((route) => cellOf(guideCase, route, outcomes)),
    ]);
    const { isFound = false, said } = outcomes.get('environment') ?? {};
    if (isFound) continue;
    console.error(said);
    exitCode = 1;
  }
  await run.end();
  return exitCode;
}

/** Clients broadcast here: never where other people's IOCs would hear them. */
function missingForNetwork(): string | undefined {
  if (process.env['EPICS_EXPOSE_OWN_NETWORK'] === 'inside') return undefined;
  return 'needs a network of its own: npm run guide';
}

function cellsOf(guideCase: GuideCase): string[] {
  const { protocol, published, client, iocEnvironment, isFoundByGuide } = guideCase;
  const ports = published === 'host' ? 'host network' : code(...published);
  return [
    protocol.toUpperCase(),
    iocEnvironment
      ? `${ports}, and in the container ${code(...assignments(iocEnvironment))}`
      : ports,
    code(...assignments(client)),
    yesNo(isFoundByGuide),
  ];
}

function cellOf(
  { unanswered }: GuideCase,
  route: Way,
  outcomes: ReadonlyMap<Way, Outcome>,
): string {
  const isFound = outcomes.get(route)?.isFound === true;
  return !isFound && route === 'search' && unanswered ? `no: ${unanswered}` : yesNo(isFound);
}

const code = (...words: string[]): string => words.map((word) => `\`${word}\``).join(' ');
const yesNo = (is: boolean): string => (is ? 'yes' : 'no');

function printLine(cells: readonly string[]): void {
  console.log(`| ${cells.join(' | ')} |`);
}

exitAfter(main(process.argv.slice(2)));
