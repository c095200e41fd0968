/** What commands share that look once: open, settle, use, close. */
import { TERMINAL_WORDS } from '../present/frontEndWords';
import { problemSentence } from '../present/problemText';
import { emptyText, progressText } from './commands/expose';
import { EXIT } from './exitCodes';
import { type Mode, type Opened, openExposure } from './openExposure';
import type { CommonOptions } from './options';
import type { Terminal } from './terminal';
import type { Enough } from './untilSettled';

/**
 * Opens an core, waits until it is settled (or what there is is `enough`), and hands it over; always
 * closes it.
 */
export async function withLook(
  options: CommonOptions,
  terminal: Terminal,
  signal: AbortSignal,
  mode: Mode,
  use: (opened: Opened) => number | Promise<number>,
  { isAlone = false, enough }: { isAlone?: boolean; enough?: Enough } = {},
): Promise<number> {
  const opened = await openExposure(options, terminal, signal, mode, { isAlone });
  try {
    await terminal.withProgress(() => progressText(opened), opened.settle(signal, enough));
    if (opened.isDemoInstead) terminal.log('info', 'session', 'shows the demo that runs');
    return await use(opened);
  } finally {
    await opened.close();
  }
}

/** The exit code that says why there is nothing, or undefined when there is an IOC. */
export function emptyExit(opened: Opened, terminal: Terminal): number | undefined {
  const { engines, containers } = opened.snapshot;
  for (const engine of engines) {
    if (engine.problem) terminal.tell(problemSentence(engine.problem, TERMINAL_WORDS));
  }
  if (containers.some((container) => container.iocs.length > 0)) return undefined;
  terminal.tell(
    emptyText(opened)
      .replace(/; waiting for .*/, '.')
      .replace(' yet', ''),
  );
  return engines.some((engine) => engine.status === 'connected') ? EXIT.notFound : EXIT.noEngine;
}
