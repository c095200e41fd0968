import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { camonitor, nameServers } from '../support/clients';
import { CodeServer, missingForCodeServer } from '../support/codeServer';
import { contributes } from '../../package.json';
import { devcontainerUp, type Devcontainer } from '../support/lab/devcontainer';
import { runIoc } from '../support/lab/container';
import { needsEngine } from '../support/lab/needs';
import { startServer } from '../support/patternServer';
import { skip } from '../support/skip';
import { until } from '../support/until';
import { makePackage } from '../support/vscodePackage';
import { missingForBrowser, openBrowser, themes, Workbench } from '../support/vscodeWorkbench';
import { writtenFile } from '../support/writtenFile';

/** Would be markup, a command and an icon if names were not shown as text. */
const ODD_NAME = '<img src=x> [l](command:z) `q` $(gear) **b** &lt;';

/** Fields of a record of the IOC as a display names them, and what a hover says. */
const FIELDS: readonly (readonly [string, RegExp])[] = [
  [
    '$(P)TEMPERATURE.EGU',
    /Record: DEV:TEMPERATURE\nValue: C\n[^]*Channel Access[^]*pvAccess[^]*Value: the same\n/,
  ],
  ['$(P)TEMPERATURE.EGU$', /Value: C\n[^]*Channel Access/],
  ['$(P)TEMPERATURE.{"dbnd":{"d":1}}', /Value: 21\.50 C\n[^]*Channel Access/],
  ['pva://$(P)TEMPERATURE/alarm/severity', /alarm\/severity of DEV:TEMPERATURE[^]*Value: 0\n/],
  ['$(P)TEMPERATURE.NOBODY', /No value: .*no PV DEV:TEMPERATURE\.NOBODY/],
  ['$(P)NOBODY.EGU', /DEV:NOBODY\.EGU[^]*not found/],
  ['sim://sine(0, 10, 1)', /local PV of the display/],
];
/** So that all rows are on the screen. */
const HIGH = { width: 1280, height: 1400 };
const pvElement = ([pv]: (typeof FIELDS)[number]): string => `<pv_name>${pv}</pv_name>`;

/**
 * The extension as a person has it: the packed file installed into a real VS Code, its workbench
 * seen and used in a browser, a dev container with a real IOC, a real client outside.
 */
const UNIT = /DEV:TEMPERATURE\.EGU[^]*Value: C/;
const VALUE = /21\.50 C/;
/**
 * A file of each kind that hovers read, and what a hover over its PV, in the middle, says. Quick Open
 * takes the best match, so no name is part of another one.
 */
const FILES: readonly (readonly [string, string, RegExp])[] = [
  ['each.opi', '<display>\n<pv_name>DEV:TEMPERATURE.EGU</pv_name>\n</display>\n', UNIT],
  [
    'each.ui',
    '<ui><widget class="PyDMLabel"><property name="channel">\n<string>ca://DEV:TEMPERATURE.EGU</string>\n</property></widget></ui>\n',
    UNIT,
  ],
  [
    'each.edl',
    'beginObjectProperties\ncontrolPv "DEV:TEMPERATURE.EGU"\nendObjectProperties\n',
    UNIT,
  ],
  ['each.adl', '"text update" {\nmonitor {\nchan="DEV:TEMPERATURE.EGU"\n}\n}\n', UNIT],
  ['each.py', 'from epics import caget\ncaget(\n"DEV:TEMPERATURE.EGU")\n', UNIT],
  ['each.template', 'record(ao, "X") {\nfield(OUT,"DEV:TEMPERATURE.EGU CP MS")\n}\n', UNIT],
  ['st.cmd.linux', 'iocInit\ndbpr DEV:TEMPERATURE\n', VALUE],
  ['first.substitutions', 'file "a.db" {\n{P="DEV:TEMPERATURE"}\n}\n', VALUE],
  ['second.subs', 'file "a.db" {\n{P="DEV:TEMPERATURE"}\n}\n', VALUE],
  ['third.sub', 'file "a.db" {\n{P="DEV:TEMPERATURE"}\n}\n', VALUE],
  ['ioc.yaml', 'entities:\n  - pv: DEV:TEMPERATURE\n', VALUE],
];

