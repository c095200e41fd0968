/* eslint no-template-curly-in-string: off -- EPICS macros look like placeholders */
import assert from 'node:assert/strict';
import { RecordIndex, recordDefinitionsIn } from '../../../src/present/recordIndex';

describe('recordIndex', () => {
  const of = (files: Record<string, string>): RecordIndex => {
    const index = new RecordIndex();
    for (const [path, text] of Object.entries(files)) index.set(path, recordDefinitionsIn(text));
    return index;
  };
  const places = (index: RecordIndex, record: string): string[] =>
    index.find(record).map(({ path, line }) => `${path}:${line + 1}`);

  it('finds records and aliases, with their lines, and no fields', () => {
    const text = [
      '# record(ai, "NOT")',
      'record(ai, "A:ONE") { field(INP, "A:LINK") alias("A:UNO") }',
      'grecord(ao,BARE)',
      'alias("A:ONE", "A:EINS")',
      'record(ai, "BROKEN',
    ].join('\n');
    assert.deepEqual(
      recordDefinitionsIn(text).map(({ name, line, start }) => [
        name,
        line,
        text.slice(start, start + 2),
      ]),
      [
        ['A:ONE', 1, 'A:'],
        ['A:UNO', 1, 'A:'],
        ['BARE', 2, 'BA'],
        ['A:EINS', 3, 'A:'],
        ['BROKEN', 4, 'BR'],
      ],
    );
  });

  it('takes macros for anything, and the definition that says most', () => {
    const index = of({
      'a.db': 'record(ai, "$(P)TEMP")\nrecord(ai, "$(P)$(R=x)TEMP_RBV")',
      'b.db': 'record(ai, "DEV:TEMP")',
      'c.db': 'record(ai, "$(P)MID${N}:TEMP")',
      'all.db': 'record(ai, "$(NAME)")',
    });
    assert.deepEqual(places(index, 'DEV:TEMP'), ['b.db:1']);
    assert.deepEqual(places(index, 'X:TEMP'), ['a.db:1']);
    assert.deepEqual(places(index, 'X:TEMP_RBV'), ['a.db:2']);
    assert.deepEqual(places(index, 'X:MID12:TEMP'), ['c.db:1']);
    assert.deepEqual(places(index, 'X:OTHER'), [], 'a macro alone says nothing');
    assert.deepEqual(places(index, 'TEM'), []);
  });

  it('knows what a file says now', () => {
    const index = of({ 'a.db': 'record(ai, "A")', 'b.db': 'record(ai, "A")' });
    assert.deepEqual(places(index, 'A'), ['a.db:1', 'b.db:1']);
    index.set('a.db', recordDefinitionsIn('\n\nrecord(ai, "A")'));
    index.delete('b.db');
    assert.deepEqual(places(index, 'A'), ['a.db:3']);
  });

  it('keeps a bounded number', () => {
    const text = Array.from({ length: 20_000 }, (_, at) => `record(ai, "R${at}")`).join('\n');
    const files = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`${at}.db`, text]));
    const index = of(files);
    assert.equal(index.fileCount, 15);
    index.delete('0.db');
    index.set('29.db', recordDefinitionsIn('record(ai, "LAST")'));
    assert.deepEqual(places(index, 'LAST'), ['29.db:1']);
  });

  it('knows no name of macros without end', () => {
    const index = of({ 'a.db': `record(ai, "${'$(A)a'.repeat(50)}")\nrecord(ai, "$(A)aa")` });
    assert.deepEqual(places(index, 'a'.repeat(60)), ['a.db:2']);
  });

  it('finds one of a hundred thousand in no time that depends on them', () => {
    const text = (file: number): string =>
      Array.from({ length: 1000 }, (_, at) => `record(ai, "$(P)S${file}:CH${at}")`).join('\n');
    const index = of(
      Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`${at}.db`, text(at)])),
    );
    assert.deepEqual(places(index, 'X:S42:CH999'), ['42.db:1000']);
    assert.deepEqual(places(index, `${'$('.repeat(100)}`), []);
  });
});
