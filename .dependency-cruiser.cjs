/**
 * The walls between the rooms of docs/architecture.md that need the whole graph: cycles, what is
 * reachable, edges that may carry types only. ESLint marks the plain ones in the editor, too; here
 * they cannot be switched off by a comment. test/architecture breaks each rule once.
 */

/** Rooms whose files start a program and wire it: the only ones that know both services and node. */
const roots = '^src/(cli|demo|broker|carrier|extension)(/|[.]ts$)';

/**
 * With @types/vscode installed, `import 'vscode'` resolves to node_modules/@types/vscode/index.d.ts,
 * and a rule for '^vscode$' would pass everything.
 */
const vscode = '^(node_modules/@types/)?vscode(/|$)';

/** In the bundles; package.json has no dependencies. */
const bundled =
  '^node_modules/(commander|dockerode|fastest-levenshtein|htmlparser2|log-update|tar-stream|uplot|valibot|vscode-jsonrpc|yaml)/';

/** What draws lines, for the pages in webviews. */
const drawing = '^node_modules/uplot/';

/** Everything in src that is not one of these rooms. */
const outside = (rooms) => `^src/(?!(${rooms})/)`;

/** Packages that are pure text to data, for the room that reads files. */
const parsers = '^node_modules/(htmlparser2|yaml)/';

/**
 * A room that uses its own files and the given rooms, neither Node nor packages, except those of
 * `packages`.
 */
function pureRoom(name, mayUse, comment, packages = []) {
  return [
    {
      name: `${name}-looks-down`,
      comment,
      severity: 'error',
      from: { path: `^src/${name}/` },
      to: { path: outside(mayUse) },
    },
    {
      name: `${name}-is-pure`,
      comment: 'The pure rooms use neither Node nor packages, not even their types.',
      severity: 'error',
      from: { path: `^src/${name}/` },
      to: { pathNot: ['^src/', ...packages] },
    },
  ];
}

/** The rooms of services from the top down: each may use those behind it. */
const serviceRooms = [
  ...[
    'core',
    'pvs',
    'engines',
    'exposure',
    'search',
    'discovery',
    'upstream',
    'localPorts',
    'host',
  ],
];
const servicesLookDown = serviceRooms.slice(1).map((room, index) => ({
  name: `services-${room}-looks-down`,
  comment: 'Inside services arrows go down only (docs/architecture.md), types too.',
  severity: 'error',
  from: { path: `^src/services/${room}/` },
  to: { path: `^src/services/(${serviceRooms.slice(0, index + 1).join('|')})(/|[.]ts$)` },
}));

