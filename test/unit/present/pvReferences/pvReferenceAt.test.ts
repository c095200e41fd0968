import assert from 'node:assert/strict';
import { pvReferenceAt } from '../../../../src/present/pvReferences/pvReferenceAt';

/** `|` in the text is the cursor, and is taken out. */
function at(path: string, marked: string): ReturnType<typeof pvReferenceAt> {
  const before = marked.slice(0, marked.indexOf('|')).split('\n');
  return pvReferenceAt(path, {
    lines: marked.replace('|', '').split('\n'),
    line: before.length - 1,
    character: before.at(-1)?.length ?? 0,
  });
}

describe('pvReferenceAt', () => {
  const names: [string, string, string][] = [
    ['a.db', 'record(ai, "$(P)TE|MP") {', '$(P)TEMP'],
    ['a.template', '  record( ai , "|X:$(R=A,B)Y" )', 'X:$(R=A,B)Y'],
    ['a.vdb', 'grecord(ai,BARE:|NAME)', 'BARE:NAME'],
    ['a.db', '  alias("OLD:|NAME", "NEW:NAME")', 'OLD:NAME'],
    ['a.db', '  alias("OLD:NAME", "NEW:|NAME")', 'NEW:NAME'],
    ['a.db', '  field(INPA, "X:|SOURCE.VAL CP MS")', 'X:SOURCE'],
    ['a.db', '  field(FLNK, "$(P)|NEXT")', '$(P)NEXT'],
    ['st.cmd', 'dbpf("TEST:|A", "1")', 'TEST:A'],
    ['st.cmd', 'dbgf |TEST:A.DESC', 'TEST:A'],
    ['d.bob', '  <pv_name>pva://$(P)|X</pv_name>', '$(P)X'],
    ['d.bob', '<y_pv>A&amp;|B</y_pv>', 'A&B'],
  ];
  for (const [path, text, name] of names) {
    it(`${path}: ${text}`, () => {
      const found = at(path, text);
      assert.equal(found?.text, name);
      assert.equal(found?.isPart, false);
      const line = text.replace('|', '');
      assert.equal(line.slice(found?.start, found?.end).replace('&amp;', '&'), name);
    });
  }

  const parts: [string, string, string][] = [
    ['st.cmd', 'dbLoadRecords("db/a.db", "P=TES|T:,R=A:")', 'TEST:'],
    ['st.cmd', 'dbLoadRecords("db/a.db", "P=TEST:,R=|A:")', 'A:'],
    ['st.cmd', 'epicsEnvSet("P", "TE|ST:")', 'TEST:'],
    ['a.substitutions', '{ "TE|ST:", A }', 'TEST:'],
    ['a.subst', '{ P=TE|ST:, R=A }', 'TEST:'],
    ['ioc.yaml', '    P: BL01T-|EA-01:', 'BL01T-EA-01:'],
    ['config/ioc.yaml', '  - name: "BL01|T"', 'BL01T'],
  ];
  for (const [path, text, part] of parts) {
    it(`${path}: ${text}`, () => {
      const found = at(path, text);
      assert.equal(found?.text, part);
      assert.equal(found?.isPart, true);
    });
  }

  const nothing: [string, string][] = [
    ['a.db', 'rec|ord(ai, "X")'],
    ['a.db', '# record(ai, "X|Y")'],
    ['a.db', 'field(INP, "@asyn(|PORT)")'],
    ['a.db', 'field(INP, "4|2")'],
    ['a.db', 'field(DESC, "some| text")'],
    ['a.db', 'field(INP, "X.V|AL")'],
    ['d.bob', '<pv_name>loc://|x</pv_name>'],
    ['d.bob', '<text>X:|Y</text>'],
    ['ioc.yaml', 'na|me: x'],
    ['a.db', '|'],
    ['a.txt', 'record(ai, "X|Y")'],
  ];
  for (const [path, text] of nothing) {
    it(`nothing in ${path}: ${text}`, () => assert.equal(at(path, text), undefined));
  }

  it('knows what the environment of the shell was set to before', () => {
    const text =
      'epicsEnvSet("P", "A:")\nepicsEnvSet P B:\ndbpf("$(P)X|", 1)\nepicsEnvSet("P","C:")';
    assert.deepEqual(at('st.cmd', text)?.macros, { P: 'B:' });
  });

  it('knows the macros of a display', () => {
    const text = '<display>\n<macros>\n<P>A&amp;:</P>\n<R>r</R></macros>\n<pv_name>$(P)|</pv_name>';
    assert.deepEqual(at('a.bob', text)?.macros, { P: 'A&:', R: 'r' });
  });

  it('takes no time over an odd line', () => {
    const odd = `record(ai, "${'$('.repeat(20_000)}|`;
    assert.equal(at('a.db', odd), undefined);
    const long = `record(ai, "${'$(('.repeat(1000)}|`;
    at('a.db', long);
  });

  // Sizes at which looking everywhere again from everywhere takes minutes.
  const half = 'x'.repeat(200_000);
  const hostile: [string, string, string][] = [
    ['displays whose macros never end', 'd.bob', '<macros>'.repeat(50_000)],
    ['displays with macros within macros', 'd.bob', `<macros>${'<a>'.repeat(100_000)}</macros>`],
    ['displays with half an element', 'd.bob', '<pv '.repeat(100_000)],
    ['scripts of blanks', 'st.cmd', `epicsEnvSet${' '.repeat(400_000)}`],
    ['scripts of commas', 'st.cmd', `epicsEnvSet A${','.repeat(400_000)}`],
    ['scripts of one word', 'st.cmd', `epicsEnvSet ${half}${half}`],
  ];
  for (const [title, path, text] of hostile) {
    it(`takes no time over ${title}`, () => {
      const line = path === 'd.bob' ? '<pv_name>A:|B</pv_name>' : 'dbpf A:|B';
      assert.equal(at(path, `${text}\n${line}`)?.text, 'A:B');
    });
  }
});
