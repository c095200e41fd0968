/**
 * What `npm test` runs, after the build: the compiler and the linter, then the tests layer by
 * layer. At the end a line says how many passed, failed and were skipped; before it, everything that
 * was skipped is listed by its reasons, and what failed with the first lines of why.
 *
 *   npm test                                   everything
 *   npm test -- unit loopback                  these layers alone, without compiler and linter
 *   npm test -- interop --grep 'name server'   the rest goes to mocha
 *   npm run coverage                           unit and loopback, and which functions they did not run
 *
 * Where unit and loopback are run wholly, it tells which part of the functions of src they have run,
 * and fails when that is too little (coverage.mjs).
 */
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LEAST_COVERAGE, readCoverage, summarise } from './coverage.mjs';
import { setUp } from './setup.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const bin = join(root, 'node_modules/.bin');
/** Each by itself: what the two that are measured run is told from what the others do. */
const quickLayers = ['unit', 'architecture', 'fuzz', 'loopback'];
const measuredLayers = ['unit', 'loopback'];
/**
 * These wait most of the time, so one runs beside the others. Those of the second line run in a
 * network of their own: their clients and servers broadcast, or want the ports of the first.
 */
const slowLayers = ['interop'];
const apartLayers = ['vscode', 'field'];
const ownNetwork = join(root, 'test/support/ownNetwork.sh');

const isListing = process.argv.includes('--list-missed');
const parameters = process.argv.slice(2).filter((word) => word !== '--list-missed');
const isLayer = (word) => [...quickLayers, ...slowLayers, ...apartLayers].includes(word);
const wanted = parameters.filter(isLayer);
const forMocha = parameters.filter((word) => !isLayer(word));
const layersOf = (layers) =>
  layers.filter(
    (layer) =>
      (wanted.length === 0 || wanted.includes(layer)) && hasTests(join(root, 'test', layer)),
  );

const total = { passed: 0, failed: 0, skipped: [], failures: [] };
const children = new Set();
let isStopped = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  // The tests end their engines first; we end with them.
  process.on(signal, () => {
    isStopped = true;
    for (const child of children) child.kill(signal);
    if (children.size === 0) process.exit(1);
  });
}

if (parameters.length === 0) {
  await check('typecheck');
  if (fs.existsSync(join(root, 'eslint.config.mjs'))) await check('lint');
}
const quick = layersOf(quickLayers);
const isMeasured = forMocha.length === 0 && measuredLayers.every((layer) => quick.includes(layer));
const counts = join(tmpdir(), `epics-expose-coverage-${process.pid}`);
for (const layer of quick) {
  const isCounted = isMeasured && measuredLayers.includes(layer);
  await mocha([layer], [], [], isCounted ? { NODE_V8_COVERAGE: counts } : {});
}
const slow = layersOf(slowLayers);
const apart = layersOf(apartLayers);
if (slow.length + apart.length > 0) {
  for (const problem of setUp()) console.error(`not available: ${problem}`);
}
const hasNetwork = apart.length > 0 && hasOwnNetwork();
const first = each(slow, []);
if (!hasNetwork) await first;
await Promise.all([first, each(apart, hasNetwork ? [ownNetwork] : [])]);
report();
if (isMeasured) reportCoverage();

async function check(script) {
  const { exitCode } = await run('npm', ['run', '--silent', script]);
  if (exitCode === 0) return;
  total.failed++;
  console.error(`${script} failed`);
}

/** One layer after another, each by a mocha of its own. */
async function each(layers, within) {
  for (const layer of layers) await mocha([layer], ['--timeout', '120000'], within);
}

/** Where there can be none, the tests skip and say so. */
function hasOwnNetwork() {
  return spawnSync(ownNetwork, ['true'], { stdio: 'ignore' }).status === 0;
}

async function mocha(layers, options, within = [], environment = {}) {
  const summary = join(tmpdir(), `epics-expose-summary-${process.pid}-${layers.join('-')}.json`);
  fs.rmSync(summary, { force: true });
  const [program, ...words] = [...within, process.execPath];
  const { exitCode, signal } = await run(
    program,
    [
      ...words,
      join(bin, 'mocha'),
      ...['--reporter', join(root, 'test/support/reporter.ts'), '--exit', ...options, ...forMocha],
      ...layers.map((layer) => `test/${layer}/**/*.test.ts`),
    ],
    { ...environment, EPICS_EXPOSE_SUMMARY: summary },
  );
  const result = fs.existsSync(summary) ? JSON.parse(fs.readFileSync(summary, 'utf8')) : undefined;
  fs.rmSync(summary, { force: true });
  total.passed += result?.passed ?? 0;
  total.failed += result?.failed ?? 0;
  total.skipped.push(...(result?.skipped ?? []));
  total.failures.push(...(result?.failures ?? []));
  if (exitCode !== 0 && !result?.failed) {
    // It fell before it could count, or something beside the tests failed.
    console.error(`mocha (${layers.join(', ')}) ended with ${signal ?? exitCode}`);
    total.failed++;
  }
}

function report() {
  if (total.skipped.length > 0) {
    console.log('\nSkipped:');
    const byReason = new Map();
    for (const { title, reason } of total.skipped) {
      byReason.set(reason, [...(byReason.get(reason) ?? []), title]);
    }
    for (const [reason, [first, ...others]] of byReason) {
      const more = others.length > 0 ? ` and ${others.length} more` : '';
      console.log(`  ${reason}: ${first}${more}`);
    }
  }
  if (total.failures.length > 0) {
    console.log('\nFailed:');
    for (const { title, reason } of total.failures) {
      console.log(`  ${title}\n    ${reason.replaceAll('\n', '\n    ')}`);
    }
  }
  const { passed, failed, skipped } = total;
  console.log(`\n${passed} passed, ${failed} failed, ${skipped.length} skipped`);
  process.exitCode = failed > 0 ? 1 : 0;
}

function reportCoverage() {
  const files = readCoverage(counts);
  fs.rmSync(counts, { recursive: true });
  const { percent, text } = summarise(files);
  if (isListing) {
    for (const { path, functions } of files) {
      const missed = functions.filter(({ isRun }) => !isRun);
      for (const { line, name } of missed) console.log(`${path}:${line} ${name}`);
    }
  }
  console.log(text);
  if (percent >= LEAST_COVERAGE) return;
  console.log(`That is less than ${LEAST_COVERAGE} %: npm run coverage lists the others.`);
  process.exitCode = 1;
}

/** What runs beside another one prints what it has to say when it has ended. */
function run(program, programParameters, environment = {}) {
  return new Promise((resolve) => {
    const isAlone = children.size === 0;
    const output = isAlone ? 'inherit' : 'pipe';
    const child = spawn(program, programParameters, {
      cwd: root,
      stdio: ['inherit', output, output],
      env: { ...process.env, ...environment },
    });
    children.add(child);
    const printed = [];
    child.stdout?.on('data', (chunk) => printed.push(chunk));
    child.stderr?.on('data', (chunk) => printed.push(chunk));
    child.once('error', (error) => {
      console.error(error.message);
      children.delete(child);
      resolve({ exitCode: 1, signal: null });
    });
    child.once('close', (exitCode, signal) => {
      children.delete(child);
      process.stdout.write(Buffer.concat(printed));
      if (isStopped && children.size === 0) process.exit(1);
      resolve({ exitCode, signal });
    });
  });
}

function hasTests(folder) {
  if (!fs.existsSync(folder)) return false;
  return fs.readdirSync(folder, { recursive: true }).some((file) => `${file}`.endsWith('.test.ts'));
}