module.exports = {
  forbidden: [
    {
      name: 'no-cycle',
      comment: 'Files that need each other are one file, or one too many.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'The import leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: vscode },
    },
    {
      name: 'no-test-code',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^test/' },
    },
    {
      name: 'only-bundled-packages',
      comment:
        'What runs for users is bundled, so nothing is installed with it: these packages, which docs/architecture.md gives reasons for. A type may come from where it likes.',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        path: '^node_modules/',
        pathNot: [bundled, vscode],
        dependencyTypesNot: ['type-only'],
      },
    },

    ...pureRoom('base', 'base', 'base knows nobody.'),
    ...pureRoom('protocol', 'base|protocol', 'protocol looks down to base only.'),
    ...pureRoom('model', 'base|model', 'model looks down to base only.'),
    ...pureRoom(
      'present',
      'base|model|present',
      'present makes words and labels of what the model says; who works with facts does not use it.',
      [parsers],
    ),
    {
      name: 'parsers-read-files',
      comment: 'Only what reads files of people parses XML and YAML.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/present/(pvReferences|settingsFiles)/' },
      to: { path: parsers },
    },
    ...pureRoom(
      'webview',
      'base|model|present|webview',
      'The pages in webviews are front ends: they draw what the extension sends, in a browser.',
      [drawing],
    ),
    {
      name: 'pages-draw',
      comment: 'Only pages in webviews draw plots.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/webview/' },
      to: { path: drawing },
    },
    ...pureRoom(
      'services',
      'base|protocol|model|services',
      'services look down to model, protocol and base; what they need of the system is an interface.',
      ['^node_modules/fastest-levenshtein/'],
    ),
    {
      name: 'protocols-are-siblings',
      comment: 'ca, pva and agent share bytes and framing, nothing above.',
      severity: 'error',
      from: { path: '^src/protocol/(ca|pva|agent)/' },
      to: { path: '^src/protocol/(ca|pva|agent)/', pathNot: '^src/protocol/$1/' },
    },
    {
      name: 'shared-framing-knows-no-protocol',
      severity: 'error',
      from: { path: '^src/protocol/[^/]+$' },
      to: { path: '^src/protocol/.+/' },
    },

    ...servicesLookDown,
    {
      name: 'node-implements-services',
      comment:
        'node knows the interfaces of services, as types, and shares with them the pure functions ' +
        'that read text (services/**/parse*.ts): the same /proc text is read here and in containers. ' +
        'Logic in time is called by the composition roots, never by node.',
      severity: 'error',
      from: { path: '^src/node/' },
      to: {
        path: '^src/services/',
        pathNot: '^src/services/.*/parse[A-Z][^/]*$',
        dependencyTypesNot: ['type-only', 'type-import'],
      },
    },
    {
      name: 'node-looks-down',
      severity: 'error',
      from: { path: '^src/node/', pathNot: '^src/node/broker/' },
      to: { path: outside('base|protocol|model|services|node') },
    },
    {
      name: 'broker-connection-looks-down',
      comment: 'The way of a front end to the broker: a socket, and what is said over it.',
      severity: 'error',
      from: { path: '^src/node/broker/' },
      to: { path: outside('base|model|rpc|node') },
    },
    {
      name: 'rpc-looks-down',
      comment:
        'rpc carries the contract of model/coreApi; it knows neither who asks nor who answers.',
      severity: 'error',
      from: { path: '^src/rpc/' },
      to: { path: outside('base|model|rpc') },
    },
    {
      name: 'engines-behind-node',
      comment: 'Only node speaks to container engines and reads archives.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/node/' },
      to: { path: '^node_modules/(@types/)?(dockerode|docker-modem|tar-stream)/' },
    },

    {
      name: 'agent-stands-alone',
      comment: 'It runs inside foreign containers: frames, the sockets of node/relay, no packages.',
      severity: 'error',
      from: { path: '^src/agent/' },
      to: {
        pathNot: [
          '^src/(agent|base|node/relay|protocol/agent)/',
          '^src/(protocol/bytes|protocol/receiveBuffer|model/endpoint)[.]ts$',
        ],
        dependencyTypesNot: ['core'],
      },
    },
    {
      name: 'roots-are-not-imported',
      comment:
        'Programs are started, not called; the demo and the broker alone are parts of the command.',
      severity: 'error',
      from: { path: '^src/([^/]+)' },
      to: {
        path: '^src/(agent|carrier|cli|demo|broker|webview|extension)(/|[.]ts$)',
        pathNot: ['^src/$1(/|$)', '^src/(demo|broker)/'],
      },
    },
    {
      name: 'demo-belongs-to-the-core',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(broker|demo)/' },
      to: { path: '^src/demo/' },
    },
    {
      name: 'broker-belongs-to-the-command',
      comment: 'A command in a terminal may serve others while it runs; a window never does.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(cli|broker)/' },
      to: { path: '^src/broker/' },
    },
    {
      name: 'only-roots-compose',
      comment: 'Only composition roots know node beside its own files.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(node|agent)/', roots] },
      to: { path: '^src/node/' },
    },

    {
      name: 'ui-renders',
      comment: 'ui gets snapshots and sends intents; it touches no system.',
      severity: 'error',
      from: { path: '^src/ui/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'vscode-in-ui',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/ui/', '^src/extension[.]ts$'] },
      to: { path: vscode },
    },
    {
      name: 'headless',
      comment: 'What runs without VS Code does not reach it, over however many files.',
      severity: 'error',
      from: { path: '^src/(cli|broker|carrier|agent|demo|node)/' },
      to: { path: ['^src/ui/', vscode], reachable: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    // Type-only imports disappear when compiled, but a room that uses a type knows its owner.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
