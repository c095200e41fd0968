/**
 * What rows with values cost, in a real workbench: 200 records that change ten times a second, all
 * on a very high screen. And how long a first value takes from the click, with no broker running.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodeServer } from '../support/codeServer';
import { runIoc } from '../support/lab/container';
import type { LabEngine } from '../support/lab/engine';
import { until } from '../support/until';
import { openBrowser, Workbench } from '../support/vscodeWorkbench';
import { ownCpuSeconds } from './processes';

const ROWS = 200;
const SPAN_MS = 20_000;
const CLICKS = 20;
/** So that all rows are on the screen. */
const SCREEN = { width: 1280, height: 6000 };

export interface LiveRowsTimes {
  /** Rows drawn anew, each second. */
  rowsPerSecond: number;
  /** Of a core: the extension host with the rows on the screen, and with the view closed. */
  hostPercent: number;
  idlePercent: number;
  brokerPercent: number;
  /** From the click on Expose PVs, with no broker running, to a value on the screen. */
  firstValuesMs: number[];
}

/**
 * Milliseconds from the click on Expose PVs to the frame in which a row has a value; runs in the
 * page, because what waits for it from outside looks every half second only.
 */
const FIRST_VALUE = `(() => {
  window.firstValue = new Promise((resolve) => {
    addEventListener('click', () => {
      const startMs = performance.now();
      const look = () => {
        const rows = document.querySelectorAll('.sidebar .monaco-list-row .label-description');
        const isShown = [...rows].some((row) => /^\\d+$/.test(row.textContent.trim()));
        if (isShown) resolve(performance.now() - startMs);
        else requestAnimationFrame(look);
      };
      look();
    }, { capture: true, once: true });
  });
})()`;

/** Counts changes of the texts of rows; runs in the page. */
const COUNT_CHANGES = `(() => {
  window.changes = 0;
  const list = document.querySelector('.sidebar .pane-body .monaco-list-rows');
  new MutationObserver((all) => {
    const rows = all.map(({ target }) => (target.nodeType === 1 ? target : target.parentElement));
    const changed = rows.flatMap((node) => node?.closest('.label-description') ?? []);
    window.changes += new Set(changed).size;
  }).observe(list, { childList: true, characterData: true, subtree: true });
})()`;

export async function measureLiveRows(engine: LabEngine, vsix: string): Promise<LiveRowsTimes> {
  const folder = mkdtempSync(join(tmpdir(), 'epics-expose-rows-'));
  const workspace = join(folder, 'workspace');
  mkdirSync(workspace);
  writeFileSync(
    join(folder, 'rows.db'),
    Array.from(
      { length: ROWS },
      (_, at) =>
        `record(calc, "ROWS:${at}") { field(SCAN, ".1 second") field(INPA, "ROWS:${at}") field(CALC, "A+1") }\n`,
    ).join(''),
  );
  const ioc = await runIoc(engine, {
    ...{ db: ['/bench/rows.db'], binds: [`${folder}:/bench:ro`], name: 'bench-rows' },
  });
  const settings = { 'epicsExpose.engine': engine.endpoint, 'epicsExpose.autoExpose': 'never' };
  const server = await CodeServer.start({ vsix, settings });
  const browser = await openBrowser();
  try {
    const window = await Workbench.open(browser, server, workspace);
    await window.page.setViewportSize(SCREEN);
    await window.activity('EPICS');
    // It would have half of the screen.
    await window.page.locator('.pane-header', { hasText: 'Watch' }).click();
    const firstValuesMs: number[] = [];
    for (let click = 0; click < CLICKS; click++) {
      const button = window.welcomeButton('Expose PVs');
      await button.waitFor();
      await window.page.evaluate(FIRST_VALUE);
      await button.click();
      firstValuesMs.push(Number(await window.page.evaluate('window.firstValue')));
      await window.command('EPICS: Stop Exposing');
      // By itself, it would end half a minute later.
      for (const pid of server.brokers()) process.kill(pid);
      await until(() => server.brokers().length === 0, 60_000, 'the broker to end');
    }
    await window.welcomeButton('Expose PVs').click();
    await window
      .rows(/ROWS:199.*\d/)
      .first()
      .waitFor();
    await sleep(SPAN_MS / 4);
    await window.page.evaluate(COUNT_CHANGES);
    const shown = await usage(server);
    const changes = Number(await window.page.evaluate('window.changes'));
    await window.activity('Explorer');
    await sleep(SPAN_MS / 4);
    const hidden = await usage(server);
    return {
      rowsPerSecond: changes / (SPAN_MS / 1000),
      hostPercent: shown.host,
      brokerPercent: shown.broker,
      idlePercent: hidden.host,
      firstValuesMs,
    };
  } finally {
    await browser.close();
    await server.close();
    await ioc.remove();
    rmSync(folder, { recursive: true });
  }
}

/** Percent of a core that extension host and broker use for some time. */
async function usage(server: CodeServer): Promise<{ host: number; broker: number }> {
  const hosts = server.pidsOf(/extensionHost/);
  const seconds = (pids: readonly number[]): number =>
    pids.reduce((sum, pid) => sum + ownCpuSeconds(pid), 0);
  const brokers = server.brokers();
  const before = [seconds(hosts), seconds(brokers)];
  await sleep(SPAN_MS);
  const [host = 0, broker = 0] = [seconds(hosts), seconds(brokers)].map(
    (after, at) => (100 * (after - (before[at] ?? 0))) / (SPAN_MS / 1000),
  );
  return { host, broker };
}
