import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { COMMANDS, SETTINGS, SETTINGS_SECTION } from '../../../src/ui/ids';
import { readRemoteText } from '../../../src/ui/windowPlace';
import { until } from '../../support/until';

const settings = (): vscode.WorkspaceConfiguration =>
  vscode.workspace.getConfiguration(SETTINGS_SECTION);

/** The extension under test, with the demonstration as its engine. */
describe('extension', () => {
  const extension = vscode.extensions.getExtension('epics-expose.epics-expose');

  before(async () => {
    assert.ok(extension);
    await extension.activate();
    await settings().update(SETTINGS.engine, 'demo:', vscode.ConfigurationTarget.Global);
  });

  after(() => vscode.commands.executeCommand(COMMANDS.stop));

  /** What a hover over this word of a file of the workspace says. */
  async function hoverOver(word: string, file = 'demo.db'): Promise<string> {
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(folder);
    const uri = vscode.Uri.joinPath(folder.uri, file);
    const document = await vscode.workspace.openTextDocument(uri);
    const at = document.getText().indexOf(word);
    assert.ok(at >= 0, `${word} in ${file}`);
    const position = document.positionAt(at + 1);
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      document.uri,
      position,
    );
    return hovers
      .flatMap(({ contents }) => contents)
      .map((content) => (typeof content === 'string' ? content : content.value))
      .join('\n')
      .replaceAll('\\', '')
      .replaceAll('&quot;', '"');
  }

  const untilHover = (word: string, what: RegExp): Promise<void> =>
    until(async () => what.test(await hoverOver(word)), 20_000, `a hover with ${what.source}`);

  it('has every command that it contributes', async () => {
    const manifest = extension?.packageJSON as { contributes: { commands: { command: string }[] } };
    const contributed = manifest.contributes.commands.map(({ command }) => command);
    const registered = await vscode.commands.getCommands(true);
    assert.ok(contributed.length > 0);
    assert.deepEqual(
      contributed.filter((command) => !registered.includes(command)),
      [],
    );
  });

  it('says nothing of PVs before they are exposed', async () => {
    assert.equal(await hoverOver('DEMO:TEMPERATURE'), '');
  });

  it('exposes PVs, and tells about one in an editor', async () => {
    await vscode.commands.executeCommand(COMMANDS.expose);
    await untilHover('DEMO:TEMPERATURE', /Value: [\d.]+ degC/);
    const text = await hoverOver('DEMO:TEMPERATURE');
    assert.match(text, /Channel Access/);
    assert.match(text, /pvAccess/);
    assert.match(text, /→ 127\.\d+\.\d+\.\d+:5064/);
  });

  const unit = /DEMO:MOTOR\.EGU[^]*Record: DEMO:MOTOR\s+Value: mm/;
  const fields: [string, string, RegExp][] = [
    ['demo.bob', '$(M).EGU', unit],
    ['demo.bob', '$(M).DESC$', /Value: built-in demo/],
    ['demo.bob', '$(M)/valueAlarm', /valueAlarm\/highAlarmLimit is a part of DEMO:MOTOR[^]* mm/],
    ['demo.bob', '$(P)MESSAGE', /Value: the demo runs for/],
    ['demo.bob', '$(M).{"dbnd"', /Record: DEMO:MOTOR[^]*no PV DEMO:MOTOR\.\{"dbnd":/],
    ['demo.bob', '$(M).PREC', /M: not known in this file/],
    ['demo.bob', 'loc://demo', /local PV of the display; not from an IOC/],
    ['demo.bob', '$(P)PRESSURE', /Value: mbar/],
    ['demo.bob', '` + 1', /formula of the display/],
    ['demo.bob', '$(P)TYPED', /DEMO:TYPED\.EGU[^]*not found/],
    ['demo.opi', '$(pv_name).EGU', unit],
    ['demo.ui', 'DEMO:MOTOR.EGU', unit],
    ['demo.edl', 'DEMO:MOTOR.EGU', unit],
    ['demo.edl', 'DEMO:MOTOR.DESC', /Value: built-in demo/],
    ['demo.adl', 'DEMO:MOTOR.EGU', unit],
    ['demo.py', 'DEMO:MOTOR.EGU', unit],
    ['demo.py', 'DEMO:NOBODY.EGU', /^$/],
    ['demo.template', 'EGU', unit],
    ['demo.template', 'DEMO:COUNTER', /Record: DEMO:COUNTER\s+Value: built-in demo/],
    ['demo.substitutions', 'DEMO:BEAM:', /6 of 6 reachable that fit DEMO:BEAM:\*/],
    ['demo.subs', 'DEMO:BEAM:', /6 of 6 reachable that fit DEMO:BEAM:\*/],
    ['demo.sub', 'DEMO:BEAM:', /6 of 6 reachable that fit DEMO:BEAM:\*/],
    ['iocBoot/st.cmd.linux', 'DEMO:BEAM:', /6 of 6 reachable that fit DEMO:BEAM:\*/],
    ['iocBoot/st.cmd.linux', '$(P)MOTOR', unit],
    ['ioc.yaml', 'DEMO:BEAM:', /6 of 6 reachable that fit DEMO:BEAM:\*/],
  ];
  for (const [file, word, expected] of fields) {
    it(`tells about ${word} in ${file}`, async () => {
      assert.match(await hoverOver(word, file), expected);
    });
  }

  it('names the macros that it does not know', async () => {
    assert.match(await hoverOver('$(P)$(R)'), /P, R: not known in this file/);
  });

  it('says so when the defaults of macros make a name that nobody has', async () => {
    const text = await hoverOver('$(Q=NO:)PRESSURE');
    assert.match(text, /With its defaults: no exposed NO:PRESSURE/);
    assert.match(text, /DEMO:PRESSURE/);
  });

  it('tells what is known, and that there is no more, while the background process hangs', async () => {
    const cli = join(extension?.extensionPath ?? '', 'dist/cli.js');
    const status = execFileSync(process.execPath, [cli, 'broker', 'status', '--json'], {
      encoding: 'utf8',
    });
    const { pid } = JSON.parse(status) as { pid: number };
    process.kill(pid, 'SIGSTOP');
    try {
      assert.match(await hoverOver('DEMO:TEMPERATURE'), /Value: [\d.]+ degC/);
      assert.match(await hoverOver('DEMO:NOBODY'), /no answer yet[^]*Hover again/);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await untilHover('DEMO:NOBODY', /not found/);
  });

  it('copies the name of a PV', async () => {
    await vscode.env.clipboard.writeText('');
    await vscode.commands.executeCommand(COMMANDS.copyPvName, {
      name: 'DEMO:MOTOR',
      protocol: 'ca',
    });
    assert.equal(await vscode.env.clipboard.readText(), 'DEMO:MOTOR');
  });

  it('stops', async () => {
    await vscode.commands.executeCommand(COMMANDS.stop);
    await until(
      async () => (await hoverOver('DEMO:TEMPERATURE')) === '',
      10_000,
      'no hover any more',
    );
  });

  it('takes a setting of the wrong kind for none', async () => {
    const broken = [
      [SETTINGS.pvNames, 7],
      [SETTINGS.autoExpose, { odd: true }],
    ] as const;
    for (const [name, value] of broken) {
      await settings().update(name, value, vscode.ConfigurationTarget.Global);
    }
    await vscode.commands.executeCommand(COMMANDS.expose);
    await untilHover('DEMO:TEMPERATURE', /Value: [\d.]+ degC/);
    for (const [name] of broken) {
      await settings().update(name, undefined, vscode.ConfigurationTarget.Global);
    }
  });

  // How a window of a container is asked whether an IOC listens there (ui/awaitIoc).
  it('reads a socket table through the connection of a remote window', async function () {
    const { remoteName } = vscode.env;
    if (remoteName === undefined) this.skip();
    const path = '/proc/net/tcp';
    const uri = vscode.Uri.from({ scheme: 'vscode-remote', authority: remoteName, path });
    assert.match(await readRemoteText(uri), /local_address[^]* 0A /);
  });

  it('has no engine in what is loaded first', () => {
    const bundle = join(extension?.extensionPath ?? '', 'dist/extension.js');
    assert.doesNotMatch(readFileSync(bundle, 'utf8'), /node_modules\/(dockerode|docker-modem)\//);
  });
});