describe('workbench', function () {
  this.timeout(120_000);
  let dev: Devcontainer;
  let server: CodeServer;
  let browser: Browser;
  const windows: Workbench[] = [];

  before(async function () {
    const missing = missingForCodeServer() ?? missingForBrowser();
    if (missing) skip(this, missing, 'vscode');
    const engine = await needsEngine(this, 'docker');
    dev = await devcontainerUp(engine, { name: 'example-ioc' });
    await startIoc();
    writeFileSync(
      join(dev.workspaceFolder, 'example.db'),
      'record(ai, "DEV:TEMPERATURE") {\n    field(EGU, "C")\n}\n',
    );
    writeFileSync(
      join(dev.workspaceFolder, 'example.bob'),
      `<display>\n<macros><P>DEV:</P></macros>\n${FIELDS.map(pvElement).join('\n')}\n</display>\n`,
    );
    server = await CodeServer.start({
      vsix: await packed(engine.folder),
      settings: {
        'epicsExpose.engine': engine.endpoint,
        'epicsExpose.autoExpose': 'never',
        'epicsExpose.pvNames': [ODD_NAME],
      },
    });
    browser = await openBrowser();
  });
  afterEach(async function () {
    const name = this.currentTest?.title.replace(/\W+/g, '-') ?? 'unknown';
    const failed = this.currentTest?.state === 'failed';
    for (const [index, window] of windows.splice(0).entries()) {
      if (failed) await window.keepEvidence(`failed-${name}-${index}`);
      await window.close();
    }
  });
  after(async () => {
    await browser?.close();
    await server?.close();
    await dev?.container.remove();
  });

  async function startIoc(): Promise<void> {
    await dev.container.startIoc({ macros: 'P=DEV:', env: { IOC_NAME: 'DEV_IOC' } });
  }

  async function openWindow(): Promise<Workbench> {
    const window = await Workbench.open(browser, server, dev.workspaceFolder);
    await window.page.setViewportSize(HIGH);
    windows.push(window);
    await window.activity('EPICS');
    return window;
  }

  async function exposedWindow(): Promise<Workbench> {
    const window = await openWindow();
    const isExposing = window.rows('DEV_IOC').first();
    const button = window.welcomeButton('Expose PVs');
    await isExposing.or(button).first().waitFor();
    if (await button.isVisible()) await button.click();
    await window.rows(/DEV_IOC.*10 of 10 reachable/).waitFor();
    return window;
  }

  /** A client outside, which sees the counter count. */
  async function monitorCount(window: Workbench): Promise<ReturnType<typeof camonitor>> {
    const tree = (await window.readTree()).join();
    const [, endpoint = assert.fail(tree)] = /CA rsrv .*→ ([\d.]+:5064)/.exec(tree) ?? [];
    return camonitor(['DEV:COUNT'], nameServers({ ca: [endpoint] }));
  }

  it('shows the PVs of a dev container after one click', async () => {
    const window = await openWindow();
    await window.welcomeButton('Expose PVs').waitFor();
    await window.picture('welcome');
    await window.welcomeButton('Expose PVs').click();
    await window.rows(/DEV_IOC.*10 of 10 reachable/).waitFor();
    await window.rows(/DEV:TEMPERATURE.*21\.50 C/).waitFor();
    const tree = (await window.readTree()).join('\n');
    assert.match(tree, /^container .*10 of 10 reachable/m);
    assert.match(tree, /^ {4}server CA rsrv :5064, → 127\.\d+\.\d+\.\d+:5064, 10 of 10 reachable/m);
    assert.match(tree, /^ {4}server PVA .*:5075, → 127\.\d+\.\d+\.\d+:5075, 10 of 10 reachable/m);
    assert.match(tree, /^ {4}PV DEV:TEMPERATURE, 21\.50 C$/m);
    assert.equal(tree.match(/DEV:TEMPERATURE/g)?.length, 1);
    await window.status('EPICS 10/10').waitFor();
    await window.pictures('tree');
  });

  /** The number that a row shows now. */
  async function countOf(window: Workbench): Promise<number> {
    const text = await window.rows('DEV:COUNT').innerText();
    return Number(/(\d+) counts/.exec(text)?.[1] ?? NaN);
  }

  it('shows in rows what is so now, and leaves selection and scroll as they are', async () => {
    const window = await exposedWindow();
    await window.rows(/DEV:COUNT.*counts/).waitFor();
    await window.rows('DEV:SHOTS').click();
    const monitor = await monitorCount(window);
    try {
      const seen = new Set<number>();
      await until(
        async () => seen.add(await countOf(window)).size > 4,
        60_000,
        () => `four changes: ${[...seen].join()}`,
      );
      const last = monitor.updates.at(-1);
      const behind = (last?.ok ? Number(last.value) : NaN) - Math.max(...seen);
      // It counts ten times a second, and a row is drawn every two seconds.
      assert.ok(behind < 60, `${behind} counts behind`);
      const selected = window.page.locator('.sidebar .monaco-list-row.selected');
      assert.match(await selected.innerText(), /DEV:SHOTS/);
    } finally {
      await monitor.close();
    }
  });

  it('shows first values while a row is hovered, in a narrow side bar and high contrast too', async () => {
    const window = await openWindow();
    const isExposing = window.rows('DEV_IOC').first();
    const button = window.welcomeButton('Expose PVs');
    await isExposing.or(button).first().waitFor();
    if (await button.isVisible()) await button.click();
    await window.rows('DEV:MODE').hover();
    await window.rows(/DEV:TEMPERATURE.*21\.50 C/).waitFor();
    await window.rows(/DEV:SHOTS.*-7/).waitFor();
    await window.widenSideBar(-95);
    await window.picture('narrow');
    await window.widenSideBar(95);
    await window.page.emulateMedia({ forcedColors: 'active' });
    await window.page.locator('.monaco-workbench.hc-black').waitFor();
    await window.picture('high-contrast');
  });

  it('shows alarms by shape and text, and draws none while the view is hidden', async () => {
    const alarms = await runIoc(dev.container.engine, {
      ...{ db: ['alarms.db'], name: 'alarms', macros: 'P=ALARMS:' },
    });
    try {
      const window = await exposedWindow();
      const row = (name: string): Promise<string> =>
        window
          .rows(`ALARMS:${name}`)
          .locator('.custom-view-tree-node-item-icon')
          .evaluate((icon: { className: string }) => icon.className);
      await window.rows(/ALARMS:MAJOR.*95 C MAJOR HIHI/).waitFor();
      await window.rows(/ALARMS:MINOR.*5 bar MINOR LOW/).waitFor();
      await window.rows(/ALARMS:INVALID.*0 V INVALID UDF/).waitFor();
      await window.rows(/ALARMS:BLINK.*1 MINOR HIGH/).waitFor();
      await window.rows(/ALARMS:BLINK(?!.*MINOR)/).waitFor();
      assert.match(await row('MAJOR'), /codicon-bell-dot/);
      assert.match(await row('MINOR'), /codicon-warning/);
      assert.match(await row('INVALID'), /codicon-question/);
      await window.pictures('alarms');
      await alarms.pause();
      await window.rows(/ALARMS:MAJOR.*container paused \(was 95 C\)/).waitFor();
      assert.match(await row('MAJOR'), /codicon-debug-disconnect/);
      await window.picture('paused');
      await alarms.unpause();
      await window.rows(/ALARMS:MAJOR.*95 C MAJOR HIHI/).waitFor();
    } finally {
      await alarms.remove();
    }
  });

  it('shows each record once or the PVs of each server, and remembers which', async () => {
    const window = await exposedWindow();
    await window.command('EPICS: View by Server');
    await window.rows('DEV:TEMPERATURE').waitFor({ state: 'hidden' });
    await window.expand(/^CA /);
    await window.rows(/DEV:TEMPERATURE.*21\.50 C/).waitFor();
    await window.expand(/^PVA /);
    await window.rows('DEV:TEMPERATURE').nth(1).waitFor();
    await window.picture('by-server');
    await window.reload();
    await window.expand(/^CA /);
    await window.rows(/DEV:TEMPERATURE.*21\.50 C/).waitFor();
    await window.command('EPICS: View by Record');
    await window.rows('DEV:TEMPERATURE').waitFor();
    assert.equal(await window.rows('DEV:TEMPERATURE').count(), 1);
  });

  it('shows what a filter leaves, and that it filters', async () => {
    const window = await exposedWindow();
    const filter = async (text: string): Promise<void> => {
      await window.command('EPICS: Filter PVs...');
      const input = window.page.locator('.quick-input-widget input:visible');
      await input.fill(text);
      await input.press('Enter');
    };
    await filter('*T');
    await window.rows(/Filter: \*T/).waitFor();
    await window.rows('DEV:TEMPERATURE').waitFor();
    await window.rows('DEV:MODE').waitFor({ state: 'hidden' });
    await window.picture('filter');
    await filter('nobody has this');
    await window.rows(/Filter: nobody has this.*nothing matches/).waitFor();
    assert.equal(await window.rows().count(), 1);
    await window.rows(/^Filter/).hover();
    await window
      .rows(/^Filter/)
      .locator('.action-label')
      .click();
    await window.rows('DEV:MODE').waitFor();
    await window.command('EPICS: Filter PVs by State...');
    await window.page
      .locator('.quick-input-list .monaco-list-row', { hasText: 'Not reachable' })
      .click();
    await window.rows(/Filter: not reachable.*nothing matches/).waitFor();
  });

  it('tells the details of a PV in a hover over its line', async () => {
    const window = await exposedWindow();
    const look = (): Promise<string> => window.hover(window.rows('DEV:TEMPERATURE'));
    const details = await look();
    // What matters comes first, and the same is not told of each protocol.
    assert.match(details, /^DEV:TEMPERATURE\s+Value: 21\.50 C\nAlarm: NO_ALARM\nState: reachable/);
    assert.match(
      details,
      /Path: IOC DEV_IOC \(pid \d+\) in container .*:5064 → .* → 127\.\d+\.\d+\.\d+:5064\s+Monitor/,
    );
    assert.match(details, /Channel Access \(rsrv\)\n[^]*pvAccess \(\w+\)\nValue: the same\n/);
    await window.pictures('hover', look);
  });

  it('tells in each hover over a counter what it is then', async () => {
    const window = await exposedWindow();
    const counter = window.rows('DEV:COUNT');
    const look = async (): Promise<number> => {
      const details = await window.hover(counter);
      return Number(/Value: (\d+) counts/.exec(details)?.[1] ?? assert.fail(details));
    };
    // While the pointer is nowhere near another line.
    const first = await look();
    let again = first;
    await until(
      async () => (again = await look()) !== first,
      20_000,
      () => `not ${first} again`,
    );
    assert.ok(again > first);
    // After another line was hovered, at once.
    const last = await look();
    await window.hover(window.rows('DEV:TEMPERATURE'));
    assert.ok((await look()) > last);
  });

  it('leaves a hover open that still says what is so', async () => {
    const window = await exposedWindow();
    const monitor = await monitorCount(window);
    try {
      await window.hover(window.rows('DEV:TEMPERATURE'));
      const before = monitor.updates.length;
      // It counts ten times a second: longer than a hover is left alone in any case.
      await until(() => monitor.updates.length > before + 70, 20_000, 'seventy counts');
      assert.match(await window.page.locator('.monaco-hover:visible').innerText(), /21\.50 C/);
    } finally {
      await monitor.close();
    }
  });

  it('shows an image by its type and size, and keeps nothing else waiting', async function () {
    const camera = await runIoc(dev.container.engine, {
      ...{ ioc: 'cameraP4p', image: 'py-ioc', macros: 'P=CAM:', name: 'camera' },
    });
    try {
      const window = await exposedWindow();
      const image = window.rows('CAM:IMAGE');
      await image.waitFor();
      const details = await window.hover(image);
      const words = /NTNDArray 1000x1000 ubyte, codec none, 1000000 bytes, uniqueId \d+/;
      assert.match(details, words);
      await window.picture('image-hover');
      const before = server.extensionHostBytes();
      await image.click();
      await window.command('EPICS: Monitor PV');
      const panel = window.webview();
      await panel.locator('td.value', { hasText: /1000 × 1000 ubyte/ }).waitFor();
      const values = new Set<string>();
      await until(
        async () => values.add(await panel.locator('td.value').innerText()).size > 20,
        30_000,
        () => `twenty images, of which came ${values.size}`,
      );
      for (let round = 0; round < 3; round++) {
        assert.match(await window.hover(window.rows('CAM:COUNT')), /Value: \d+\n/);
        assert.match(await window.hover(image), words);
      }
      await window.picture('image-monitor');
      // Mostly below 20 MB; V8 enlarges its young generation by 32 MB when it likes, and collects
      // garbage late on a busy machine. What is held would only grow.
      let grown = 0;
      await until(
        () => (grown = (server.extensionHostBytes() - before) / 1e6) < 60,
        60_000,
        () => `the extension host grew by ${grown.toFixed(1)} MB`,
      );
      console.log(`        the extension host grew by ${grown.toFixed(1)} MB`);
    } finally {
      await camera.remove();
    }
  });

  it('tells where clients that search are answered', async () => {
    const window = await exposedWindow();
    const details = await window.hover(window.rows(/^Searches/));
    assert.match(details, /Channel Access\nName server: 127\.0\.0\.1:\d*5063, for EPICS_CA_NAME/);
    assert.match(details, /Broadcasts: not received|Broadcasts: of this machine/);
    await window.picture('searches');
  });

  it('shows odd names as they are', async () => {
    const window = await exposedWindow();
    const line = window.rows(ODD_NAME);
    await line.waitFor();
    assert.ok((await window.hover(line)).includes(ODD_NAME));
  });

  it('tells it in a hover over a record in an editor', async () => {
    const window = await exposedWindow();
    await window.openFile('example.db');
    const name = window.page.locator('.view-line span', { hasText: 'DEV:TEMPERATURE' }).last();
    const look = (): Promise<string> => window.hover(name);
    const details = await look();
    assert.match(details, /21\.50 C/);
    await window.pictures('editor-hover', look);
  });

  it('tells in a display the values of fields', async () => {
    const window = await exposedWindow();
    await window.openFile('example.bob');
    for (const [pv, expected] of FIELDS) {
      const line = window.page.locator('.view-line', { hasText: pv }).locator('span span').first();
      assert.match(await window.hover(line), expected, pv);
    }
    await window.picture('display-hover');
  });

  it('tells in a file of each kind what it refers to', async function () {
    this.timeout(480_000);
    const window = await exposedWindow();
    for (const [name, text, expected] of FILES) {
      writeFileSync(join(dev.workspaceFolder, name), text);
      await window.openFile(name);
      const words = window.page.locator('.view-line span span', { hasText: 'DEV:TEMPERATURE' });
      // The first hover may come before the value does, on a busy machine.
      let told = '';
      await until(
        async () => expected.test((told = await window.hover(words.last()))),
        60_000,
        () => `${name}: ${told}`,
      );
    }
  });

  it('monitors a field that is in no list', async () => {
    const window = await exposedWindow();
    await window.command('EPICS: Monitor PV');
    const picker = window.page.locator('.quick-input-widget', { hasText: 'Monitor PV' });
    await picker.locator('input:visible').fill('TEMPERATURE.EGU');
    const item = window.page.locator('.quick-input-list .monaco-list-row', {
      hasText: 'DEV:TEMPERATURE.EGU',
    });
    await item.first().click();
    await window.webview().locator('td.value', { hasText: /^C/ }).waitFor();
  });

  it('sets the environment of terminals', async () => {
    const window = await exposedWindow();
    const answer = join(server.make('answers'), 'environment');
    await window.command('Terminal: Create New Terminal');
    const lists = '$EPICS_CA_NAME_SERVERS,$EPICS_PVA_NAME_SERVERS,$EPICS_PVA_ADDR_LIST';
    await window.type(`echo ${lists} > ${answer}`);
    assert.match(
      (await writtenFile(answer)).toString(),
      /^127\.0\.0\.1:\d*5063 ?,127\.0\.0\.1:\d*5074 ?,127\.0\.0\.1 ?\n$/,
    );
    await window.picture('terminal');
  });

  it('has none of our ports forwarded or advertised by VS Code', async () => {
    const window = await exposedWindow();
    // One that VS Code is to forward tells when it has looked.
    const other = await startServer();
    try {
      const ports = window.page.locator('.statusbar-item', {
        has: window.page.locator('.codicon-radio-tower'),
      });
      const toasts = window.page.locator('.notification-toast');
      let told = '';
      const hasTold = async (): Promise<boolean> => {
        const labels = await ports.evaluateAll((items: { ariaLabel: string }[]) =>
          items.map(({ ariaLabel }) => ariaLabel),
        );
        told = [...labels, ...(await toasts.allInnerTexts())].join('\n');
        return told.includes(`${other.port}`);
      };
      await until(hasTold, 30_000, () => `port ${other.port}: ${told}`);
      await window.picture('ports');
      const others = told.match(/\b\d{4,5}\b/g)?.filter((port) => Number(port) !== other.port);
      assert.deepEqual(others, [], told);
    } finally {
      other.close();
    }
  });

  it('misses no update of a client outside while the window reloads', async () => {
    const window = await exposedWindow();
    const monitor = await monitorCount(window);
    try {
      await monitor.next((update) => update.ok);
      await window.reload();
      await window.rows(/DEV_IOC.*10 of 10 reachable/).waitFor();
      const last = await monitor.next((update) => update.ok);
      assert.ok(last.ok);
      const counts = monitor.updates.map((update) => (update.ok ? Number(update.value) : NaN));
      const first = counts[0] ?? NaN;
      assert.ok(counts.length > 20, `${counts.length} updates are too few to tell`);
      assert.deepEqual(
        counts,
        counts.map((_, index) => first + index),
      );
    } finally {
      await monitor.close();
    }
  });

  it('follows a dev container that is rebuilt under an open window', async () => {
    const window = await exposedWindow();
    dev = await dev.rebuild();
    await window.rows(/DEV_IOC.*10 of 10 reachable/).waitFor({ state: 'hidden' });
    await startIoc();
    await window.rows(/DEV_IOC.*10 of 10 reachable/).waitFor();
    const tree = (await window.readTree()).join('\n');
    assert.match(tree, /^container .*10 of 10 reachable, this workspace/m);
  });

  it('shows no broken picture on its page', async () => {
    const window = await openWindow();
    await window.command('Extensions: Show Installed Extensions');
    const entry = window.page.locator('.extension-list-item', { hasText: 'EPICS Expose' });
    await entry.first().click();
    const page = window.webview();
    await page.locator('h1', { hasText: 'EPICS Expose' }).waitFor();
    const isWhole = async (): Promise<boolean> => {
      const widths = await page
        .locator('img')
        .evaluateAll((all: { naturalWidth: number }[]) =>
          all.map(({ naturalWidth }) => naturalWidth),
        );
      return widths.every((width) => width > 0);
    };
    await until(isWhole, 10_000, 'every picture to be there');
    await window.picture('page');
  });

  it('shows in its walkthrough a picture of each step in each theme', async () => {
    const window = await openWindow();
    const { page } = window;
    // VS Code shows no pictures in a window much smaller than that.
    await page.setViewportSize({ width: 1500, height: 800 });
    const [{ title, steps } = assert.fail('no walkthrough')] = contributes.walkthroughs;
    await window.command('Welcome: Open Walkthrough...');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().click();
    for (const theme of themes) {
      await window.theme(theme);
      for (const { id, media } of steps) {
        await page.locator(`.getting-started-step[data-step-id$="#${id}"]`).click();
        const picture = page.locator('.getting-started-media img');
        const file = media.image[theme];
        const isShown = async (): Promise<boolean> =>
          (await picture.count()) === 1 &&
          (await picture.evaluate(
            (img: { currentSrc: string; naturalWidth: number }, name) =>
              decodeURIComponent(img.currentSrc).includes(name) && img.naturalWidth > 0,
            file,
          ));
        await until(isShown, 20_000, file);
        assert.equal(await picture.getAttribute('alt'), media.altText);
        await window.picture(`walkthrough-${id}-${theme}`);
      }
    }
  });

  it('shows the same in two windows, and stopping one leaves the other its PVs', async () => {
    const [one, two] = [await exposedWindow(), await exposedWindow()];
    await one.command('EPICS: Stop Exposing');
    await one.welcomeButton('Expose PVs').waitFor();
    await two.command('EPICS: Refresh');
    await two.rows(/DEV_IOC.*10 of 10 reachable/).waitFor();
    await two.command('EPICS: Stop Exposing');
    await two.welcomeButton('Expose PVs').waitFor();
    await two.picture('stopped');
  });
});

/** As packed by `npm run package`, or the file that EPICS_EXPOSE_VSIX names. */
async function packed(folder: string): Promise<string> {
  const given = process.env['EPICS_EXPOSE_VSIX'];
  if (given) return given;
  const vsix = join(folder, 'epics-expose.vsix');
  await makePackage(vsix);
  return vsix;
}
