import type { LogOutputChannel } from 'vscode';
import type { Disposable } from '../base/disposable';
import { engineProblems } from '../present/viewState';
import { sentence } from '../model/sentence';
import { failureNotes } from '../present/table';
import type { WindowExposure } from './windowExposure';

/** Logs problems, each sentence once in a row, because the view has no room for them. */
export function logProblems(exposure: WindowExposure, log: LogOutputChannel): Disposable {
  let known = new Set<string>();
  return exposure.onDidChange(() => {
    const { problem, snapshot } = exposure;
    const sentences = new Set([
      ...(problem ? [problem.message] : []),
      ...engineProblems(snapshot).map(sentence),
      ...failureNotes(snapshot),
    ]);
    for (const one of sentences) if (!known.has(one)) log.warn(one);
    known = sentences;
  });
}
