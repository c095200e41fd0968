/** What hands do in the views, in a real workbench: keys, several rows, menus, terminals. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { CodeServer } from '../support/codeServer';
import type { Devcontainer } from '../support/lab/devcontainer';
import type { IocProcess } from '../support/lab/container';
import { devcontainerUp } from '../support/lab/devcontainer';
import type { LabEngine } from '../support/lab/engine';
import { needsEngine } from '../support/lab/needs';
import { skip } from '../support/skip';
import { until } from '../support/until';
import { makePackage } from '../support/vscodePackage';
import { missingForBrowser, openBrowser, Workbench } from '../support/vscodeWorkbench';
import { writtenFile } from '../support/writtenFile';
import { missingForCodeServer } from '../support/codeServer';

describe('hands in the views', function () {
  this.timeout(180_000);
  let engine: LabEngine;
  let dev: Devcontainer;
  let ioc: IocProcess;
  /** A Phoebus with settings of a site. */
  let phoebus: string;
  let server: CodeServer;
  let browser: Browser;
  let window: Workbench;

  before(async function () {
    this.timeout(300_000);
    const missing = missingForCodeServer() ?? missingForBrowser();
    if (missing) skip(this, missing, 'vscode');
    engine = await needsEngine(this, 'docker');
    const vsix = join(engine.folder, 'hands.vsix');
    await makePackage(vsix);
    dev = await devcontainerUp(engine, {
      name: 'hands',
      settings: { runArgs: ['--name', 'hands'] },
    });
    writeFileSync(join(dev.workspaceFolder, 'hands.db'), '\nrecord(ai, "$(P)TEMPERATURE") {\n}\n');
    for (const file of ['notes.txt', 'drag.txt', 'client.txt']) {
      writeFileSync(join(dev.workspaceFolder, file), '\n');
    }
    ioc = await dev.container.startIoc({ macros: 'P=HANDS:', env: { IOC_NAME: 'HANDS_IOC' } });
    phoebus = mkdtempSync(join(tmpdir(), 'ee-hands-'));
    writeFileSync(join(phoebus, 'phoebus.sh'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(phoebus, 'settings.ini'), 'org.phoebus.pv.ca/name_servers=x y,z\n');
    const settings = {
      'epicsExpose.engine': engine.endpoint,
      'epicsExpose.autoExpose': 'never',
      'epicsExpose.phoebus': join(phoebus, 'phoebus.sh'),
    };
    server = await CodeServer.start({ vsix, settings });
    browser = await openBrowser();
    window = await Workbench.open(browser, server, dev.workspaceFolder);
    window.page.setDefaultTimeout(20_000);
    await window.activity('EPICS');
    await window.welcomeButton('Expose PVs').click();
    await window.rows('HANDS:TEMPERATURE').first().waitFor();
  });
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    await window.keepEvidence(`failed-hands-${this.currentTest.title.replace(/\W+/g, '-')}`);
  });
  after(async () => {
    await window?.close();
    await browser?.close();
    if (phoebus) rmSync(phoebus, { recursive: true });
    await server?.close();
    await dev?.container.remove();
  });

  /** A row's item of its context menu. */
  async function menu(row: string | RegExp, item: string): Promise<void> {
    const { page } = window;
    await window.rows(row).first().click({ button: 'right' });
    const items = page.locator('.monaco-menu .action-item', { hasText: item });
    // A click is ignored while the menu opens.
    await items.first().hover();
    await page.keyboard.press('Enter');
  }
  /** What is in the terminal that is shown. */
  const terminalText = (): Promise<string> =>
    window.page.locator('.terminal-wrapper.active .xterm-rows').innerText();

  it('the command works in a host terminal', async () => {
    await window.command('EPICS: Open Host Terminal');
    await window.type('epics-expose get ca://HANDS:TEMPERATURE | cat');
    await until(async () => /21\.50 C/.test(await terminalText()), 60_000, 'its line');
  });

  it('the log of a container is its engine’s own command', async () => {
    await menu(/^hands/, 'Show Log of Container');
    await until(
      async () => /logs --tail 200 -f hands/.test(await terminalText()),
      60_000,
      'its line',
    );
  });

  it('Go to Record on a row opens the database at the record', async () => {
    await menu('HANDS:TEMPERATURE', 'Go to Record');
    await window.page.locator('.tab.active', { hasText: 'hands.db' }).waitFor();
    await window.status(/Ln 2,/).waitFor();
  });

  it('Why? says so in an editor', async () => {
    await menu('HANDS:TEMPERATURE', 'Why?');
    const line = window.page.locator('.view-line', { hasText: /is\sreachable:/ });
    await line.first().waitFor();
  });

  it('Why? knows what terminals and files of the folder tell clients', async () => {
    const file = (name: string): string => join(dev.workspaceFolder, name);
    mkdirSync(file('.vscode'), { recursive: true });
    const variables = { EPICS_CA_ADDR_LIST: '127.0.0.1,127.0.0.2' };
    writeFileSync(
      file('.vscode/settings.json'),
      JSON.stringify({ 'terminal.integrated.env.linux': variables }),
    );
    writeFileSync(file('.env'), 'EPICS_PVA_NAME_SERVERS=127.0.0.1:5076\n');
    writeFileSync(file('settings.ini'), '\norg.phoebus.pv.pva/server_port=5075\n');
    const line = (text: RegExp) => window.page.locator('.view-line', { hasText: text }).first();
    try {
      // VS Code takes the settings when it has seen the file.
      await until(
        async () => {
          await window.command('EPICS: Why?');
          return (await line(/^terminal\.integrated\.env\.linux:\sEPICS_CA_ADDR_LIST/).count()) > 0;
        },
        60_000,
        'the setting of terminals',
      );
      await line(/^note:\s\.env:1:\s127\.0\.0\.1:5076\sin\sEPICS_PVA_NAME_SERVERS/).waitFor();
      const ofSite = /settings\.ini:1:\sorg\.phoebus\.pv\.ca\/name_servers=x\sy,z:\sentries/;
      await line(ofSite).waitFor();
      await line(/^note:\ssettings\.ini:2:\sPhoebus\shas\sno\spreference/).waitFor();
      await window.picture('why-settings');
    } finally {
      for (const name of ['.vscode', '.env', 'settings.ini']) {
        rmSync(file(name), { recursive: true });
      }
    }
  });

  it('a report says what there is, and not whose machine it is', async () => {
    await window.command('EPICS: Report a Problem...');
    const lines = window.page.locator('.editor-instance .view-line');
    await lines.filter({ hasText: /Report\sof\sepics-expose/ }).waitFor();
    await lines
      .filter({ hasText: /VS\sCode|code-server/i })
      .first()
      .waitFor();
    await window.command('View: Revert and Close Editor');
  });

  it('several rows are copied as lines, and Enter opens a plot', async () => {
    const { page } = window;
    await window.rows('HANDS:COUNT').first().click();
    await window
      .rows('HANDS:MODE')
      .first()
      .click({ modifiers: ['Shift'] });
    await page.keyboard.press('Control+c');
    await window.openFile('notes.txt');
    await page.locator('.monaco-editor .view-lines').last().click();
    await page.keyboard.press('Control+v');
    await page.locator('.view-line', { hasText: 'HANDS:COUNT' }).first().waitFor();
    await page.locator('.view-line', { hasText: 'HANDS:MODE' }).first().waitFor();
    await window.rows('HANDS:COUNT').first().click();
    await page.keyboard.press('Enter');
    await page.locator('.tab.active', { hasText: 'HANDS:COUNT' }).waitFor();
  });

  it('what one client needs is copied, with the PV that is selected', async () => {
    const { page } = window;
    await window.openFile('client.txt');
    await window.rows('HANDS:SETPOINT').first().click();
    await window.command('EPICS: Copy Environment for a Shell or Client...');
    const picker = page.locator('.quick-input-widget', { hasText: 'for EPICS Clients' });
    await picker.locator('input:visible').fill('p');
    await window.picture('copy-environment');
    await picker.locator('input:visible').fill('pyepics');
    await page.keyboard.press('Enter');
    await picker.waitFor({ state: 'hidden' });
    await page.locator('.monaco-editor .view-lines').last().click();
    await page.keyboard.press('Control+v');
    const line = (text: RegExp) => page.locator('.view-line', { hasText: text }).first();
    await line(/os\.environ\["EPICS_CA_NAME_SERVERS"\]\s=\s"127\.0\.0\.1:\d*5063"/).waitFor();
    await line(/epics\.caget\("HANDS:SETPOINT"\)/).waitFor();
  });

  it('a PV is dragged into an editor', async () => {
    const row = window.rows('HANDS:SETPOINT').first();
    // A plot that opens would take the key.
    await row.click();
    await window.openFile('drag.txt');
    const line = window.page.locator('.editor-instance .view-line').first();
    await window.drag(row, line, 'Shift');
    await window.page.locator('.view-line', { hasText: 'HANDS:SETPOINT' }).first().waitFor();
  });

  it('rows tell that they are not updated while the background process hangs', async function () {
    this.timeout(300_000);
    const row = window.rows('HANDS:COUNT').first();
    await row.filter({ hasText: /COUNT\s*\d+/ }).waitFor();
    const [pid = assert.fail(), ...others] = server.brokers();
    assert.deepEqual(others, []);
    process.kill(pid, 'SIGSTOP');
    try {
      // A busy machine is given more time to answer.
      const isTold = row.filter({ hasText: /not updated \(was \d+/ });
      const shown = async (): Promise<string> =>
        (await window.page.locator('.sidebar .pane-body').allInnerTexts()).join('\n');
      await isTold.waitFor({ timeout: 120_000 }).catch(async (cause: unknown) => {
        throw new Error(await shown(), { cause });
      });
      await window.status(/EPICS$/).waitFor();
      const message = window.page.locator('.tree-explorer-viewlet-tree-view .message');
      await message.filter({ hasText: /background process.*is suspended/ }).waitFor();
      await window.pictures('silent');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await row.filter({ hasText: /COUNT\s*\d+/ }).waitFor();
    await window.status(/EPICS \d+\/\d+/).waitFor();
  });

  it('an IOC that is suspended says so, in its rows and in hovers, and goes on', async () => {
    const row = window.rows('HANDS:COUNT').first();
    await row.filter({ hasText: /COUNT\s*\d+/ }).waitFor();
    process.kill(ioc.pid, 'SIGSTOP');
    try {
      await row.filter({ hasText: 'IOC suspended' }).waitFor();
      assert.match(
        await window.hover(row),
        /The IOC's process \(pid \d+\) is suspended by Ctrl-Z or another signal/i,
      );
      await window.pictures('suspended', () => window.hover(row));
    } finally {
      process.kill(ioc.pid, 'SIGCONT');
    }
    await row.filter({ hasText: /COUNT\s*\d+/ }).waitFor();
  });

  it('a container is left out, and brought back', async () => {
    await menu(/^hands/, 'Leave Out Container');
    await window
      .rows(/^hands/)
      .first()
      .waitFor({ state: 'detached' });
    await window.command('EPICS: Choose Containers...');
    const { page } = window;
    const row = page.locator('.quick-input-list .monaco-list-row', { hasText: 'hands' });
    await row.click();
    await page.locator('.quick-input-widget .monaco-button', { hasText: 'OK' }).click();
    await window.rows('HANDS:TEMPERATURE').first().waitFor();
    assert.equal(await window.rows(/^hands/).count(), 1);
  });

  it('uninstalling leaves no process, file or variable', async function () {
    // The background process ends half a minute after the last window.
    this.timeout(300_000);
    assert.equal(server.brokers().length, 1);
    assert.ok(leftBehind().some((path) => path.includes('globalStorage')));
    await window.close();
    await server.uninstall('epics-expose.epics-expose');
    window = await Workbench.open(browser, server, dev.workspaceFolder);
    const answer = join(server.make('answers'), 'environment');
    await window.command('Terminal: Create New Terminal');
    await window.type(`env > ${answer}`);
    const environment = (await writtenFile(answer)).toString();
    assert.doesNotMatch(environment, /EPICS_(CA|PVA)_NAME_SERVERS|epics-expose\.epics/);
    assert.deepEqual(server.brokers(), []);
    await until(
      () => leftBehind().length === 0,
      30_000,
      () => leftBehind().join(', '),
    );
  });

  /** Files of ours; VS Code keeps its own logs. */
  function leftBehind(): string[] {
    const ours = /epics[-.]?expose/i;
    return readdirSync(server.folder, { recursive: true, encoding: 'utf8' }).filter(
      (path) => ours.test(path) && !/^data\/logs\//.test(path),
    );
  }
});
