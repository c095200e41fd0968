/** The tree of walls.test.ts: what stands, what is allowed, and what must be found. */
export interface Plant {
  /** Rule id of ESLint, name of a cruiser rule, or number of a compiler error. */
  readonly rule: string;
  readonly file: string;
  readonly text: string;
}

type Files = Record<string, string>;

/** The rooms of services, from the top down. */
const serviceRooms = [
  'pvs',
  'engines',
  'exposure',
  'search',
  'discovery',
  'upstream',
  'localPorts',
  'host',
];

export const skeleton: Files = {
  'src/services/core.ts': 'export const core = 1;',
  ...Object.fromEntries(
    serviceRooms.map((room) => [`src/services/${room}/${room}.ts`, `export const ${room} = 1;`]),
  ),
  'src/base/base.ts': 'export const base = 1;',
  'src/protocol/bytes.ts': 'export const bytes = 1;',
  'src/protocol/ca/ca.ts': 'export const ca = 1;',
  'src/protocol/pva/pva.ts': 'export const pva = 1;',
  'src/protocol/agent/frames.ts': 'export const frames = 1;',
  'src/model/model.ts': 'export const model = 1;',
  'src/present/present.ts': 'export const present = 1;',
  'src/services/service.ts': 'export const service = 1;\nexport interface Service { a: 1 }',
  'src/services/detect/parseText.ts': 'export const parseText = 1;',
  'src/node/node.ts': 'export const node = 1;',
  'src/ui/ui.ts': 'export const ui = 1;',
  'src/webview/page.ts': 'export const page = 1;',
  'src/agent/agent.ts': 'export const agent = 1;',
  'src/cli/cli.ts': 'export const cli = 1;',
  'src/demo/demo.ts': 'export const demo = 1;',
  'src/broker/broker.ts': "import { demo } from '../demo/demo';\nexport const broker = demo;",
  'src/rpc/rpc.ts': 'export const rpc = 1;',
};

/** Must be found by none. */
export const allowed: Files = {
  'src/protocol/ca/fine.ts':
    "import { base } from '../../base/base';\nimport { bytes } from '../bytes';\nexport default base + bytes;",
  'src/present/fine.ts': "import { model } from '../model/model';\nexport default model;",
  'src/services/search/fine.ts':
    "import { upstream } from '../upstream/upstream';\nimport { host } from '../host/host';\nexport default upstream + host;",
  'src/services/fine.ts':
    "import { model } from '../model/model';\nimport { ca } from '../protocol/ca/ca';\nexport default model + ca;",
  'src/node/fine.ts':
    "import { connect } from 'node:net';\nimport Docker from 'dockerode';\nimport type { Service } from '../services/service';\nimport { parseText } from '../services/detect/parseText';\nexport default [connect, Docker, parseText];\nexport type S = Service;",
  'src/node/broker/fine.ts':
    "import { connect } from 'node:net';\nimport { rpc } from '../../rpc/rpc';\nexport default [connect, rpc];",
  'src/agent/fine.ts':
    "import { connect } from 'node:net';\nimport { base } from '../base/base';\nimport { frames } from '../protocol/agent/frames';\nexport default [connect, base, frames];",
  'src/webview/fine.ts':
    "import uPlot from 'uplot';\nimport { present } from '../present/present';\nexport default [uPlot, present];",
  'src/ui/fine.ts':
    "import { window } from 'vscode';\nimport { model } from '../model/model';\nexport default [window, model];",
  'src/extension.ts':
    "import { window } from 'vscode';\nimport { node } from './node/node';\nimport { ui } from './ui/ui';\nexport default [window, node, ui];",
  'src/cli/fine.ts':
    "import { closest } from 'fastest-levenshtein';\nimport { broker } from '../broker/broker';\nimport { node } from '../node/node';\nimport { service } from '../services/service';\nconsole.log(closest, broker, node, service);",
};

