/**
 * Every kind of reference to a PV in every format that can have it: how it is written there, and
 * what a hover over it tells (`told` in hovers.ts) while an IOC serves `DATABASE`.
 */
/* eslint no-template-curly-in-string: off -- EPICS macros look like placeholders */

const DESC = 'Gap of the undulator';
const NOTE = 'A note that is longer than the forty characters of a string';

/** Nothing else is exposed. */
export const DATABASE = `
record(ai, "HV:GAP") {
  field(DESC, "${DESC}")
  field(VAL, "7.25")
  field(PINI, "YES")
  field(PREC, "2")
  field(EGU, "mm")
  field(HIHI, "42.5")
  field(HHSV, "MAJOR")
}
record(lsi, "HV:NOTE") {
  field(SIZV, "100")
  field(INP, {const: "${NOTE}"})
}
`;

/** Over both protocols. */
const both = (value: string): string => `CA: ${value}; PVA: ${value}`;
const field = (value: string, record = 'HV:GAP'): string =>
  `CA of ${record}: ${value}; PVA of ${record}: ${value}`;
const VALUE = both('7.25 mm');
const EGU = field('mm');
const LOCAL = 'local PV of the display; not from an IOC';
const FORMULA = 'formula of the display; hover over a PV in it';
const PREFIX = '2 of 2 reachable that fit HV:*: HV:GAP, HV:NOTE';
/** For what may be no PV at all, as any text of a program. */
const NOTHING = '';
const ABSENT = 'the IOC has no PV HV:GAP.NOBODY, or refuses it';
/** The words of the pvAccess server, which differ. */
const REFUSAL = process.env['EPICS_EXPOSE_TEST_REFUSAL'] ?? '';

/** `|` is the pointer. */
const WRITTEN = {
  record: 'HV:G|AP',
  DESC: 'HV:GAP.D|ESC',
  VAL: 'HV:GAP.V|AL',
  EGU: 'HV:GAP.E|GU',
  'long VAL': 'HV:NOTE.VA|L$',
  'long DESC': 'HV:GAP.DES|C$',
  filter: 'HV:GAP|.{"dbnd":{"d":1}}',
  options: 'HV:NO|TE {"longString":true}',
  part: 'pva://HV:GAP/valueAlarm/high|AlarmLimit',
  'unknown part': 'pva://HV:GAP/valueAlarm/no|body',
  'ca://': 'ca://HV:GAP.E|GU',
  'pva://': 'pva://HV:G|AP',
  'loc://': 'loc://lo|cal(1)',
  'sim://': 'sim://si|ne(0, 10, 1)',
  formula: '=`HV:GAP` |+ 1',
  operand: '=`HV:GAP.E|GU` + 1',
  'eq://': 'eq://`HV:GAP.E|GU` + 1',
  'macro of the widget': '$(W).E|GU',
  'macro of the group': '$(G).E|GU',
  'macro of the display': '$(D)GAP.E|GU',
  'macro with a default': '$(NO=HV:)GAP.E|GU',
  'unknown macro': '$(NO)G|AP',
  'only unknown macros': '$(NO)$(N|O2)',
  'unknown record': 'HV:NOB|ODY.EGU',
  'unknown field': 'HV:GAP.NOB|ODY',
} as const;

type Kind = keyof typeof WRITTEN;

const TOLD: Readonly<Record<Kind, string>> = {
  record: VALUE,
  DESC: field(DESC),
  VAL: field('7.25 mm'),
  EGU,
  'long VAL': field(NOTE, 'HV:NOTE'),
  'long DESC': field(DESC),
  filter: field('7.25 mm'),
  options: both(NOTE),
  part: 'valueAlarm/highAlarmLimit of HV:GAP; PVA: 42.5',
  'unknown part': 'valueAlarm/nobody of HV:GAP; PVA: HV:GAP has no part valueAlarm/nobody',
  'ca://': 'CA of HV:GAP: mm',
  'pva://': 'PVA: 7.25 mm',
  'loc://': LOCAL,
  'sim://': LOCAL,
  formula: FORMULA,
  operand: EGU,
  'eq://': EGU,
  'macro of the widget': EGU,
  'macro of the group': EGU,
  'macro of the display': EGU,
  'macro with a default': EGU,
  'unknown macro': `the one exposed PV that fits $(NO)GAP; ${VALUE}`,
  'only unknown macros': 'NO, NO2: not known in this file',
  'unknown record': 'not found',
  'unknown field': `CA of HV:GAP: ${ABSENT}; PVA of HV:GAP: ${ABSENT}: ${REFUSAL}`,
};

