/**
 * The linter. Typed rules that find mistakes the compiler lets pass, and the walls between the rooms
 * of docs/architecture.md as far as one file shows them: an editor marks a wrong import while it is
 * typed. What needs the whole graph (cycles, what is reachable, type-only edges) is in
 * .dependency-cruiser.cjs. Formatting is Prettier's. test/architecture breaks each wall once.
 */
import tseslint from 'typescript-eslint';

const outside = {
  node: { regex: '^node:', message: 'Only src/node and the composition roots touch Node.' },
  vscode: { regex: '^vscode$', message: 'Only src/ui and src/extension.ts know VS Code.' },
  docker: {
    regex: '^(dockerode|docker-modem|tar-stream)$',
    message: 'Only src/node knows engines.',
  },
  packages: { regex: '^[^.]', message: 'This room uses no packages.' },
};

/** An import of another room, whatever the depth of the importing file. */
function room(names, message) {
  return { regex: `^(\\.\\./)+(${names})(/|$)`, message };
}

const upwards = 'Arrows go down: ui, node -> services -> model, protocol -> base.';

/** The options of a folder replace those of a wider one: each lists its whole set. */
function walls(folder, ...patterns) {
  return {
    files: [`src/${folder}`],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
  };
}

/** Exist in Node and editors, but would make a room depend on its surroundings. */
const pureGlobals = [
  ...['Buffer', 'process', 'global', 'require', 'console', 'performance', 'crypto'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch'],
].map((name) => ({ name, message: 'Not in the pure rooms: take it as a parameter (Clock, Log).' }));

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'artifacts/',
      '.cache/',
      '**/node_modules/',
      'src/pure.d.ts',
      'test/fixtures/ioc/',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    rules: {
      eqeqeq: 'error',
      'no-template-curly-in-string': 'error',
      'no-unused-expressions': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-constant-binary-expression': 'error',
      'no-fallthrough': 'error',
      'no-self-compare': 'error',
      'no-unsafe-finally': 'error',
      'no-unreachable-loop': 'error',
      'no-empty': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      'no-unused-expressions': 'off',
      '@typescript-eslint/no-unused-expressions': 'error',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        // `default` is for what comes from the wire (docs/architecture.md).
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' },
      ],
      // Numbers in messages are the rule here, and they print as one expects.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // An interface may ask for a promise where this implementation has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/cli/**'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['src/{base,protocol,model,present,services}/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...pureGlobals],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Time comes from Clock.' },
      ],
    },
  },
  walls('base/**/*.ts', outside.packages, { regex: '^\\.\\./', message: 'base knows nobody.' }),
  walls(
    'protocol/**/*.ts',
    outside.packages,
    room('model|present|services|node|ui|cli|demo|agent|carrier|broker|rpc', upwards),
  ),
  walls(
    'protocol/ca/**/*.ts',
    outside.packages,
    room('model|present|services|node|ui|cli|demo|agent|carrier|broker|rpc', upwards),
    room('pva', 'CA and PVA are siblings: they share bytes and framing, nothing above.'),
  ),
  walls(
    'protocol/pva/**/*.ts',
    outside.packages,
    room('model|present|services|node|ui|cli|demo|agent|carrier|broker|rpc', upwards),
    room('ca', 'CA and PVA are siblings: they share bytes and framing, nothing above.'),
  ),
  walls(
    'protocol/agent/**/*.ts',
    outside.packages,
    room('model|present|services|node|ui|cli|demo|carrier|broker|rpc', upwards),
    room('ca|pva', 'The agent carries bytes and knows no EPICS protocol.'),
  ),
  walls(
    'model/**/*.ts',
    outside.packages,
    room('protocol|present|services|node|ui|cli|demo|agent|carrier|broker|rpc', upwards),
  ),
  walls(
    'present/**/*.ts',
    outside.packages,
    room('protocol|services|node|ui|cli|demo|agent|carrier|broker|rpc', upwards),
  ),
  walls(
    'present/{pvReferences,settingsFiles}/**/*.ts',
    {
      regex: '^(?!(htmlparser2|yaml)$)[^.]',
      message: 'Only parsers of XML and YAML: pure text to data.',
    },
    room('protocol|services|node|ui|cli|demo|agent|carrier|broker|rpc', upwards),
  ),
  walls(
    'services/**/*.ts',
    outside.packages,
    room(
      'present|node|ui|cli|demo|agent|carrier|broker|rpc',
      `${upwards} Take an interface; node implements it.`,
    ),
  ),
  walls(
    'services/pvs/**/*.ts',
    {
      regex: '^(?!fastest-levenshtein$)[^.]',
      message: 'Only the distance of two texts: pure arithmetic.',
    },
    room(
      'present|node|ui|cli|demo|agent|carrier|broker|rpc',
      `${upwards} Take an interface; node implements it.`,
    ),
  ),
  walls(
    'node/**/*.ts',
    outside.vscode,
    room('present|ui|cli|demo|agent|carrier|broker|rpc', upwards),
  ),
  // A front end's way to the broker: a socket, and what is said over it.
  walls(
    'node/broker/**/*.ts',
    outside.vscode,
    room('present|ui|cli|demo|agent|carrier|broker', upwards),
  ),
  walls(
    'agent/**/*.ts',
    { regex: '^(?!node:)[^.]', message: 'The agent runs in foreign containers: no packages.' },
    room(
      'present|services|ui|cli|demo|carrier|broker|rpc',
      'The agent carries bytes: frames and sockets.',
    ),
    room('node(?!/relay/)', 'Of node, the agent shares only the sockets of node/relay.'),
    room(
      'protocol(?!/(agent/|bytes$|receiveBuffer$))',
      'The agent carries bytes and knows no EPICS protocol.',
    ),
  ),
  walls(
    'ui/**/*.ts',
    outside.node,
    outside.docker,
    room('node|cli|demo|agent|carrier|broker', 'ui renders snapshots and sends intents.'),
  ),
  walls(
    'webview/**/*.ts',
    { regex: '^(?!uplot)[^.]', message: 'Pages use what draws lines, and no other package.' },
    room(
      'protocol|services|node|ui|cli|demo|agent|carrier|broker|rpc',
      'Pages draw what they are sent.',
    ),
  ),
  walls(
    '{cli,demo,broker,carrier,rpc}/**/*.ts',
    outside.vscode,
    outside.docker,
    room('ui', 'Headless.'),
  ),
  {
    files: ['test/**/*.ts'],
    rules: {
      // Bytes and JSON from other programs are looked at with asserts, not with types.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: [
      'test/fixtures/names/**',
      'test/unit/services/discovery/names/**',
      'test/architecture/plants.ts',
    ],
    // EPICS macros, and planted violations, look like template placeholders.
    rules: { 'no-template-curly-in-string': 'off' },
  },
);
