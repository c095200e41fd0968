import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { skip } from '../support/skip';
import { missingForExtensionHost, runInExtensionHost } from '../support/vscodeExtensionHost';
import type { HostResult } from './host/runSuite';

describe('extension host', function () {
  this.timeout(120_000);

  before(function () {
    const missing = missingForExtensionHost();
    if (missing) skip(this, missing, 'vscode');
  });

  it('passes the tests in test/vscode/host', async () => {
    const { code, result } = await runInExtensionHost(join(__dirname, 'host/index.ts'));
    assert.ok(result, `no result of the tests; VS Code ended with ${code}`);
    const { passed, failed } = result as HostResult;
    for (const title of passed) console.log(`        ${title}`);
    assert.equal(failed.map(({ title, error }) => `${title}\n${error}`).join('\n\n'), '');
    assert.equal(code, 0);
    assert.ok(passed.length > 0);
  });

  // VS Code calls a run whose host was killed a success.
  it('does not take a host that was killed for a pass', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'epics-expose-deadly-'));
    try {
      const deadly = join(folder, 'deadly.ts');
      writeFileSync(deadly, 'export const run = () => process.exit(3);');
      assert.equal((await runInExtensionHost(deadly)).result, undefined);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
