import { createLogUpdate } from 'log-update';
import { printableJson } from '../../base/printable';
import { clientEnvironment } from '../../present/clientEnvironment';
import { isEndedWithoutIoc } from '../../present/table';
import { systemClock } from '../../node/systemClock';
import { EXIT } from '../exitCodes';
import { DEMO_ENGINE } from '../../broker/openCore';
import { type Opened, openExposure } from '../openExposure';
import type { CommonOptions } from '../options';
import { emptyText, progressText } from '../lookTexts';
import { renderReport } from '../renderTable';
import { snapshotJson } from '../snapshotJson';
import type { Terminal } from '../terminal';
import { SETTLE_TIMEOUT_MS, SOMETHING_TO_SHOW } from '../untilSettled';

/** The options of `epics-expose`. */
export interface ExposeOptions extends CommonOptions {
  readonly demoWhenEmpty?: boolean;
}

/**
 * `epics-expose` and `epics-expose demo`: exposes, reports and follows changes until `signal`
 * aborts. Resolves to the exit code.
 */
export async function runExpose(
  options: ExposeOptions,
  terminal: Terminal,
  signal: AbortSignal,
  mode: 'expose' | 'demo' = 'expose',
): Promise<number> {
  const engine = mode === 'demo' ? [DEMO_ENGINE] : options.engine;
  const opened = await openExposure({ ...options, engine }, terminal, signal, 'serve');
  try {
    const settling = opened.settle(signal, SOMETHING_TO_SHOW);
    await terminal.withProgress(() => progressText(opened), settling);
    if (signal.aborted) return EXIT.ok;
    const isEmpty = opened.snapshot.containers.every(
      (one) => one.iocs.length === 0 && !isEndedWithoutIoc(one),
    );
    if (isEmpty && options.demoWhenEmpty === true) {
      terminal.report(
        'No IOC is running in a container here, so this shows the built-in demo IOC. ' +
          'In another terminal: epics-expose get DEMO:TEMPERATURE',
      );
      await opened.addDemo();
      await opened.settle(signal);
    } else if (isEmpty) {
      terminal.report(emptyText(opened, { isWaiting: true }));
    }
    await follow(opened, options.json === true ? jsonView() : tableView(terminal), signal);
    return EXIT.ok;
  } finally {
    await opened.close();
  }
}

interface View {
  show(opened: Opened): void;
  end(): void;
}

function follow(opened: Opened, view: View, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const changes = opened.core.onDidChange(() => view.show(opened));
    view.show(opened);
    const finish = (): void => {
      changes.dispose();
      view.end();
      resolve();
    };
    if (signal.aborted) finish();
    else signal.addEventListener('abort', finish, { once: true });
  });
}

/** Prints one JSON object per line, each a whole snapshot; a line only when something changed. */
function jsonView(): View {
  let last = '';
  return {
    show({ snapshot, nameServers }) {
      const environment = clientEnvironment(nameServers);
      const body = printableJson(JSON.stringify(snapshotJson(snapshot, environment)));
      if (body === last) return;
      last = body;
      const time = new Date().toISOString();
      process.stdout.write(`{"event":"snapshot","time":"${time}",${body.slice(1)}\n`);
    },
    end() {
      process.stdout.write(`{"event":"end","time":"${new Date().toISOString()}"}\n`);
    },
  };
}

/**
 * A table that is redrawn in place on a terminal. Otherwise the first one is printed, and further
 * ones after changes: when everything is settled again or, if something never is, from time to
 * time.
 */
function tableView(terminal: Terminal): View {
  const update = createLogUpdate(process.stdout, { showCursor: true });
  let last = '';
  let printedAtMs = -Infinity;
  return {
    show({ snapshot, nameServers }) {
      const lines = renderReport(snapshot, terminal, nameServers);
      const text = [...lines, 'watching; Ctrl-C to stop'].join('\n');
      if (text === last) return;
      if (terminal.isInteractive) update(text);
      else {
        const nowMs = systemClock.nowMs();
        if (!snapshot.isSettled && nowMs - printedAtMs < SETTLE_TIMEOUT_MS) return;
        terminal.print(last === '' ? text : `\n${text}`);
        printedAtMs = nowMs;
      }
      last = text;
    },
    end() {
      if (terminal.isInteractive) update.done();
    },
  };
}
