/**
 * Runs code inside the extension host of a real VS Code, with our extension. Where a window can be
 * shown, that is the desktop program that @vscode/test-electron downloads (or the one that
 * EPICS_EXPOSE_VSCODE names); elsewhere code-server.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { missingForCodeServer } from './codeServer';
import { missingForBrowser } from './vscodeWorkbench';

const root = resolve(__dirname, '../..');
const hasDesktop = process.platform !== 'linux' || Boolean(process.env['DISPLAY']);
/** As in package.json's engines. */
const OLDEST_VERSION = '1.100.0';

/** Why it cannot run here, or undefined when it can. */
export function missingForExtensionHost(): string | undefined {
  return hasDesktop ? undefined : (missingForCodeServer() ?? missingForBrowser());
}

/**
 * Runs `run()` of this file; gives the exit code and what it wrote to EPICS_EXPOSE_RESULT. The
 * extension is the one as built, or that in `extensionFolder`.
 */
export async function runInExtensionHost(
  entryPoint: string,
  env: Readonly<Record<string, string>> = {},
  extensionFolder = root,
): Promise<{ code: number; result: unknown }> {
  const folder = mkdtempSync(join(tmpdir(), 'epics-expose-host-'));
  const resultFile = join(folder, 'result.json');
  // Below the project's folder, so that it finds mocha.
  const bundle = join(root, `.cache/extension-host-${process.pid}.cjs`);
  try {
    await build({
      entryPoints: [entryPoint],
      outfile: bundle,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      external: ['vscode', 'mocha'],
      logLevel: 'warning',
    });
    const executable = vscodeExecutable(folder);
    const code = await runTests({
      ...(executable ? { vscodeExecutablePath: executable } : { version: OLDEST_VERSION }),
      extensionDevelopmentPath: extensionFolder,
      extensionTestsPath: bundle,
      extensionTestsEnv: {
        EPICS_EXPOSE_RESULT: resultFile,
        EPICS_EXPOSE_BROKER_DIR: join(folder, 'broker'),
        ...env,
      },
      launchArgs: [join(root, 'test/vscode/workspace')],
    }).catch((error: { code?: number }) => error.code ?? -1);
    const result: unknown = existsSync(resultFile)
      ? JSON.parse(readFileSync(resultFile, 'utf8'))
      : undefined;
    return { code, result };
  } finally {
    rmSync(bundle, { force: true });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Undefined: to be downloaded. */
function vscodeExecutable(folder: string): string | undefined {
  if (process.env['EPICS_EXPOSE_VSCODE']) return process.env['EPICS_EXPOSE_VSCODE'];
  if (hasDesktop) return undefined;
  const tsx = pathToFileURL(join(root, 'node_modules/tsx/dist/loader.mjs')).href;
  const command = `exec '${process.execPath}' --import '${tsx}' '${join(__dirname, 'vscodeShim.ts')}' "$@"`;
  const file = join(folder, 'code');
  writeFileSync(file, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
  return file;
}
