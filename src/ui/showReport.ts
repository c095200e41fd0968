/** "Report a Problem": what there is and why, as a text to read and attach. */
import * as vscode from 'vscode';
import { diagnose } from '../model/diagnosis/diagnose';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { reportLines } from '../present/reportText';
import type { HostServices } from './hostServices';
import { withTimeout } from './withTimeout';
import type { WindowExposure } from './windowExposure';

const TIMEOUT_MS = 10_000;

/** Opens the report as a new file that nobody has saved. */
export async function showReport(exposure: WindowExposure, system: HostServices): Promise<void> {
  const { core, snapshot, problem } = exposure;
  const duplicates = await withTimeout(TIMEOUT_MS, async (signal) =>
    core ? core.findDuplicates({}, signal) : [],
  ).catch(() => []);
  const logFile = core?.broker.logFile;
  const log = logFile === undefined ? undefined : await system.readLog(logFile);
  const lines = reportLines({
    versions: [
      ...system.versions,
      `${vscode.env.appName} ${vscode.version}, ${vscode.env.remoteName ?? 'no remote window'}`,
      exposure.isExposing ? `exposing${problem ? `: ${problem.message}` : ''}` : 'not exposing',
    ],
    time: new Date().toISOString(),
    findings: diagnose({ snapshot, pvs: [], duplicates }),
    pvs: [],
    ...{ address: system.reportAddress, identity: system.identity },
    ...{ snapshot, log, words: WINDOW_WORDS },
  });
  const content = `${lines.join('\n')}\n`;
  const document = await vscode.workspace.openTextDocument({ content, language: 'plaintext' });
  await vscode.window.showTextDocument(document);
}
