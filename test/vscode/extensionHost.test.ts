import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { missingForCodeServer } from '../support/codeServer';
import { skip } from '../support/skip';
import { missingForBrowser } from '../support/vscodeWorkbench';
import type { HostResult } from './host';

/**
 * The extension in the extension host of a real VS Code. Where a window can be shown, that is the
 * desktop program that @vscode/test-electron downloads (or the one that EPICS_EXPOSE_VSCODE names);
 * elsewhere code-server.
 */
const root = resolve(__dirname, '../..');
const hasDesktop = process.platform !== 'linux' || Boolean(process.env['DISPLAY']);

describe('extension host', function () {
  this.timeout(120_000);
  let folder = '';

  before(function () {
    const missing = hasDesktop ? undefined : (missingForCodeServer() ?? missingForBrowser());
    if (missing) skip(this, missing, 'vscode');
  });
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'epics-expose-host-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs an entry point that exports run(). */
  async function runInHost(entryPoint: string): Promise<{ code: number; result?: HostResult }> {
    const resultFile = join(folder, 'result.json');
    // Below the project's folder, so that it finds mocha.
    const suite = join(root, `.cache/extension-tests-${process.pid}.cjs`);
    try {
      await build({
        entryPoints: [entryPoint],
        outfile: suite,
        bundle: true,
        platform: 'node',
        format: 'cjs',
        external: ['vscode', 'mocha'],
        logLevel: 'warning',
      });
      const executable = vscodeExecutable(folder);
      const code = await runTests({
        ...(executable ? { vscodeExecutablePath: executable } : { version: '1.100.0' }),
        extensionDevelopmentPath: root,
        extensionTestsPath: suite,
        extensionTestsEnv: {
          EPICS_EXPOSE_RESULT: resultFile,
          EPICS_EXPOSE_BROKER_DIR: join(folder, 'broker'),
        },
        launchArgs: [join(__dirname, 'workspace')],
      }).catch((error: { code?: number }) => error.code ?? -1);
      return existsSync(resultFile)
        ? { code, result: JSON.parse(readFileSync(resultFile, 'utf8')) as HostResult }
        : { code };
    } finally {
      rmSync(suite, { force: true });
    }
  }

  it('passes the tests in test/vscode/host', async () => {
    const { code, result } = await runInHost(join(__dirname, 'host/index.ts'));
    assert.ok(result, `no result of the tests; VS Code ended with ${code}`);
    for (const title of result.passed) console.log(`        ${title}`);
    const failed = result.failed.map(({ title, error }) => `${title}\n${error}`);
    assert.equal(failed.join('\n\n'), '');
    assert.equal(code, 0);
    assert.ok(result.passed.length > 0);
  });

  // VS Code calls a run whose host was killed a success.
  it('does not take a host that was killed for a pass', async () => {
    const deadly = join(folder, 'deadly.ts');
    writeFileSync(deadly, 'export const run = () => process.exit(3);');
    assert.equal((await runInHost(deadly)).result, undefined);
  });
});

/** Undefined: to be downloaded. */
function vscodeExecutable(folder: string): string | undefined {
  if (process.env['EPICS_EXPOSE_VSCODE']) return process.env['EPICS_EXPOSE_VSCODE'];
  if (hasDesktop) return undefined;
  const tsx = pathToFileURL(join(root, 'node_modules/tsx/dist/loader.mjs')).href;
  const shim = join(root, 'test/support/vscodeShim.ts');
  const file = join(folder, 'code');
  const command = `exec '${process.execPath}' --import '${tsx}' '${shim}' "$@"`;
  writeFileSync(file, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
  return file;
}
