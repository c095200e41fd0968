import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needsEngine } from '../support/lab/needs';
import { Scene } from '../support/scene';
import { skip } from '../support/skip';
import { missingForExtensionHost, runInExtensionHost } from '../support/vscodeExtensionHost';
import { DATABASE } from './host/hoverCells';
import type { HostResult } from './host/runSuite';

/** Real IOCs, and how their pvAccess servers refuse what they do not have. */
const IOCS = [
  ['softIocPvx', 'Refused to create Channel'],
  ['softIocPva', 'not found'],
] as const;

describe('hovers over files', function () {
  this.timeout(180_000);
  let scene: Scene | undefined;
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'epics-expose-hover-ioc-'));
    writeFileSync(join(folder, 'hover.db'), DATABASE);
  });
  afterEach(() => scene?.end());
  after(() => rmSync(folder, { recursive: true }));

  for (const [ioc, refusal] of IOCS) {
    it(`tell of every kind of reference its value, or why there is none, on ${ioc}`, async function () {
      const missing = missingForExtensionHost();
      if (missing) skip(this, missing, 'vscode');
      const engine = await needsEngine(this, 'docker');
      scene = new Scene(engine);
      const box = await scene.ioc({
        ...{ ioc, db: ['/work/hover.db'], binds: [`${folder}:/work:ro`] },
      });
      const { code, result } = await runInExtensionHost(join(__dirname, 'host/onRealIoc.ts'), {
        EPICS_EXPOSE_TEST_ENGINE: engine.endpoint,
        EPICS_EXPOSE_TEST_REFUSAL: refusal,
      });
      assert.ok(result, `no result of the tests; VS Code ended with ${code}: ${await box.logs()}`);
      const { passed, failed } = result as HostResult;
      console.log(`        ${passed.length} of ${passed.length + failed.length} hovers`);
      // Each in a line of its own: assert cuts differences of long texts.
      if (failed.length > 0) throw new Error(failed.map(lineOf).join('\n'));
      assert.equal(code, 0);
    });
  }
});

/** What was told and what is expected, or another error. */
function lineOf({ title, error }: HostResult['failed'][number]): string {
  const lines = error.split('\n');
  const difference = lines.filter((line) => /^[+-] '/.test(line));
  return [title, ...(difference.length > 0 ? difference : lines.slice(0, 2))].join('  ');
}
