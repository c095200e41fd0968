import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Summary } from '../support/reporter';

/** The runner's own promises, each seen broken once: a leak fails, a skip is listed or refused. */
const support = resolve(__dirname, '../support');
const mocha = resolve(__dirname, '../../node_modules/mocha/bin/mocha.js');

describe('test runner', function () {
  this.timeout(60_000);
  let folder = '';

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'epics-expose-runner-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  function runPlanted(
    text: string,
    environment: Record<string, string> = {},
  ): { output: string; exitCode: number | null; summary: Summary } {
    const [file, summary] = [join(folder, 'planted.ts'), join(folder, 'summary.json')];
    writeFileSync(file, text);
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [
        mocha,
        ...['--no-config', '--no-package', '--exit', '--require', 'tsx'],
        ...['--require', join(support, 'leaks.ts'), '--reporter', join(support, 'reporter.ts')],
        file,
      ],
      {
        encoding: 'utf8',
        env: {
          ...process.env,
          EPICS_EXPOSE_REQUIRE: '',
          ...environment,
          EPICS_EXPOSE_SUMMARY: summary,
        },
      },
    );
    const counts = JSON.parse(readFileSync(summary, 'utf8')) as Summary;
    return { output: stdout + stderr, exitCode: status, summary: counts };
  }

  it('names the test that left a server and a child process open', () => {
    const { output, exitCode } = runPlanted(`
      it('closes', (done) => {
        const server = require('node:net').createServer().listen(0, '127.0.0.1', () => server.close(done));
      });
      it('forgets', (done) => {
        require('node:child_process').spawn('sleep', ['8'], { stdio: 'ignore' });
        require('node:net').createServer().listen(0, '127.0.0.1', done);
      });`);
    assert.notEqual(exitCode, 0);
    assert.match(
      output,
      /forgets: (1 TCPServerWrap|1 ProcessWrap), (1 TCPServerWrap|1 ProcessWrap)/,
    );
    assert.doesNotMatch(output, /closes: /);
  });

  const skipping = `
    const { skip } = require('${support}/skip');
    describe('all of it', () => {
      before(function () { skip(this, 'needs docker: no dockerd', 'engines'); });
      it('one', () => {});
      it('two', () => {});
    });
    it('three', function () { skip(this, 'needs macOS', 'platform'); });`;

  it('gives the reason of every skip', () => {
    const { exitCode, summary } = runPlanted(skipping);
    assert.equal(exitCode, 0);
    assert.deepEqual(summary, {
      passed: 0,
      failed: 0,
      skipped: [
        { title: 'three', reason: 'needs macOS' },
        { title: 'all of it one', reason: 'needs docker: no dockerd' },
        { title: 'all of it two', reason: 'needs docker: no dockerd' },
      ],
      failures: [],
    });
  });

  it('keeps what failed, and why, for the end', () => {
    const { exitCode, summary } = runPlanted(`
      it('works', () => {});
      it('fails', () => { throw new Error('for a reason'); });
      describe('set-up', () => {
        before(() => { throw new Error('missing'); });
        it('never runs', () => {});
      });`);
    assert.notEqual(exitCode, 0);
    assert.equal(summary.failed, 2);
    assert.deepEqual(
      summary.failures.map(({ title, reason }) => [title, reason.split('\n')[0]]),
      [
        ['fails', 'Error: for a reason'],
        ['set-up "before all" hook for "never runs"', 'Error: missing'],
      ],
    );
  });

  it('knows which functions of src were run, by their source maps', () => {
    const file = join(folder, 'planted.ts');
    const [src, counts] = [resolve(__dirname, '../../src'), join(folder, 'counts')];
    writeFileSync(
      file,
      `import { LruMap } from '${src}/base/lruMap'; new LruMap(1).set('a', 'b');`,
    );
    const env = { ...process.env, NODE_V8_COVERAGE: counts };
    assert.equal(spawnSync(process.execPath, ['--import', 'tsx', file], { env }).status, 0);
    const read = `import { readCoverage } from '${support}/coverage.mjs';
      const files = readCoverage(${JSON.stringify(counts)});
      console.log(JSON.stringify(files.map(({ path, functions }) => [path, functions])));`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', read], {
      encoding: 'utf8',
      env: { ...process.env, NODE_V8_COVERAGE: '' },
    });
    const files = new Map(
      JSON.parse(stdout) as [string, { name: string; line: number; isRun: boolean }[]][],
    );
    const run = (path: string): string[] =>
      (files.get(path) ?? []).filter(({ isRun }) => isRun).map(({ name }) => name);
    assert.deepEqual(run('src/base/lruMap.ts'), ['constructor', 'set']);
    // What nothing has loaded is counted, and what is out of reach is not.
    assert.deepEqual(run('src/base/printable.ts'), []);
    assert.ok((files.get('src/base/printable.ts') ?? []).length > 0);
    assert.equal(files.has('src/extension.ts'), false);
  });

  it('refuses a skip for what the environment says is there', () => {
    const { exitCode, output } = runPlanted(skipping, { EPICS_EXPOSE_REQUIRE: 'iocs,engines' });
    assert.notEqual(exitCode, 0);
    assert.match(output, /engines required by EPICS_EXPOSE_REQUIRE, but: needs docker: no dockerd/);
  });
});
