import type { LogOutputChannel } from 'vscode';
import type { Disposable } from '../base/disposable';
import { engineProblems } from '../present/viewState';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { problemSentence } from '../present/problemText';
import { failureNotes } from '../present/table';
import type { WindowExposure } from './windowExposure';

/** Logs problems, each sentence once in a row, because the view has no room for them. */
export function logProblems(exposure: WindowExposure, log: LogOutputChannel): Disposable {
  let known = new Set<string>();
  return exposure.onDidChange(() => {
    const { problem, snapshot } = exposure;
    const sentences = new Set([
      ...(problem ? [problem.message] : []),
      ...engineProblems(snapshot).map((one) => problemSentence(one, WINDOW_WORDS)),
      ...failureNotes(snapshot, WINDOW_WORDS),
    ]);
    for (const one of sentences) if (!known.has(one)) log.warn(one);
    known = sentences;
  });
}
