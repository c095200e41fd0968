import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  COMMANDS,
  CONTEXT_KEYS,
  HOST_TERMINAL_PROFILE,
  PVS_VIEW,
  SETTINGS,
  SETTINGS_SECTION,
  VIEW_CONTAINER,
  WALKTHROUGH,
  WATCH_VIEW,
} from '../../../src/ui/ids';

const root = join(__dirname, '../../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const commands = manifest.contributes.commands as {
  command: string;
  title: string;
  category: string;
}[];
const { contributes } = manifest;
const text = JSON.stringify(contributes);
const commandIds = Object.values(COMMANDS);
const settingNames = Object.values(SETTINGS).map((name) => `${SETTINGS_SECTION}.${name}`);

describe('contributions of package.json', () => {
  it('are the ids of the code', () => {
    const contributed = commands.map(({ command }) => command);
    assert.deepEqual(contributed.sort(), [...commandIds].sort());
    assert.deepEqual(
      Object.keys(contributes.configuration.properties).sort(),
      [...settingNames].sort(),
    );
    assert.equal(contributes.viewsContainers.activitybar[0].id, VIEW_CONTAINER);
    const views = contributes.views[VIEW_CONTAINER] as { id: string }[];
    assert.deepEqual(
      views.map(({ id }) => id),
      [PVS_VIEW, WATCH_VIEW],
    );
    assert.equal(contributes.terminal.profiles[0].id, HOST_TERMINAL_PROFILE);
    assert.equal(contributes.walkthroughs[0].id, WALKTHROUGH);
  });

  it('use no id that is not there', () => {
    const known = new Set<string>([
      ...commandIds,
      ...settingNames,
      ...Object.values(CONTEXT_KEYS),
      PVS_VIEW,
      `${PVS_VIEW}.focus`,
      WATCH_VIEW,
      HOST_TERMINAL_PROFILE,
      WALKTHROUGH,
    ]);
    for (const [id] of text.matchAll(/epicsExpose\.[\w.]+/g)) assert.ok(known.has(id), id);
  });

  it('have conditions that VS Code understands: it has no !~, and then takes all for true', () => {
    for (const [when] of text.matchAll(/"when": ".*"/g)) assert.doesNotMatch(when, /!~/);
  });

  it('name files that exist', () => {
    for (const [path] of text.matchAll(/media\/[\w/.-]+/g)) {
      assert.ok(existsSync(join(root, path)), path);
    }
    if (manifest.icon) assert.ok(existsSync(join(root, manifest.icon)));
  });

  it('have a category, and describe each setting', () => {
    for (const { category } of commands) assert.equal(category, 'EPICS');
    for (const [name, { markdownDescription, scope }] of Object.entries<{
      markdownDescription: string;
      scope: string;
    }>(contributes.configuration.properties)) {
      assert.ok(markdownDescription.length > 20, name);
      // What runs on this machine, or names it, is not for a workspace to set.
      assert.equal(scope, /engine|phoebus/.test(name) ? 'application' : 'window', name);
    }
  });

  it("keep VS Code's own forwarder off the EPICS ports", () => {
    const attributes = contributes.configurationDefaults['remote.portsAttributes'];
    for (const port of [5063, 5064, 5065, 5074, 5075, 5076, 15063, 15074]) {
      assert.equal(attributes[port].onAutoForward, 'ignore');
    }
  });

  it('keep it off other ports of an IOC and of ours, and off nothing else', () => {
    const keys = Object.keys(contributes.configurationDefaults['remote.portsAttributes']);
    const patterns = keys.filter((key) => !/^\d+$/.test(key)).map((key) => new RegExp(key));
    const isKeptOff = (commandLine: string): boolean =>
      patterns.some((pattern) => pattern.test(commandLine)) &&
      // As VS Code reads it: /proc/PID/cmdline, where NUL ends each word.
      patterns.some((pattern) => pattern.test(`${commandLine.replaceAll(' ', '\0')}\0`));
    for (const commandLine of [
      '/epics/ioc/bin/linux-x86_64/ioc /epics/runtime/st.cmd',
      'softIocPVX -d /tmp/x.db',
      '/usr/bin/python3 /venv/bin/pythonSoftIOC script.py',
      './st.cmd',
      '/usr/bin/node /root/.vscode-server/extensions/epics-expose.epics-expose-0.1.0/dist/broker.js',
      'node C:\\Users\\me\\.vscode\\extensions\\epics-expose.epics-expose-0.1.0\\dist\\broker.js',
      'node dist/broker.js epics-expose-broker',
      'node --max-semi-space-size=4 dist/broker.js epics-expose-broker',
      'node /usr/local/bin/epics-expose demo',
      'node /usr/lib/node_modules/epics-expose/dist/cli.js',
    ]) {
      assert.ok(isKeptOff(commandLine), commandLine);
    }
    for (const commandLine of [
      'node /workspaces/ioc-template/server.js',
      'python3 -m http.server',
      'node /workspaces/epics-expose/server.js',
      '/opt/ioc/web --port 8080',
    ]) {
      assert.ok(!isKeptOff(commandLine), commandLine);
    }
  });

  it('are in the tables of the README', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const [section = ''] = /^## VS Code$[\s\S]*?^## /m.exec(readme) ?? [];
    const rows = section.split('\n').filter((line) => line.startsWith('|'));
    const hasRow = (first: string): void =>
      assert.ok(
        rows.some((row) => row.startsWith(`| \`${first}\``)),
        first,
      );
    for (const { title } of commands) hasRow(title);
    for (const name of Object.values(SETTINGS)) hasRow(name);
    for (const { name } of contributes.views[VIEW_CONTAINER]) hasRow(name);
  });
});
