import * as vscode from 'vscode';
import { CONTEXT_KEYS } from './ids';

const done = new Set<string>();

/** Ticks a step of the walkthrough: what it teaches has happened, whichever way. */
export function stepDone(step: 'hasHovered' | 'hasHostTerminal' | 'hasPlotted'): void {
  if (done.has(step)) return;
  done.add(step);
  void vscode.commands.executeCommand('setContext', CONTEXT_KEYS[step], true);
}
