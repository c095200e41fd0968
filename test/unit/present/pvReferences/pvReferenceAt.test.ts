/* eslint no-template-curly-in-string: off -- EPICS macros look like placeholders */
import assert from 'node:assert/strict';
import { expandName } from '../../../../src/present/pvReferences/expandName';
import {
  plainText,
  type PvReference,
  unescaped,
} from '../../../../src/present/pvReferences/pvReference';
import { pvReferenceAt, pvReferencesIn } from '../../../../src/present/pvReferences/pvReferenceAt';

/** `|` in the text is the cursor, and is taken out. */
function at(path: string, marked: string): (PvReference & { covered: string }) | undefined {
  const text = marked.replace('|', '');
  const found = pvReferenceAt(pvReferencesIn(path, text), marked.indexOf('|'));
  return found && { ...found, covered: text.slice(found.start, found.end) };
}

/** The name that the reference at the cursor means. */
function nameAt(path: string, marked: string): string | undefined {
  const found = at(path, marked);
  return found && expandName(found.text, found.macros).name;
}

const display = (inner: string): string => `<display version="2.0.0">${inner}</display>`;
const designer = (name: string, inner: string): string =>
  `<ui><widget><property name="${name}" stdset="0">${inner}</property></widget></ui>`;

/** As a text in quotes has it, and what it means. */
const ESCAPED = '{\\"dbnd\\":{\\"d\\":1}}';
const FILTERED = 'X.{"dbnd":{"d":1}}';

