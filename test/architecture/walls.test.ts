/**
 * A rule nobody has seen fail is not a rule: a small tree with the real configurations, one planted
 * violation for each rule of the linter's walls, of dependency-cruiser and of the pure compiler
 * check, and beside them the neighbours that must stay allowed.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { accomplices, allowed, cruiserPlants, lintPlants, purePlants, skeleton } from './plants';

const root = resolve(__dirname, '../..');
const modules = join(root, 'node_modules');

interface LintResult {
  readonly filePath: string;
  readonly messages: readonly { readonly ruleId: string | null; readonly message: string }[];
}

interface CruiseResult {
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly rule: { name: string } }[];
  };
}

describe('walls between the rooms', function () {
  this.timeout(60_000);
  let tree = '';

  before(() => {
    tree = mkdtempSync(join(tmpdir(), 'epics-expose-walls-'));
    const configurations = [
      ...['package.json', 'tsconfig.json', 'eslint.config.mjs'],
      ...['src/tsconfig.pure.json', 'src/pure.d.ts', 'src/webview/tsconfig.json'],
    ];
    mkdirSync(join(tree, 'src/webview'), { recursive: true });
    for (const file of configurations) copyFileSync(join(root, file), join(tree, file));
    symlinkSync(modules, join(tree, 'node_modules'), 'junction');
    // As in the real tree, where node_modules is no link, paths must begin with node_modules/.
    const real = JSON.stringify(join(root, '.dependency-cruiser.cjs'));
    writeFileSync(
      join(tree, '.dependency-cruiser.cjs'),
      `const real = require(${real});
      module.exports = { ...real, options: { ...real.options, preserveSymlinks: true } };`,
    );
    const files = { ...skeleton, ...allowed, ...accomplices };
    for (const { file, text } of [...lintPlants, ...cruiserPlants, ...purePlants]) {
      assert.equal(files[file], undefined, `${file} is planted twice`);
      files[file] = text;
    }
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(tree, file)), { recursive: true });
      writeFileSync(join(tree, file), `${text}\n`);
    }
  });
  after(() => rmSync(tree, { recursive: true, force: true }));

  function run(program: string, ...args: string[]): string {
    const { stdout, stderr, error } = spawnSync(
      process.execPath,
      [join(modules, program), ...args],
      { cwd: tree, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    );
    assert.ok(stdout.length > 0, `${program}: ${error?.message ?? stderr}`);
    return stdout;
  }

  it('ESLint: each wall and each rule for one file', () => {
    const text = run('eslint/bin/eslint.js', 'src', '--format', 'json');
    const found = new Map<string, string[]>();
    for (const { filePath, messages } of JSON.parse(text) as LintResult[]) {
      const file = relative(tree, filePath).replaceAll('\\', '/');
      found.set(
        file,
        messages.map(({ ruleId, message }) => ruleId ?? message),
      );
    }
    for (const { rule, file } of lintPlants) {
      assert.deepEqual([...new Set(found.get(file))], [rule], file);
    }
    for (const file of Object.keys({ ...skeleton, ...allowed })) {
      assert.deepEqual(found.get(file), [], file);
    }
  });

  it('dependency-cruiser: each rule of its configuration', () => {
    const text = run(
      'dependency-cruiser/bin/dependency-cruise.mjs',
      ...['src', '--config', '.dependency-cruiser.cjs', '--output-type', 'json'],
    );
    const { violations } = (JSON.parse(text) as CruiseResult).summary;
    for (const { rule, file } of cruiserPlants) {
      const rules = violations.filter(({ from }) => from === file).map((found) => found.rule.name);
      assert.ok(rules.includes(rule), `${file} must break ${rule}, breaks [${rules.join()}]`);
    }
    const innocent = new Set(Object.keys({ ...skeleton, ...allowed }));
    assert.deepEqual(
      violations
        .filter(({ from }) => innocent.has(from))
        .map(({ from, rule }) => [from, rule.name]),
      [],
    );
    const { forbidden } = createRequire(__filename)(join(root, '.dependency-cruiser.cjs')) as {
      forbidden: { name: string }[];
    };
    const planted = new Set(cruiserPlants.map(({ rule }) => rule));
    assert.deepEqual(
      forbidden.map(({ name }) => name).filter((name) => !planted.has(name)),
      [],
      'every rule has its planted violation',
    );
  });

  it('the compiler knows no Node, timer or console in the pure rooms', () => {
    const text = run('typescript/bin/tsc', '-p', 'src/tsconfig.pure.json', '--pretty', 'false');
    for (const { rule, file } of purePlants) {
      assert.match(text, new RegExp(`${file}\\(\\d+,\\d+\\): error ${rule}`));
    }
  });

  it('the scripts of package.json run all three', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    assert.match(scripts['lint'] ?? '', /eslint \. .*--max-warnings 0/);
    assert.match(scripts['lint'] ?? '', /depcruise src --config \.dependency-cruiser\.cjs/);
    assert.match(scripts['typecheck'] ?? '', /tsc -p src\/tsconfig\.pure\.json/);
  });
});
