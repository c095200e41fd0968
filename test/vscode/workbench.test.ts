import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { camonitor, nameServers } from '../support/clients';
import { CodeServer, missingForCodeServer } from '../support/codeServer';
import { devcontainerUp, type Devcontainer } from '../support/lab/devcontainer';
import { runIoc } from '../support/lab/container';
import { needsEngine } from '../support/lab/needs';
import { startServer } from '../support/patternServer';
import { skip } from '../support/skip';
import { until } from '../support/until';
import { makePackage } from '../support/vscodePackage';
import { missingForBrowser, openBrowser, Workbench } from '../support/vscodeWorkbench';

/** Would be markup, a command and an icon if names were not shown as text. */
const ODD_NAME = '<img src=x> [l](command:z) `q` $(gear) **b** &lt;';

/** Fields of a record of the IOC as a display names them, and what a hover says. */
const FIELDS: readonly (readonly [string, RegExp])[] = [
  [
    '$(P)TEMPERATURE.EGU',
    /Channel Access[^]*Record: DEV:TEMPERATURE\nValue: C\n[^]*pvAccess[^]*Value: C\n/,
  ],
  ['$(P)TEMPERATURE.EGU$', /Channel Access[^]*Value: C\n/],
  ['$(P)TEMPERATURE.{"dbnd":{"d":1}}', /Channel Access[^]*Value: 21\.50 C\n/],
  ['pva://$(P)TEMPERATURE/alarm/severity', /alarm\/severity is a part of DEV:TEMPERATURE/],
  ['$(P)TEMPERATURE.NOBODY', /No newer value: .*no PV DEV:TEMPERATURE\.NOBODY/],
  ['$(P)NOBODY.EGU', /DEV:NOBODY\.EGU[^]*not found/],
  ['sim://sine(0, 10, 1)', /local PV of the display/],
];
const pvElement = ([pv]: (typeof FIELDS)[number]): string => `<pv_name>${pv}</pv_name>`;

/**
 * The extension as a person has it: the packed file installed into a real VS Code, its workbench
 * seen and used in a browser, a dev container with a real IOC, a real client outside.
 */
const UNIT = /DEV:TEMPERATURE\.EGU[^]*Value: C/;
const VALUE = /21\.50 C/;
/** A file of each kind that hovers read, and what a hover over its PV, in the middle, says. */
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
  ['each.substitutions', 'file "a.db" {\n{P="DEV:TEMPERATURE"}\n}\n', VALUE],
  ['each.subs', 'file "a.db" {\n{P="DEV:TEMPERATURE"}\n}\n', VALUE],
  ['each.sub', 'file "a.db" {\n{P="DEV:TEMPERATURE"}\n}\n', VALUE],
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
    await window.rows(/DEV_IOC.*20 of 20 reachable/).waitFor();
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
    await window.rows(/DEV_IOC.*20 of 20 reachable/).waitFor();
    await window.expand(/^CA /);
    await window.rows('DEV:TEMPERATURE').waitFor();
    const tree = (await window.readTree()).join('\n');
    assert.match(tree, /^container .*20 of 20 reachable/m);
    assert.match(tree, /^ {4}server CA rsrv :5064, → 127\.\d+\.\d+\.\d+:5064, 10 of 10 reachable/m);
    assert.match(tree, /^ {4}server PVA .*:5075, → 127\.\d+\.\d+\.\d+:5075, 10 of 10 reachable/m);
    assert.match(tree, /^ {6}ca PV DEV:TEMPERATURE, reachable/m);
    await window.status('EPICS 20/20').waitFor();
    await window.pictures('tree');
  });

  it('tells the details of a PV in a hover over its line', async () => {
    const window = await exposedWindow();
    await window.expand(/^CA /);
    const look = (): Promise<string> => window.hover(window.rows('DEV:TEMPERATURE'));
    const details = await look();
    assert.match(details, /^DEV:TEMPERATURE\n/);
    assert.match(details, /Channel Access \(rsrv\)\nValue: 21\.50 C\n/);
    assert.match(
      details,
      /IOC DEV_IOC \(pid \d+\) in container .*:5064 → .* → 127\.\d+\.\d+\.\d+:5064/,
    );
    await window.pictures('hover', look);
  });

  it('tells in each hover over a counter what it is then', async () => {
    const window = await exposedWindow();
    await window.expand(/^CA /);
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
    await window.expand(/^CA /);
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
      await window.expand(/^container camera|^camera/);
      await window.expand(/^PVA pvxs.* :5075.*2 of 2/i);
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
      await panel.locator('#value', { hasText: words }).waitFor();
      const values = new Set<string>();
      await until(
        async () => values.add(await panel.locator('#value').innerText()).size > 20,
        30_000,
        () => `twenty images, of which came ${values.size}`,
      );
      for (let round = 0; round < 3; round++) {
        assert.match(await window.hover(window.rows('CAM:COUNT')), /Value: \d+\n/);
        assert.match(await window.hover(image), words);
      }
      await window.picture('image-monitor');
      const grown = (server.extensionHostBytes() - before) / 1e6;
      console.log(`        the extension host grew by ${grown.toFixed(1)} MB`);
      // Each image as text would be 2 MB.
      assert.ok(grown < 100, `${grown} MB`);
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
      assert.match(await window.hover(words.last()), expected, name);
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
    await window.webview().locator('#value', { hasText: /^C/ }).waitFor();
  });

  it('sets the environment of terminals', async () => {
    const window = await exposedWindow();
    const answer = join(server.make('answers'), 'environment');
    await window.command('Terminal: Create New Terminal');
    await window.type(`echo $EPICS_CA_NAME_SERVERS,$EPICS_PVA_NAME_SERVERS > ${answer}`);
    await until(() => existsSync(answer) && readFileSync(answer, 'utf8') !== '', 20_000, answer);
    assert.match(readFileSync(answer, 'utf8'), /^127\.0\.0\.1:\d*5063 ?,127\.0\.0\.1:\d*5074 ?\n$/);
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
      await window.rows(/DEV_IOC.*20 of 20 reachable/).waitFor();
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
    await window.rows(/DEV_IOC.*20 of 20 reachable/).waitFor({ state: 'hidden' });
    await startIoc();
    await window.rows(/DEV_IOC.*20 of 20 reachable/).waitFor();
    const tree = (await window.readTree()).join('\n');
    assert.match(tree, /^container .*20 of 20 reachable, this workspace/m);
  });

  it('shows no broken picture on its page', async () => {
    const window = await openWindow();
    await window.command('Extensions: Show Installed Extensions');
    const entry = window.page.locator('.extension-list-item', { hasText: 'EPICS Expose' });
    await entry.first().click();
    const page = window.webview();
    await page.locator('h1', { hasText: 'epics-expose' }).waitFor();
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

  it('shows the same in two windows, and stopping one leaves the other its PVs', async () => {
    const [one, two] = [await exposedWindow(), await exposedWindow()];
    await one.command('EPICS: Stop Exposing');
    await one.welcomeButton('Expose PVs').waitFor();
    await two.command('EPICS: Refresh');
    await two.rows(/DEV_IOC.*20 of 20 reachable/).waitFor();
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
