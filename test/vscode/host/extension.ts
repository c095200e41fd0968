import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { COMMANDS, SETTINGS, SETTINGS_SECTION } from '../../../src/ui/ids';
import { readRemoteText } from '../../../src/ui/windowPlace';
import { until } from '../../support/until';
import { hoverText } from './hoverText';

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
    const text = (await vscode.workspace.openTextDocument(uri)).getText();
    const at = text.indexOf(word);
    assert.ok(at >= 0, `${word} in ${file}`);
    return hoverText(uri, at + 1);
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
    ['demo.bob', '$(M)/valueAlarm', /valueAlarm\/highAlarmLimit of DEMO:MOTOR[^]*has no part/],
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
    ['demo.substitutions', 'DEMO:BEAM:', /3 of 3 reachable that fit DEMO:BEAM:\*/],
    ['demo.subs', 'DEMO:BEAM:', /3 of 3 reachable that fit DEMO:BEAM:\*/],
    ['demo.sub', 'DEMO:BEAM:', /3 of 3 reachable that fit DEMO:BEAM:\*/],
    ['iocBoot/st.cmd.linux', 'DEMO:BEAM:', /3 of 3 reachable that fit DEMO:BEAM:\*/],
    ['iocBoot/st.cmd.linux', '$(P)MOTOR', unit],
    ['ioc.yaml', 'DEMO:BEAM:', /3 of 3 reachable that fit DEMO:BEAM:\*/],
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

  /** Opens a file of the workspace, and where a word begins in it. */
  async function open(file: string, word: string): Promise<[vscode.TextDocument, vscode.Position]> {
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(folder);
    const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, file));
    const at = document.getText().indexOf(word);
    assert.ok(at >= 0, `${word} in ${file}`);
    return [document, document.positionAt(at)];
  }

  const definitions: [string, string, string[]][] = [
    ['demo.py', 'DEMO:MOTOR.EGU', ['demo.template:1']],
    ['demo.bob', '$(P)PRESSURE', ['demo.db:8']],
    ['demo.ui', 'DEMO:MOTOR.EGU', ['demo.template:1']],
    ['demo.py', 'DEMO:NOBODY.EGU', ['demo.db:4']],
  ];
  for (const [file, word, expected] of definitions) {
    it(`goes from ${word} in ${file} to the record`, async () => {
      const [document, position] = await open(file, word);
      const links = await vscode.commands.executeCommand<(vscode.Location | vscode.LocationLink)[]>(
        'vscode.executeDefinitionProvider',
        document.uri,
        position.translate(0, 1),
      );
      const places = links.map((link) => {
        const [uri, range] =
          'uri' in link ? [link.uri, link.range] : [link.targetUri, link.targetRange];
        return `${vscode.workspace.asRelativePath(uri)}:${range.start.line + 1}`;
      });
      assert.deepEqual(places, expected);
    });
  }

  it('opens the record of a PV', async () => {
    await vscode.commands.executeCommand(COMMANDS.goToRecord, {
      name: 'DEMO:MOTOR.VAL',
      protocol: 'ca',
    });
    const editor = vscode.window.activeTextEditor;
    assert.match(editor?.document.fileName ?? '', /demo\.template$/);
    assert.equal(editor?.selection.start.line, 0);
  });

  it('completes names of PVs, and keeps what was typed', async () => {
    const complete = async (file: string, word: string, typed: string): Promise<unknown[]> => {
      const [document, start] = await open(file, word);
      const list = await vscode.commands.executeCommand<vscode.CompletionList>(
        'vscode.executeCompletionItemProvider',
        document.uri,
        start.translate(0, typed.length),
      );
      return list.items
        .filter(({ kind }) => kind === vscode.CompletionItemKind.Value)
        .map(({ insertText }) => insertText);
    };
    assert.deepEqual(await complete('demo.py', 'DEMO:MOTOR.EGU', 'DEMO:MO'), ['DEMO:MOTOR']);
    assert.ok((await complete('demo.bob', '$(P)PRESSURE', '$(P)PR')).includes('$(P)PRESSURE'));
    assert.deepEqual(await complete('demo.db', 'DEMO:TEMPERATURE', 'DEMO:TE'), []);
  });

  it('says why', async () => {
    const why = async (name?: string): Promise<string> => {
      await vscode.commands.executeCommand(COMMANDS.why, name && { name, protocol: 'ca' });
      return vscode.window.activeTextEditor?.document.getText() ?? '';
    };
    assert.match(
      await why('DEMO:MOTOR'),
      /^DEMO:MOTOR is reachable: [\d.]+ mm\n\nDEMO:MOTOR over CA\n/,
    );
    assert.match(await why('DEMO:MOTER'), /^no IOC .* has DEMO:MOTER; did you mean DEMO:MOTOR/);
    assert.match(await why(), /^Nothing is wrong: 24 PVs of 2 servers/);
    const settings = vscode.workspace.getConfiguration('terminal.integrated.env');
    const system = { darwin: 'osx', win32: 'windows' }[process.platform as string] ?? 'linux';
    await settings.update(system, { EPICS_CA_ADDR_LIST: 'a,b' }, true);
    try {
      const isTold = async (): Promise<boolean> =>
        /^terminal\.integrated\.env\.\w+: EPICS_CA_ADDR_LIST="a,b": entries/.test(await why());
      await until(isTold, 20_000, 'the setting of terminals');
    } finally {
      await settings.update(system, undefined, true);
    }
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('reports PVs that nobody serves, if that is wanted', async () => {
    const [document] = await open('demo.db', 'DEMO:NOBODY');
    const problems = (): string[] =>
      vscode.languages
        .getDiagnostics(document.uri)
        .map(({ message, range }) => `${range.start.line + 1}: ${message}`);
    assert.deepEqual(problems(), []);
    await settings().update(SETTINGS.problems, true, vscode.ConfigurationTarget.Global);
    await until(() => problems().length > 0, 20_000, 'problems');
    assert.deepEqual(problems(), ['4: No exposed IOC has DEMO:NOBODY.']);
    await settings().update(SETTINGS.problems, undefined, vscode.ConfigurationTarget.Global);
    await until(() => problems().length === 0, 20_000, 'no problems');
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
