import assert from 'node:assert/strict';
import { printable, printableJson, printableLines } from '../../../src/base/printable';
import { treeOf } from '../../../src/present/pvTree';
import { readingCells } from '../../../src/model/reading';
import type { Snapshot } from '../../../src/model/snapshot';
import { problemSentence } from '../../../src/present/problemText';
import { tableNotes, tableRows } from '../../../src/present/table';
import { renderReport } from '../../../src/cli/renderTable';
import { snapshotWith } from '../../support/snapshots';
import { TERMINAL_WORDS, WINDOW_WORDS } from '../../../src/present/frontEndWords';
import type { Note } from '../../../src/model/note';
import type { Problem } from '../../../src/model/problem';

const TITLE = '\u001b]0;owned\u0007';

describe('printable', () => {
  const cases: [string, string][] = [
    ['DEV:T é 漢 😀 a\\b "x"', 'DEV:T é 漢 😀 a\\b "x"'],
    [TITLE, '\\x1b]0;owned\\x07'],
    ['a\r\nb\tc\0', 'a\\x0d\\x0ab\\x09c\\x00'],
    ['\u007f\u009b31m\u0085', '\\x7f\\x9b31m\\x85'],
    [
      '\u202etxt.exe\u202c\u2066x\u2069\u200f\u061c',
      '\\u202etxt.exe\\u202c\\u2066x\\u2069\\u200f\\u61c',
    ],
    ['a\u200bb\u200dc\ufeffd\u00ade\u2060', 'a\\u200bb\\u200dc\\ufeffd\\xade\\u2060'],
    ['a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
    ['x\u{e0041}\u3164\ud800', 'x\\u{e0041}\\u3164\\ud800'],
  ];
  for (const [text, expected] of cases) {
    it(expected, () => {
      assert.equal(printable(text), expected);
      assert.equal(printable(expected), expected, 'twice is as once');
    });
  }

  it('leaves to a log its lines, none of which looks as if we had written it', () =>
    assert.equal(
      printableLines(`x${TITLE}\n2026-01-01T00:00:00Z error all is lost`),
      'x\\x1b]0;owned\\x07\n    2026-01-01T00:00:00Z error all is lost',
    ));

  it('leaves JSON what it was', () => {
    const value = cases.map(([text]) => ({ [text]: text }));
    for (const indent of [undefined, 2]) {
      const json = printableJson(JSON.stringify(value, undefined, indent));
      assert.deepEqual(JSON.parse(json), value);
      assert.doesNotMatch(json.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }
  });
});

describe('what people read of hostile containers', () => {
  const evil = `${TITLE}\u202eevil\nforged   row`;
  const problem: Problem = {
    code: 'port-given-back',
    container: evil,
    transport: 'tcp',
    endpoint: { host: '127.0.0.1', port: 5064 },
  };
  const notes: Note[] = [{ code: 'names-file', detail: evil }];
  const [container] = snapshotWith([
    { implementation: evil, local: { host: '127.0.0.1', port: 5064 }, notes },
    { status: 'failed', problem },
  ]).containers;
  assert.ok(container);
  const [ioc] = container.iocs;
  assert.ok(ioc);
  const snapshot: Snapshot = {
    ...snapshotWith([]),
    engines: [
      {
        ...{ key: evil, kind: 'docker', version: evil, isRootless: false },
        ...{ status: 'unreachable', problem },
      },
    ],
    containers: [
      {
        ...{ ...container, name: evil, image: evil, problem },
        iocs: [{ ...ioc, name: evil, namesNotes: notes, commandLine: evil }],
      },
    ],
    unknownNames: [evil],
  };
  const steering = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

  it('is escaped in the table and the notes, before it is painted', () => {
    const cells = tableRows(snapshot).flatMap((row) => Object.values(row) as string[]);
    for (const text of [
      ...cells,
      ...tableNotes(snapshot, TERMINAL_WORDS),
      problemSentence(problem, TERMINAL_WORDS),
    ]) {
      assert.doesNotMatch(text, steering);
    }
    const report = renderReport(snapshot, { isColoured: true, columns: 120 });
    for (const line of report) assert.doesNotMatch(line.replace(/\u001b\[\d+m/g, ''), steering);
  });

  it('is escaped in readings', () => {
    const reading = { value: [evil, { [evil]: evil }], units: evil, alarmMessage: evil };
    for (const cell of readingCells(evil, 'ca', { ...reading, severity: evil, time: evil })) {
      assert.doesNotMatch(cell, steering);
    }
  });

  it('is escaped in the tree', () => {
    const texts = (node: object): string[] =>
      Object.entries(node).flatMap(([name, value]) => {
        if (['label', 'description', 'spoken'].includes(name)) return [String(value)];
        return name === 'children' ? (value as object[]).flatMap(texts) : [];
      });
    const all = treeOf(snapshot, { arrangement: 'servers' }, WINDOW_WORDS).flatMap(texts);
    assert.ok(all.length > 10);
    for (const text of all) assert.doesNotMatch(text, steering);
  });
});