const imports = (names: string, from: string): string =>
  `import { ${names} } from '${from}';\nexport default ${names};`;

const wall = '@typescript-eslint/no-restricted-imports';

/** A wrong import for each folder block of eslint.config.mjs, then the other rules. */
export const lintPlants: readonly Plant[] = [
  ...[
    { file: 'src/base/l1.ts', text: imports('connect', 'node:net') },
    { file: 'src/base/l2.ts', text: imports('model', '../model/model') },
    { file: 'src/base/l3.ts', text: "import type { Uri } from 'vscode';\nexport type U = Uri;" },
    { file: 'src/protocol/l1.ts', text: imports('service', '../services/service') },
    { file: 'src/protocol/l2.ts', text: imports('Server', 'node:net') },
    { file: 'src/protocol/ca/l1.ts', text: imports('pva', '../pva/pva') },
    { file: 'src/protocol/ca/l2.ts', text: imports('model', '../../model/model') },
    { file: 'src/protocol/pva/l1.ts', text: imports('ca', '../ca/ca') },
    { file: 'src/protocol/pva/l2.ts', text: imports('closest', 'fastest-levenshtein') },
    { file: 'src/protocol/agent/l1.ts', text: imports('ca', '../ca/ca') },
    { file: 'src/model/l1.ts', text: imports('ca', '../protocol/ca/ca') },
    { file: 'src/model/l2.ts', text: imports('readFileSync', 'node:fs') },
    { file: 'src/model/l3.ts', text: imports('present', '../present/present') },
    { file: 'src/present/l1.ts', text: imports('service', '../services/service') },
    { file: 'src/present/l2.ts', text: imports('readFileSync', 'node:fs') },
    { file: 'src/present/l3.ts', text: imports('Parser', 'yaml') },
    { file: 'src/present/pvReferences/l1.ts', text: imports('readFileSync', 'node:fs') },
    { file: 'src/services/l1.ts', text: imports('node', '../node/node') },
    { file: 'src/webview/l1.ts', text: imports('service', '../services/service') },
    { file: 'src/webview/l2.ts', text: imports('readFileSync', 'node:fs') },
    { file: 'src/services/l4.ts', text: imports('present', '../present/present') },
    { file: 'src/services/detect/l2.ts', text: imports('node', '../../node/node') },
    { file: 'src/services/l3.ts', text: imports('Server', 'node:net') },
    { file: 'src/node/l1.ts', text: imports('window', 'vscode') },
    { file: 'src/node/l2.ts', text: imports('ui', '../ui/ui') },
    { file: 'src/node/l3.ts', text: imports('present', '../present/present') },
    { file: 'src/agent/l1.ts', text: imports('node', '../node/node') },
    { file: 'src/agent/l2.ts', text: imports('ca', '../protocol/ca/ca') },
    { file: 'src/agent/l3.ts', text: imports('closest', 'fastest-levenshtein') },
    { file: 'src/ui/l1.ts', text: imports('connect', 'node:net') },
    { file: 'src/ui/l2.ts', text: imports('node', '../node/node') },
    { file: 'src/ui/l3.ts', text: "import Docker from 'dockerode';\nexport default Docker;" },
    { file: 'src/cli/l1.ts', text: imports('ui', '../ui/ui') },
    { file: 'src/cli/l2.ts', text: imports('window', 'vscode') },
  ].map((plant) => ({ rule: wall, ...plant })),

  {
    rule: 'no-restricted-globals',
    file: 'src/services/g1.ts',
    text: 'export const later = (f: () => void) => setTimeout(f, 1);',
  },
  {
    rule: 'no-restricted-properties',
    file: 'src/services/g2.ts',
    text: 'export const now = () => Date.now();',
  },
  { rule: 'no-console', file: 'src/node/r1.ts', text: "console.log('x');" },
  { rule: 'eqeqeq', file: 'src/node/r2.ts', text: 'export const f = (a: number) => a == 1;' },
  {
    rule: 'no-template-curly-in-string',
    file: 'src/node/r3.ts',
    text: "export const text = 'port ${port}';",
  },
  {
    rule: '@typescript-eslint/no-unused-expressions',
    file: 'src/node/r4.ts',
    text: 'export const f = (a: number) => {\n  a === 1;\n};',
  },
  {
    rule: '@typescript-eslint/no-floating-promises',
    file: 'src/node/r5.ts',
    text: 'const f = async () => {};\nf();',
  },
  {
    rule: '@typescript-eslint/switch-exhaustiveness-check',
    file: 'src/node/r6.ts',
    text: "export function f(kind: 'a' | 'b'): void {\n  switch (kind) {\n    case 'a':\n      return;\n  }\n}",
  },
  {
    rule: '@typescript-eslint/consistent-type-imports',
    file: 'src/node/r7.ts',
    text: "import { Server } from 'node:net';\nexport type S = Server;",
  },
  {
    rule: '@typescript-eslint/only-throw-error',
    file: 'src/node/r8.ts',
    text: "export function f(): never {\n  throw 'text';\n}",
  },
  {
    rule: '@typescript-eslint/no-misused-promises',
    file: 'src/node/r9.ts',
    text: 'export const f = (on: (listener: () => void) => void) => {\n  on(async () => {});\n};',
  },
];

