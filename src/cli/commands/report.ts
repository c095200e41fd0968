/** `epics-expose report [PV...]`: what there is and why, as a text to attach to a bug report. */
import { bugs, version } from '../../../package.json';
import { askPv } from '../../model/diagnosis/askPv';
import { diagnose } from '../../model/diagnosis/diagnose';
import { parsePvText } from '../../model/pvName';
import { brokerPaths } from '../../node/broker/brokerPaths';
import { reportFacts } from '../../node/reportFacts';
import { TERMINAL_WORDS } from '../../present/frontEndWords';
import { reportLines } from '../../present/reportText';
import { EXIT } from '../exitCodes';
import type { CommonOptions } from '../options';
import type { Terminal } from '../terminal';
import { withLook } from '../withLook';

/** Runs the command; resolves to its exit code. */
export function runReport(
  wanted: readonly string[],
  options: CommonOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  return withLook(options, terminal, signal, 'look', async ({ core, snapshot }) => {
    const names = wanted.flatMap((text) => {
      const name = parsePvText(text);
      return name?.kind === 'pv' ? [name] : [];
    });
    const pvs = await Promise.all(names.map((name) => askPv(core, name, signal)));
    const duplicates = await core.findDuplicates({}, signal);
    const logFile = brokerPaths(process.env)?.logFile;
    const { versions, identity, readLog } = reportFacts(version);
    const lines = reportLines({
      ...{ versions, identity },
      time: new Date().toISOString(),
      address: bugs.url,
      findings: diagnose({ snapshot, pvs, duplicates }),
      log: logFile === undefined ? undefined : await readLog(logFile),
      ...{ snapshot, pvs, words: TERMINAL_WORDS },
    });
    for (const line of lines) terminal.print(line);
    return EXIT.ok;
  });
}