describe('pvReferenceAt', () => {
  // File, text, what is asked for, what is marked in the editor if that differs.
  const pvs: [string, string, string, string?][] = [
    ['a.db', 'record(ai, "$(P)TE|MP") {', '$(P)TEMP'],
    ['a.template', '  record( ai , "|X:$(R=A,B)Y" )', 'X:$(R=A,B)Y'],
    ['a.vdb', 'grecord(ai,BARE:|NAME)', 'BARE:NAME'],
    ['a.db', 'record(ai,\n  # new line\n "X|Y")', 'XY'],
    ['a.db', '  alias("OLD:|NAME", "NEW:NAME")', 'OLD:NAME'],
    ['a.db', '  alias("OLD:NAME", "NEW:|NAME")', 'NEW:NAME'],
    ['a.db', '  field(INPA, "X:|SOURCE.VAL CP MS")', 'X:SOURCE.VAL CP MS', 'X:SOURCE.VAL'],
    ['a.db', '  field(INPA, "13SIM:|X CP")', '13SIM:X CP', '13SIM:X'],
    ['a.db', '  field(FLNK, "$(P)|NEXT")', '$(P)NEXT'],
    ['a.db', 'field(INP, {pva:{pv:"X:|A", field:"value"}})', 'X:A'],
    ['a.db', 'field(INP, {"pva": "X:|A"})\nfield(OUT, "B")', 'X:A'],
    ['a.db', 'field(INP, {const: 1})\nfield(OUT, "|B")', 'B'],
    ['a.db', 'record(ai, "R") { field(DE|SC, "some text") }', 'R.DESC', 'DESC'],
    ['st.cmd', 'dbpf("TEST:|A.HIGH", "1")', 'TEST:A.HIGH'],
    ['st.cmd', 'dbgf |TEST:A.DESC', 'TEST:A.DESC'],
    ['st.cmd', 'afterInit dbpf X:|A 3', 'X:A'],
    ['st.cmd', 'afterInit("dbpf X:|A 3")', 'X:A'],
    ['st.cmd', 'afterInit "dbpf(\\"X:|A\\", 3)"', 'X:A', 'X:A\\'],
    ['st.cmd', 'doAfterIocInit("iocshCmd \'dbpf X:|A 3\'")', 'X:A'],
    ['ioc.yaml', '- type: epics.StartupCommand\n  command: dbpf X:|A 3', 'X:A'],
    ['ioc.yaml', '- command: "dbpf \\"X:|A\\" 3"\n', 'X:A', 'X:A\\'],
    ['ioc.yaml', "- post_init_command: 'afterInit dbgf X:|A'\n", 'X:A'],
    ['ioc.yaml', '- command: >\n    dbgf X:A\n    dbpf X:|B 1\n  more: 1\n', 'X:B'],
    ['ioc.yaml', '- command: >- # why\n\n    dbgf |X:A.DESC\n', 'X:A.DESC'],
    ['st.cmd.linux', '$(IFX=) dbgf("TE|ST:A")', 'TEST:A'],
    ['d.bob', display('<widget><pv_name>$(P)|X.DESC</pv_name></widget>'), '$(P)X.DESC'],
    ['d.bob', display('<pv_name>pva://X/|value</pv_name>'), 'pva://X/value', 'X/value'],
    ['d.bob', display('<y_pv>A&amp;|B</y_pv>'), 'A&B', 'A&amp;B'],
    [
      'd.bob',
      display('<pv_name>X|.{&quot;dbnd&quot;:{"d":1}}</pv_name>'),
      'X.{"dbnd":{"d":1}}',
      'X.{&quot;dbnd&quot;:{"d":1}}',
    ],
    [
      'd.bob',
      display('<pv_name>R|EC {"longString":true}</pv_name>'),
      'REC {"longString":true}',
      'REC',
    ],
    ['d.bob', display('<pv_name>=`A:|B` + 1</pv_name>'), 'A:B'],
    ['d.bob', display('<pv_name><![CDATA[A:|B]]></pv_name>'), 'A:B'],
    [
      'd.bob',
      display('<rules><rule><pv_name>$(pv|_name).SEVR</pv_name></rule></rules>'),
      '$(pv_name).SEVR',
    ],
    ['d.opi', display('<trace_0_y_pv>A|B</trace_0_y_pv>'), 'AB'],
    ['d.opi', display('<rule><pv trig="true">A|B</pv></rule>'), 'AB'],
    [
      'd.ui',
      designer('channel', '<string>ca://$(P)|X.EGU</string>'),
      'ca://$(P)X.EGU',
      '$(P)X.EGU',
    ],
    ['d.ui', designer('channels_1', '<string>A:X;A:|Y</string>'), 'A:Y'],
    [
      'd.ui',
      designer('rules', '<string>[{"channels": [{"channel": "ca://X|Y"}]}]</string>'),
      'ca://XY',
      'XY',
    ],
    [
      'd.ui',
      designer('curves', '<stringlist><string>{"y_channel": "X|Y"}</string></stringlist>'),
      'XY',
    ],
    ['d.edl', 'controlPv "$(P):|X.VAL"', '$(P):X.VAL'],
    ['d.edl', 'xPv {\n  0 "A|B"\n}', 'AB'],
    ['d.edl', 'visPv "CALC\\\\\\{A-B\\}($(P,x=1)A, X:|B)"', 'X:B'],
    ['d.edl', 'readPv "EPICS\\\\X|Y"', 'EPICS\\XY', 'XY'],
    ['d.edl', `controlPv "X|.${ESCAPED.replace(/[{}]/g, '\\$&')}"`, FILTERED],
    ['a.db', `field(INP, "X|.${ESCAPED} CP")`, `${FILTERED} CP`, FILTERED],
    ['st.cmd', `dbgf("X|.${ESCAPED}")`, FILTERED],
    ['st.cmd', 'dbgf("$(P=X:)|A")', '$(P=X:)A'],
    [
      'd.ui',
      designer('rules', `<string>[{"channels": [{"channel": "X|.${ESCAPED}"}]}]</string>`),
      FILTERED,
    ],
    [
      'd.ui',
      designer('channel', '<string>calc://c?a=ca://X|Y&amp;expr=a</string>'),
      'ca://XY',
      'XY',
    ],
    ['d.adl', '\tcontrol {\n\t\tchan="$(P)$(M).|VAL"\n', '$(P)$(M).VAL'],
    ['d.adl', 'ctrl="A|B"', 'AB'],
  ];
  for (const [path, text, name, covered = name] of pvs) {
    it(`${path}: ${text}`, () => {
      const found = at(path, text);
      const shown = found && unescaped(plainText(found.covered, 0)).text;
      assert.deepEqual([found?.kind, found?.text, shown], ['pv', name, covered]);
    });
  }

  const parts: [string, string, string][] = [
    ['st.cmd', 'dbLoadRecords("db/a.db", "P=TES|T:,R=A:")', 'TEST:'],
    ['st.cmd', 'dbLoadRecords("db/a.db", "P=TEST:,R=|A:")', 'A:'],
    ['st.cmd', 'dbLoadRecords(a.db, P=TE|ST:)', 'TEST:'],
    ['st.cmd', '$(IFCAM=) dbLoadRecords("db/a.db", "P=\'TE|ST:\'")', 'TEST:'],
    ['st.cmd', 'epicsEnvSet("P", "TE|ST:")', 'TEST:'],
    ['a.substitutions', '{ "TE|ST:", A }', 'TEST:'],
    ['a.subst', '{ P=TE|ST:, R=A }', 'TEST:'],
    ['a.sub', '{ $(P=a, b)|X }', '$(P=a, b)X'],
    ['a.sub', '{ "$(P=a)|X" }', '$(P=a)X'],
    ['a.sub', `{ "X|.${ESCAPED}" }`, FILTERED],
    ['ioc.yaml', `a: "X|.${ESCAPED}"`, FILTERED],
    ['a.subs', 'file x.db { {P="TE|ST:"} }', 'TEST:'],
    ['ioc.yaml', '    P: BL01T-|EA-01:', 'BL01T-EA-01:'],
    ['config/ioc.yaml', '  - name: "BL01|T"', 'BL01T'],
    ['ioc.yaml', 'a: {P: BL01|T, R: [X, Y]}', 'BL01T'],
    ['ioc.yaml', 'a: {P: BL01T, R: [X, B|L]}', 'BL'],
    ['d.bob', display('<macros><P>TE|ST:</P></macros>'), 'TEST:'],
    ['d.edl', 'symbols {\n 0 "P=TE|ST:,R=X"\n}', 'TEST:'],
    ['d.adl', 'args="P=TE|ST:,R=X"', 'TEST:'],
    ['d.ui', designer('args', '<string>P=TE|ST:;R=X</string>'), 'TEST:'],
  ];
  for (const [path, text, part] of parts) {
    it(`${path}: ${text}`, () => {
      const found = at(path, text);
      const shown = found && unescaped(plainText(found.covered, 0)).text;
      assert.deepEqual([found?.kind, found?.text, shown], ['part', part, part]);
    });
  }

  const others: [string, string, PvReference['kind'], string][] = [
    ['d.bob', display('<pv_name>loc://|x(0)</pv_name>'), 'local', 'loc://x(0)'],
    ['d.bob', display('<pv_name>sim://|sine</pv_name>'), 'local', 'sim://sine'],
    ['d.bob', display('<pv_name>=`A` |+ 1</pv_name>'), 'formula', '=`A` + 1'],
    ['d.edl', 'visPv "LOC\\\\d|ummy=i:0"', 'local', 'LOC\\\\dummy=i:0'],
    ['x.py', 'v = caget("TEST:|A.VAL")  # "no"', 'guess', 'TEST:A.VAL'],
    ['x.py', "PV('TE|ST:A')", 'guess', 'TEST:A'],
    ['x.py', `PV("X|.${ESCAPED}")`, 'guess', `X.${ESCAPED}`],
    [
      'd.ui',
      designer('channel', '<string>calc://c?a=X&amp;ex|pr=a</string>'),
      'formula',
      'calc://c?a=X&amp;expr=a',
    ],
  ];
  for (const [path, text, kind, covered] of others) {
    it(`${path}: ${text}`, () => {
      const found = at(path, text);
      assert.deepEqual([found?.kind, found?.covered], [kind, covered]);
    });
  }

  const nothing: [string, string][] = [
    ['a.db', 'rec|ord(ai, "X")'],
    ['a.db', '# record(ai, "X|Y")'],
    ['a.db', 'field(INP, "@asyn(|PORT)")'],
    ['a.db', 'field(INP, "4|2")'],
    ['a.db', 'field(DESC, "some| text")'],
    ['a.db', 'field(INP, "X.VAL C|P")'],
    ['d.bob', display('<text>X:|Y</text>')],
    ['d.bob', display('<limits_from_pv>tr|ue</limits_from_pv>')],
    ['d.bob', display('<!-- <pv_name>X|Y</pv_name> -->')],
    ['d.ui', designer('text', '<string>X:|Y</string>')],
    ['d.edl', 'controlLabel "X|Y"'],
    ['d.adl', 'label="X|Y"'],
    ['x.py', '# "TEST:|A"'],
    ['x.py', '"""\nTEST:|A"""'],
    ['x.py', 'print("some |text here")'],
    ['st.cmd', '# dbgf "TEST|:A"'],
    ['ioc.yaml', 'na|me: x'],
    ['a.db', '|'],
    ['a.txt', 'record(ai, "X|Y")'],
  ];
  for (const [path, text] of nothing) {
    it(`nothing in ${path}: ${text}`, () => assert.equal(at(path, text), undefined));
  }

  it('reads lines of commands in YAML as they stand', () => {
    const text = '- command: |\n    # dbgf N\n    dbgf X:A\n    dbpf X:B 1\n- |\n  dbgf X:C\n';
    const found = pvReferencesIn('ioc.yaml', text).filter(({ kind }) => kind === 'pv');
    assert.deepEqual(found.map(({ start, end }) => text.slice(start, end)).sort(), [
      'X:A',
      'X:B',
      'X:C',
    ]);
  });

  it('knows what the environment of the shell was set to before', () => {
    const text =
      'epicsEnvSet("P", "A:")\nepicsEnvSet P $(P)B:\ndbpf("$(P)X|", 1)\nepicsEnvSet("P","C:")';
    assert.equal(nameAt('st.cmd', text), 'A:B:X');
  });

  describe('knows the macros of a display', () => {
    const macros = (text: string): string => `<macros>${text}</macros>`;
    const widget = (inner: string): string => `<widget type="group">${inner}</widget>`;
    const rows: [string, string, string | undefined][] = [
      ['its own', `${macros('<P>A&amp;:</P><R>r</R>')}<pv_name>$(P)$(R)|</pv_name>`, 'A&:r'],
      [
        'of the widget, the group and the display',
        macros('<P>D:</P><Q>d</Q><R>d</R>') +
          widget(
            macros('<Q>$(P)g</Q>') + widget(`${macros('<R>w</R>')}<pv_name>$(Q)$(R)|</pv_name>`),
          ),
        'D:gw',
      ],
      [
        'not of a widget before it',
        widget(macros('<P>A</P>')) + widget('<pv_name>$(P)|</pv_name>'),
        undefined,
      ],
      ['that stand behind the PV', `<pv_name>$(P)|</pv_name>${macros('<P>A</P>')}`, 'A'],
      [
        'not of an action',
        widget(`<actions><action>${macros('<P>A</P>')}</action></actions><pv_name>$(P)|</pv_name>`),
        undefined,
      ],
      [
        'none from outside if the widget says so',
        macros('<P>A</P>') +
          widget(
            `${macros('<include_parent_macros>false</include_parent_macros>')}<pv_name>$(P)|</pv_name>`,
          ),
        undefined,
      ],
      [
        'the name of its PV',
        widget(`<rules><rule><pv>$(pv_name)|.SEVR</pv></rule></rules><pv_name>$(P)X</pv_name>`) +
          macros('<P>A:</P>'),
        'A:X.SEVR',
      ],
    ];
    for (const [title, text, name] of rows) {
      it(title, () => {
        assert.equal(nameAt('a.bob', display(text)), name);
        assert.equal(nameAt('a.opi', display(text)), name);
      });
    }
  });

  describe('reads a file that is being typed', () => {
    const rows: [string, string, string][] = [
      ['d.bob', '<display><widget><pv_name>A|B</pv_name><pv_na', 'AB'],
      ['d.bob', '<display><widget><pv_name>A|B\n</widget><widget>', 'AB'],
      ['d.bob', '<display><widget><pv_name</widget><widget><pv_name>A|B</pv_name>', 'AB'],
      ['d.bob', '<display><a></b></display></display><pv_name>A|B</pv_name>', 'AB'],
      ['a.db', 'record(ai, "A|B', 'AB'],
      ['a.db', 'record(ai, "X\n}\nrecord(ai, "A|B") {', 'AB'],
      ['d.adl', 'chan="X\nchan="A|B"', 'AB'],
      ['d.edl', 'xPv {\ncontrolPv "A|B"', 'AB'],
      ['ioc.yaml', 'a: [x, "\nb:\n - c: AB\n', ''],
    ];
    for (const [path, text, name] of rows) {
      it(`${path}: ${text}`, () => assert.equal(nameAt(path, text) ?? '', name));
    }
  });

  // Sizes at which looking everywhere again from everywhere takes minutes.
  const half = 'x'.repeat(200_000);
  const hostile: [string, string, string][] = [
    ['displays whose macros never end', 'd.bob', '<macros>'.repeat(50_000)],
    ['displays with macros within macros', 'd.bob', `<macros>${'<a>'.repeat(100_000)}</macros>`],
    ['displays with half an element', 'd.bob', '<pv '.repeat(100_000)],
    [
      'displays that end what never began',
      'd.bob',
      `${'<a>'.repeat(100)}${'</b>'.repeat(500_000)}`,
    ],
    ['displays of entities', 'd.bob', `<pv_name>${'&amp;'.repeat(500_000)}</pv_name>`],
    ['displays of one PV', 'd.bob', `<pv_name>=${'"'.repeat(2_000_000)}</pv_name>`],
    ['scripts of blanks', 'st.cmd', `epicsEnvSet${' '.repeat(400_000)}`],
    ['scripts of commas', 'st.cmd', `epicsEnvSet A${','.repeat(400_000)}`],
    ['scripts of one word', 'st.cmd', `epicsEnvSet ${half}${half}`],
    ['databases of quotes', 'a.db', '"record("\n'.repeat(200_000)],
    ['databases of JSON', 'a.db', 'field(INP, {'.repeat(200_000)],
    ['databases of macros', 'a.db', `record(ai, ${'$('.repeat(200_000)}`],
    ['substitutions of macros', 'a.sub', '$('.repeat(200_000)],
    ['substitutions of macros in lines', 'a.sub', '$(\n'.repeat(200_000)],
    ['macros in one line', 'a.sub', '$(a) '.repeat(200_000)],
    ['texts in one line', 'd.adl', '"a" '.repeat(1_000_000)],
    ['lists within lists', 'ioc.yaml', '['.repeat(200_000)],
    ['maps within maps', 'ioc.yaml', '- '.repeat(200_000)],
    ['aliases', 'ioc.yaml', `a: &a [x,x]\n${'b: &b [*a,*a]\n'.repeat(20_000)}`],
    ['programs of quotes', 'x.py', '\'"'.repeat(500_000)],
    ['displays of EDM in one line', 'd.edl', `a "${'"'.repeat(500_000)}`],
    ['displays of MEDM without an end', 'd.adl', '"a\n'.repeat(500_000)],
    ['displays of keys', 'd.adl', `${' = '.repeat(500_000)}"`],
    ['databases of digits', 'a.db', `record(ai,"A"){field(INP,"${'1'.repeat(200_000)}x")}`],
    [
      'designs of blanks',
      'd.ui',
      designer('channel', `<string>${' '.repeat(16_000)}x</string>`.repeat(50)),
    ],
    [
      'designs of entities',
      'd.ui',
      designer('channel', `<string>${'&lt;;'.repeat(8_000)}</string>`.repeat(20)),
    ],
    [
      'JSON without an end',
      'd.ui',
      designer('rules', `<string>[{${'"channel":"'.repeat(200_000)}</string>`),
    ],
  ];
  for (const [title, path, text] of hostile) {
    it(`takes no time over ${title}`, () => {
      pvReferencesIn(path, text);
      pvReferencesIn(path, `${text}\n${text}`);
    });
  }

  it('keeps no name of a record that is no name for each of its fields', () => {
    const fields = 'field(A,"")'.repeat(1000);
    const found = pvReferencesIn('a.db', `record(ai,"${'a'.repeat(3990)}"){${fields}}`);
    assert.equal(found.length, 1);
  });

  it('finds what stands before nesting without end', () => {
    const text = `<display><pv_name>A:|B</pv_name>${'<widget>'.repeat(300_000)}`;
    assert.equal(nameAt('d.bob', text), 'A:B');
  });

  it('expands no entities that the file declares', () => {
    const bomb =
      '<!DOCTYPE d [<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' +
      display('<pv_name>A&b;|</pv_name>');
    assert.equal(nameAt('d.bob', bomb), 'A&b;');
  });

  it('reads displays of 20 MB', () => {
    const widget = '<widget><macros><P>X</P></macros><pv_name>$(P)Y.VAL</pv_name></widget>\n';
    const text = display(`<pv_name>A|B</pv_name>${widget.repeat(20e6 / widget.length)}`);
    assert.equal(nameAt('d.bob', text), 'AB');
  });
});