/** What planted files need to break their rule; may be found, too. */
export const accomplices: Files = {
  'src/node/c2.ts': "import c1 from './c1';\nexport const c2 = (): unknown => c1;",
  'src/node/types.ts': 'export type N = 1;',
  'test/support.ts': 'export const test = 1;',
};

/** One for each rule of .dependency-cruiser.cjs. */
export const cruiserPlants: readonly Plant[] = [
  { rule: 'no-cycle', file: 'src/node/c1.ts', text: imports('c2', './c2') },
  { rule: 'resolvable', file: 'src/node/c3.ts', text: imports('nothing', './nothing') },
  { rule: 'no-test-code', file: 'src/node/c4.ts', text: imports('test', '../../test/support') },
  { rule: 'only-bundled-packages', file: 'src/node/c6.ts', text: imports('build', 'esbuild') },
  { rule: 'base-looks-down', file: 'src/base/c1.ts', text: imports('bytes', '../protocol/bytes') },
  { rule: 'base-is-pure', file: 'src/base/c2.ts', text: imports('connect', 'node:net') },
  {
    rule: 'protocol-looks-down',
    file: 'src/protocol/c1.ts',
    text: imports('model', '../model/model'),
  },
  { rule: 'protocol-is-pure', file: 'src/protocol/c2.ts', text: imports('connect', 'node:net') },
  { rule: 'model-looks-down', file: 'src/model/c1.ts', text: imports('ca', '../protocol/ca/ca') },
  {
    rule: 'model-is-pure',
    file: 'src/model/c2.ts',
    text: imports('closest', 'fastest-levenshtein'),
  },
  {
    rule: 'present-looks-down',
    file: 'src/present/c1.ts',
    text: imports('service', '../services/service'),
  },
  { rule: 'present-is-pure', file: 'src/present/c2.ts', text: imports('connect', 'node:net') },
  { rule: 'webview-looks-down', file: 'src/webview/c1.ts', text: imports('ui', '../ui/ui') },
  { rule: 'webview-is-pure', file: 'src/webview/c2.ts', text: imports('connect', 'node:net') },
  { rule: 'pages-draw', file: 'src/present/c4.ts', text: imports('uPlot', 'uplot') },
  { rule: 'parsers-read-files', file: 'src/present/c3.ts', text: imports('Parser', 'htmlparser2') },
  {
    rule: 'services-looks-down',
    file: 'src/services/c1.ts',
    text: "import type { N } from '../node/types';\nexport type M = N;",
  },
  {
    rule: 'services-is-pure',
    file: 'src/services/c2.ts',
    text: "import type { Server } from 'node:net';\nexport type S = Server;",
  },
  ...serviceRooms.map((room, index) => {
    const above = serviceRooms[index - 1];
    return {
      rule: `services-${room}-looks-down`,
      file: `src/services/${room}/s1.ts`,
      text: above ? imports(above, `../${above}/${above}`) : imports('core', '../core'),
    };
  }),
  {
    rule: 'protocols-are-siblings',
    file: 'src/protocol/ca/c1.ts',
    text: imports('pva', '../pva/pva'),
  },
  {
    rule: 'shared-framing-knows-no-protocol',
    file: 'src/protocol/c3.ts',
    text: imports('ca', './ca/ca'),
  },
  {
    rule: 'node-implements-services',
    file: 'src/node/c7.ts',
    text: imports('service', '../services/service'),
  },
  { rule: 'node-looks-down', file: 'src/node/c8.ts', text: imports('demo', '../demo/demo') },
  {
    rule: 'engines-behind-node',
    file: 'src/cli/c1.ts',
    text: "import type Docker from 'dockerode';\nexport type D = Docker;",
  },
  { rule: 'agent-stands-alone', file: 'src/agent/c1.ts', text: imports('node', '../node/node') },
  {
    rule: 'agent-stands-alone',
    file: 'src/agent/c2.ts',
    text: imports('closest', 'fastest-levenshtein'),
  },
  {
    rule: 'roots-are-not-imported',
    file: 'src/node/c9.ts',
    text: imports('agent', '../agent/agent'),
  },
  {
    rule: 'roots-are-not-imported',
    file: 'src/ui/c1.ts',
    text: "import e from '../extension';\nexport default e;",
  },
  {
    rule: 'demo-belongs-to-the-core',
    file: 'src/ui/c2.ts',
    text: imports('demo', '../demo/demo'),
  },
  {
    rule: 'broker-belongs-to-the-command',
    file: 'src/ui/c5.ts',
    text: imports('broker', '../broker/broker'),
  },
  {
    rule: 'broker-connection-looks-down',
    file: 'src/node/broker/c1.ts',
    text: imports('service', '../../services/service'),
  },
  { rule: 'rpc-looks-down', file: 'src/rpc/c1.ts', text: imports('node', '../node/node') },
  { rule: 'only-roots-compose', file: 'src/ui/c3.ts', text: imports('node', '../node/node') },
  { rule: 'only-roots-compose', file: 'src/other.ts', text: imports('node', './node/node') },
  { rule: 'ui-renders', file: 'src/ui/c4.ts', text: imports('connect', 'node:net') },
  {
    rule: 'vscode-in-ui',
    file: 'src/services/c3.ts',
    text: "import type { Uri } from 'vscode';\nexport type U = Uri;",
  },
  { rule: 'headless', file: 'src/cli/c2.ts', text: imports('link', '../rpc/link') },
  {
    rule: 'vscode-in-ui',
    file: 'src/rpc/link.ts',
    text: "import { window as link } from 'vscode';\nexport { link };",
  },
];

/** Found by `tsc -p src/tsconfig.pure.json`, which no comment can switch off. */
export const purePlants: readonly Plant[] = [
  { rule: 'TS2591', file: 'src/protocol/p1.ts', text: 'export const p = Buffer.alloc(1);' },
  { rule: 'TS2591', file: 'src/base/p2.ts', text: 'export const p = process.pid;' },
  {
    rule: 'TS',
    file: 'src/services/p3.ts',
    text: 'export const p = (f: () => void) => setTimeout(f, 1);',
  },
  {
    rule: 'TS',
    file: 'src/model/p4.ts',
    text: "import { connect } from 'node:net';\nexport default connect;",
  },
  { rule: 'TS', file: 'src/protocol/p5.ts', text: "console.log('x');" },
  { rule: 'TS', file: 'src/present/p6.ts', text: "console.log('x');" },
];