const FIELDS: readonly Kind[] = [
  ...(['record', 'DESC', 'VAL', 'EGU', 'long VAL', 'long DESC', 'filter'] as const),
  ...(['unknown record', 'unknown field', 'unknown macro', 'only unknown macros'] as const),
];

interface Format {
  readonly files: readonly string[];
  /** A file that has little but this reference. */
  readonly write: (reference: string) => string;
  readonly kinds: readonly Kind[];
  /** What is written otherwise. */
  readonly written?: Partial<Record<Kind, string>>;
  /** What is told otherwise. */
  readonly told?: Partial<Record<Kind, string>>;
  /** Kinds that this format alone has: name, file, what is told. */
  readonly more?: readonly (readonly [string, string, string])[];
}

const display = (content: string): string => `<display version="2.0.0">
<macros><D>HV:</D></macros>
<widget type="group"><macros><G>$(D)GAP</G></macros>
<widget type="textupdate"><macros><W>$(G)</W></macros>${content}</widget>
</widget>
</display>
`;
const designer = (property: string, text: string): string => `<ui version="4.0">
<widget class="caLineEdit"><property name="${property}"><string>${text}</string></property></widget>
</ui>
`;
/** Within quotes. */
const ESCAPED = { filter: 'HV:GAP|.{\\"dbnd\\":{\\"d\\":1}}' };
/** Where a text may be no PV, and servers are asked for none that is in no list. */
const IN_LISTS = { 'unknown record': NOTHING, 'only unknown macros': NOTHING };

