import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { COMMANDS, SETTINGS, SETTINGS_SECTION } from '../../../src/ui/ids';
import { NO_ANSWER_YET } from '../../../src/present/pvDetailsText';
import { until } from '../../support/until';
import { hoverCells } from './hoverCells';
import { hoverText } from './hoverText';

/** The extension under test, with the engine that EPICS_EXPOSE_TEST_ENGINE names. */
describe('a hover over', () => {
  const folder = mkdtempSync(join(tmpdir(), 'epics-expose-hovers-'));
  const cells = hoverCells().map((cell, index) => {
    const place = join(folder, `${index}`);
    mkdirSync(place);
    const path = join(place, cell.file);
    writeFileSync(path, cell.text.replace('|', ''));
    const look = (): Promise<string> =>
      hoverText(vscode.Uri.file(path), cell.text.indexOf('|')).then(toldBy);
    return { ...cell, look };
  });

  before(async () => {
    await vscode.workspace
      .getConfiguration(SETTINGS_SECTION)
      .update(
        SETTINGS.engine,
        process.env['EPICS_EXPOSE_TEST_ENGINE'],
        vscode.ConfigurationTarget.Global,
      );
    await vscode.extensions.getExtension('epics-expose.epics-expose')?.activate();
    await vscode.commands.executeCommand(COMMANDS.expose);
    const [first] = cells;
    assert.ok(first);
    let found = '';
    await until(
      async () => (found = await first.look()) === first.told,
      8000,
      () => `${first.told}; a hover told ${found}`,
    );
  });
  after(async () => {
    await vscode.commands.executeCommand(COMMANDS.stop);
    rmSync(folder, { recursive: true });
  });

  for (const { kind, file, told, look } of cells) {
    it(`${kind} in ${file}`, async () => {
      let found = '';
      // A busy machine is late with answers, and with lists: then there may be no hover.
      const isAnswer = async (): Promise<boolean> => {
        found = await look();
        return !found.includes(NO_ANSWER_YET) && (found !== '' || told === '');
      };
      await until(isAnswer, 2000, () => `${told}; a hover told ${found}`);
      assert.equal(found, told);
    });
  }
});

/**
 * What a hover tells: `CA of RECORD: VALUE; PVA of RECORD: VALUE`, the record where a field is asked
 * for, in place of the value why there is none; and other headings with the PVs they list. The value
 * of the first protocol stands above the rule, with its heading below.
 */
function toldBy(hover: string): string {
  const [head = '', rest = ''] = hover.split(/\n+---\n+/);
  const [first, ...others] = sectionsOf(rest);
  const own = head
    .split('\n\n')
    .map(linesOf)
    .find((lines) => lines.some((line) => line.startsWith('State: ')));
  const value = own && valueIn(own);
  const record = own && lineOf(own, 'Record');
  const told = sectionsOf(head).map(headed);
  if (!first || value === undefined) return told.join('; ');
  const of = record ? ` of ${record}` : '';
  const paths = [
    `${nameOf(first)}${of}: ${value}`,
    ...others.map((section) => {
      const theirs = valueIn(linesOf(section));
      return `${nameOf(section)}${of}: ${theirs === 'the same' ? value : theirs}`;
    }),
  ];
  return [...told, ...paths].join('; ');
}

const sectionsOf = (text: string): string[] =>
  text.split('\n\n').filter((section) => section.startsWith('$('));
const linesOf = (section: string): string[] => section.trim().split(/ *\n/);
const lineOf = (lines: readonly string[], label: string): string =>
  lines.find((line) => line.startsWith(`${label}: `))?.slice(label.length + 2) ?? '';
const valueIn = (lines: readonly string[]): string =>
  lineOf(lines, 'Value') || lineOf(lines, 'No value') || lineOf(lines, 'No newer value');
const nameOf = (section: string): string =>
  (linesOf(section)[0] ?? '')
    .replace(/^\$\(\w+\) \*\*|\*\*$/g, '')
    .replace(/^Channel Access \(.*/, 'CA')
    .replace(/^pvAccess \(.*/, 'PVA');
const headed = (section: string): string => {
  const pvs = lineOf(linesOf(section), 'PVs');
  return `${nameOf(section)}${pvs && `: ${pvs}`}`;
};
