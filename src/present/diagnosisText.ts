import type { PvPath } from '../model/coreApi';
import type { AskedPv } from '../model/diagnosis/diagnose';
import type { Finding } from '../model/diagnosis/finding';
import { type LadderFacts, pvLadder } from '../model/diagnosis/pvLadder';
import { plural } from '../base/plural';
import { printable } from '../base/printable';
import { valueText } from '../model/reading';
import type { Snapshot } from '../model/snapshot';
import { alignColumns } from './alignColumns';
import { findingText, rungText } from './findingText';
import type { FrontEndWords } from './frontEndWords';

/**
 * A diagnosis as lines: each finding with what to do below it, then each PV's way from the engine to
 * its value, then notes, then logs that were asked for. The first line is the cause, or that nothing
 * is wrong. All are printable.
 */
export function diagnosisLines(
  findings: readonly Finding[],
  pvs: readonly AskedPv[],
  snapshot: Snapshot,
  words: FrontEndWords,
  facts: LadderFacts = {},
): readonly string[] {
  const told = findings.map((finding) => ({ finding, ...findingText(finding, words) }));
  const wrong = told.filter(({ finding }) => finding.isNote !== true);
  const notes = told.filter(({ finding }) => finding.isNote === true);
  return [
    ...wrong.flatMap(({ message, advice }) => [printable(message), `  ${printable(advice)}`]),
    ...(wrong.length === 0 ? nothingWrong(pvs, snapshot) : []),
    ...pvs.flatMap(({ details }) =>
      details.paths.flatMap((path) => [
        '',
        printable(`${details.name} over ${path.row.protocol.toUpperCase()}`),
        ...ladderLines(path, snapshot, words, facts),
      ]),
    ),
    ...(notes.length > 0 ? [''] : []),
    ...notes.map(({ message, advice }) => printable(`note: ${message}. ${advice}`)),
    ...[...(facts.logs ?? [])].flatMap(([key, lines]) => logLines(key, lines, snapshot)),
  ];
}

function logLines(key: string, lines: readonly string[], { containers }: Snapshot): string[] {
  const name = containers.find((container) => container.key === key)?.name ?? '';
  const what = lines.length === 0 ? 'is empty, or cannot be read' : 'ends:';
  return [
    '',
    printable(`the log of ${name} ${what}`),
    ...lines.map((line) => `  ${printable(line)}`),
  ];
}

/** What is not known is told once. */
function ladderLines(
  path: PvPath,
  snapshot: Snapshot,
  words: FrontEndWords,
  facts: LadderFacts,
): string[] {
  const rungs = pvLadder(path, snapshot, facts).map((rung) => ({ rung, ...rungText(rung, words) }));
  const unknown = rungs.filter(({ rung }) => rung.state === 'unknown').map(({ name }) => name);
  const lines = alignColumns(
    rungs
      .filter(({ rung }) => rung.state !== 'unknown')
      .map(({ rung, name, state, text }) => {
        const isValue = rung.rung === 'read' && rung.state === 'fine' && path.reading;
        return [`  ${state}`, name, printable(isValue ? valueText(isValue) : text)];
      }),
  ).map((line) => line.trimEnd());
  return unknown.length === 0 ? lines : [...lines, `  not checked: ${unknown.join(', ')}`];
}

function nothingWrong(pvs: readonly AskedPv[], { containers }: Snapshot): string[] {
  if (pvs.length > 0) {
    return pvs.map(({ name, details }) => {
      const reading = details.paths.find((path) => path.reading)?.reading;
      return printable(`${name} is reachable: ${reading ? valueText(reading) : ''}`);
    });
  }
  const servers = containers
    .flatMap(({ iocs }) => iocs.flatMap((ioc) => ioc.servers))
    .filter(({ status }) => status !== 'gone');
  if (servers.length === 0) return ['No IOC is running in a container that is looked at.'];
  const reachable = servers.reduce((sum, server) => sum + server.pvs.reachable, 0);
  return [
    `Nothing is wrong: ${plural(reachable, 'PV')} of ${plural(servers.length, 'server')} ${reachable === 1 ? 'is' : 'are'} reachable here.`,
  ];
}
