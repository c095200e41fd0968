import { type FrontEndWords, TERMINAL_WORDS } from '../present/frontEndWords';
import { problemSentence } from '../present/problemText';
import { isEndedWithoutIoc } from '../present/table';
import { emptyText, progressText } from './lookTexts';
import { EXIT } from './exitCodes';
import { type Mode, type Opened, openExposure, type OpenOptions } from './openExposure';
import type { CommonOptions } from './options';
import type { Terminal } from './terminal';
import type { Enough } from './untilSettled';

/**
 * For commands that look once: opens an exposure, waits until it is settled (or what is there is
 * `enough`), and passes it to `use`; always closes it. Resolves to the exit code that `use`
 * returns.
 */
export async function withLook(
  options: CommonOptions,
  terminal: Terminal,
  signal: AbortSignal,
  mode: Mode,
  use: (opened: Opened) => number | Promise<number>,
  { enough, ...opening }: OpenOptions & { readonly enough?: Enough } = {},
): Promise<number> {
  const opened = await openExposure(options, terminal, signal, mode, opening);
  try {
    await terminal.withProgress(() => progressText(opened), opened.settle(signal, enough));
    return await use(opened);
  } finally {
    await opened.close();
  }
}

/**
 * The words for what was opened. While the background process stands still, another epics-expose would
 * expose nothing.
 */
export function wordsFor({ brokerFacts }: Pick<Opened, 'brokerFacts'>): FrontEndWords {
  if (brokerFacts?.problem?.code !== 'broker-silent') return TERMINAL_WORDS;
  return {
    ...TERMINAL_WORDS,
    expose: 'The background process, which stands still, has the relays',
  };
}

/** Says that something had not answered when it was `enough`. */
export function reportUnsettled({ core }: Opened, terminal: Terminal): void {
  if (core.snapshot.isSettled) return;
  terminal.report('Not everything has answered yet; `epics-expose` shows what comes later, too.');
}

/** Says that the running demo is shown, not the containers that may be running, too. */
export function reportDemo(opened: Opened, terminal: Terminal): void {
  if (!opened.isDemoInstead) return;
  terminal.report(
    'This is the demo that is running; for containers, name one with -c or an engine with --engine.',
  );
}

/**
 * Reports the engines' problems. Returns undefined if there is an IOC; otherwise reports why not,
 * and returns the exit code for that.
 */
export function emptyExit(opened: Opened, terminal: Terminal): number | undefined {
  const { engines, containers } = opened.snapshot;
  for (const engine of engines) {
    if (engine.problem) terminal.report(problemSentence(engine.problem, TERMINAL_WORDS));
  }
  if (containers.some((one) => one.iocs.length > 0 || isEndedWithoutIoc(one))) return undefined;
  terminal.report(emptyText(opened, { isWaiting: false }));
  return engines.some((engine) => engine.status === 'connected') ? EXIT.notFound : EXIT.noEngine;
}