const FORMATS: readonly Format[] = [
  {
    files: ['d.bob', 'd.opi'],
    write: (reference) => display(`<pv_name>${reference}</pv_name>`),
    kinds: Object.keys(WRITTEN) as Kind[],
    more: [
      ['PV of the widget', display('<pv_name>$(G)</pv_name><y_pv>$(pv_name).E|GU</y_pv>'), EGU],
      ['macro for a display', display('<macros><P>H|V:</P></macros>'), PREFIX],
    ],
  },
  {
    files: ['d.ui'],
    write: (reference) => designer('channel', reference),
    kinds: [...FIELDS, 'part', 'unknown part', 'ca://', 'pva://', 'loc://', 'macro with a default'],
    more: [
      ['calc://', designer('channel', 'calc://c?a=ca://HV:GAP&amp;ex|pr=a'), FORMULA],
      ['PV of calc://', designer('channel', 'calc://c?a=HV:GAP.E|GU&amp;expr=a'), EGU],
      ['macro for a display', designer('args', 'P=H|V:'), PREFIX],
    ],
  },
  {
    files: ['d.edl'],
    write: (reference) => `beginObjectProperties\ncontrolPv "${reference}"\nendObjectProperties\n`,
    kinds: [...FIELDS, 'macro with a default'],
    written: { filter: 'HV:GAP|.\\{\\"dbnd\\":\\{\\"d\\":1\\}\\}' },
    more: [
      ['LOC\\', 'controlPv "LOC\\\\lo|cal=i:0"\n', LOCAL],
      ['CALC\\', 'visPv "CALC\\\\\\{A+|1\\}(HV:GAP)"\n', FORMULA],
      ['PV of CALC\\', 'visPv "CALC\\\\\\{A+1\\}(HV:GAP.E|GU)"\n', EGU],
      ['EPICS\\', 'controlPv "EPICS\\\\HV:GAP.E|GU"\n', EGU],
      ['macro for a display', 'symbols {\n  0 "P=H|V:"\n}\n', PREFIX],
    ],
  },
  {
    files: ['d.adl'],
    write: (reference) => `"text update" {\n\tmonitor {\n\t\tchan="${reference}"\n\t}\n}\n`,
    kinds: [...FIELDS, 'macro with a default'],
    // A value has no quotes within; JSON5 needs none.
    written: { filter: 'HV:GAP|.{dbnd:{d:1}}' },
    more: [['macro for a display', '"related display" {\n\targs="P=H|V:"\n}\n', PREFIX]],
  },
  {
    files: ['d.db', 'd.template'],
    write: (reference) => `record(ai, "X") {\n  field(INP, "${reference} CP MS")\n}\n`,
    kinds: [...FIELDS, 'macro with a default'],
    written: ESCAPED,
    told: { 'unknown macro': `the one exposed PV that fits $(NO)GAP CP MS; ${VALUE}` },
    more: [
      ['link in JSON', 'record(ai, "X") { field(INP, {pva: {pv: "HV:GAP.E|GU"}}) }\n', EGU],
      ['name of a record', 'record(ai, "HV:G|AP") {}\n', VALUE],
      ['name of a field', 'record(ai, "HV:GAP") { field(E|GU, "um") }\n', EGU],
      ['alias', 'alias("HV:G|AP", "HV:OTHER")\n', VALUE],
    ],
  },
  {
    files: ['d.substitutions', 'd.subst', 'd.subs', 'd.sub'],
    write: (reference) => `file "x.template" {\n  pattern {A, B}\n  {"${reference}", "1"}\n}\n`,
    kinds: [...FIELDS, 'macro with a default'],
    written: ESCAPED,
    told: IN_LISTS,
    more: [
      ['prefix', 'file x.template {\n  pattern {P}\n  {H|V:}\n}\n', PREFIX],
      ['value of a macro', 'file x.template { {P="HV:G|AP"} }\n', VALUE],
    ],
  },
  {
    files: ['st.cmd', 'st.cmd.linux'],
    write: (reference) => `epicsEnvSet("D", "HV:")\ndbgf("${reference}")\n`,
    kinds: [...FIELDS, 'macro of the display', 'macro with a default'],
    written: ESCAPED,
    more: [
      ['behind a guard', '$(IFX=) dbgf HV:GAP.E|GU\n', EGU],
      ['prefix', 'dbLoadRecords("x.db", "P=H|V:")\n', PREFIX],
      ['environment', 'epicsEnvSet("P", "H|V:")\n', PREFIX],
    ],
  },
  {
    files: ['d.py'],
    write: (reference) => `from epics import caget\ncaget("${reference}")\n`,
    kinds: [...FIELDS, 'part', 'unknown part', 'ca://', 'pva://', 'loc://'],
    written: ESCAPED,
    told: { ...IN_LISTS, 'unknown macro': NOTHING, 'loc://': NOTHING },
    more: [['in other quotes', `PV('${WRITTEN.filter}')\n`, field('7.25 mm')]],
  },
  {
    files: ['ioc.yaml'],
    write: (reference) => `entities:\n  - type: x.y\n    pv: "${reference}"\n`,
    kinds: [...FIELDS, 'ca://', 'pva://', 'macro with a default'],
    written: ESCAPED,
    told: IN_LISTS,
    more: [
      ['without quotes', 'a:\n  - pv: HV:GAP.E|GU\n', EGU],
      ['prefix', 'a:\n  - P: H|V:\n', PREFIX],
    ],
  },
];

/** A hover over one place of one file. */
export interface HoverCell {
  readonly kind: string;
  readonly file: string;
  /** With `|` for the pointer. */
  readonly text: string;
  readonly told: string;
}

/** The whole table. */
export function hoverCells(): HoverCell[] {
  return FORMATS.flatMap((format) => format.files.flatMap((file) => cellsOf(format, file)));
}

function cellsOf(format: Format, file: string): HoverCell[] {
  const { write, kinds, written, told, more = [] } = format;
  return [
    ...kinds.map((kind) => ({
      ...{ kind, file, text: write(written?.[kind] ?? WRITTEN[kind]) },
      told: told?.[kind] ?? TOLD[kind],
    })),
    ...more.map(([kind, text, ofKind]) => ({ kind, file, text, told: ofKind })),
  ];
}
