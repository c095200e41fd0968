import * as vscode from 'vscode';
import type { Clock } from '../base/clock';
import { type Disposable, DisposableStore } from '../base/disposable';
import { printable } from '../base/printable';
import { FILE_PATTERNS } from '../present/pvReferences/fileTypes';
import { referencesOf } from './documentReferences';
import { onDidChangeSettings, readSettings } from './settings';
import type { WindowExposure } from './windowExposure';
import { withTimeout } from './withTimeout';

/** After a change of a file, or of what is exposed. */
const SETTLE_MS = 1000;
const ASK_TIMEOUT_MS = 5000;
/** In one file; a display with more says so with the first ones. */
const MAX_NAMES_PER_FILE = 2000;

/**
 * Reports, in Problems, PVs of open files that no exposed IOC has: only if the user wants it, only
 * names that depend on no macro of whoever loads the file, and only while every list is complete.
 */
export class UnservedPvs implements Disposable {
  readonly #exposure: WindowExposure;
  readonly #clock: Clock;
  readonly #store = new DisposableStore();
  readonly #problems = this.#store.add(vscode.languages.createDiagnosticCollection('epics-expose'));
  readonly #due = new Set<vscode.TextDocument>();
  #timer: Disposable | undefined;

  constructor(exposure: WindowExposure, clock: Clock) {
    this.#exposure = exposure;
    this.#clock = clock;
    const all = (): void => this.#lookSoon(vscode.workspace.textDocuments);
    let known = '';
    this.#store.add(
      exposure.onDidChange(() => {
        // Counts of what is reachable change all the time; that costs no reading of files.
        const lists = this.#lists();
        if (lists === known) return;
        known = lists;
        all();
      }),
    );
    this.#store.add(onDidChangeSettings(all));
    this.#store.add(
      vscode.workspace.onDidOpenTextDocument((document) => this.#lookSoon([document])),
    );
    this.#store.add(
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.#lookSoon([document])),
    );
    this.#store.add(
      vscode.workspace.onDidCloseTextDocument((document) => {
        this.#due.delete(document);
        this.#problems.delete(document.uri);
      }),
    );
    this.#store.add({ dispose: () => this.#timer?.dispose() });
  }

  #lookSoon(documents: readonly vscode.TextDocument[]): void {
    if (!readSettings().problems) {
      this.#problems.clear();
      return;
    }
    for (const document of documents) {
      if (vscode.languages.match(SELECTOR, document) > 0) this.#due.add(document);
    }
    if (this.#due.size === 0) return;
    this.#timer ??= this.#clock.after(SETTLE_MS, () => {
      this.#timer = undefined;
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    const documents = [...this.#due];
    this.#due.clear();
    if (!this.#isKnown()) {
      this.#problems.clear();
      return;
    }
    for (const document of documents) {
      const problems = await this.#problemsOf(document).catch(() => undefined);
      if (problems && !document.isClosed) this.#problems.set(document.uri, problems);
    }
  }

  /** Changes when a list of names does. */
  #lists(): string {
    const { isExposing, snapshot } = this.#exposure;
    const iocs = snapshot.containers.flatMap((container) => container.iocs);
    return JSON.stringify([
      isExposing,
      snapshot.isSettled,
      iocs.map(({ key, mayLackNames, servers }) => [
        ...[key, mayLackNames],
        ...servers.map(({ pvs }) => pvs.total),
      ]),
    ]);
  }

  /** Whether what is in no list is certainly not served. */
  #isKnown(): boolean {
    const { isExposing, snapshot } = this.#exposure;
    const iocs = snapshot.containers.flatMap((container) => container.iocs);
    return (
      isExposing &&
      snapshot.isSettled &&
      iocs.some(({ servers }) => servers.some(({ pvs }) => pvs.total > 0)) &&
      iocs.every(({ mayLackNames }) => mayLackNames !== true)
    );
  }

  async #problemsOf(document: vscode.TextDocument): Promise<vscode.Diagnostic[] | undefined> {
    const { core } = this.#exposure;
    if (!core) return undefined;
    const { certainNames } = await import('../present/pvReferences/certainNames');
    const { version } = document;
    const certain = certainNames(await referencesOf(document), MAX_NAMES_PER_FILE);
    const names = [...new Set(certain.map(({ name }) => name))];
    const unlisted = new Set(
      await withTimeout(ASK_TIMEOUT_MS, (signal) => core.findUnlisted({ names }, signal)),
    );
    if (document.version !== version) return undefined;
    return certain
      .filter(({ name }) => unlisted.has(name))
      .map(({ name, start, end }) => {
        const range = new vscode.Range(document.positionAt(start), document.positionAt(end));
        const text = `No exposed IOC has ${printable(name)}.`;
        const problem = new vscode.Diagnostic(range, text, vscode.DiagnosticSeverity.Information);
        problem.source = 'EPICS Expose';
        return problem;
      });
  }

  dispose(): void {
    this.#store.dispose();
  }
}

const SELECTOR = FILE_PATTERNS.map((pattern) => ({ pattern }));
