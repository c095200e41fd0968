import { writeFileSync } from 'node:fs';
import Mocha, { type Runner, type Test } from 'mocha';

/** What the file named by EPICS_EXPOSE_RESULT holds at the end; without it, nothing has passed. */
export interface HostResult {
  passed: string[];
  failed: { title: string; error: string }[];
}

/** Runs the tests that loading a file defines. Rejects if one failed. */
export async function runSuite(load: () => Promise<unknown>): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: 30_000, forbidOnly: true });
  mocha.suite.emit('pre-require', globalThis, null, mocha);
  await load();
  const result: HostResult = { passed: [], failed: [] };
  await new Promise<void>((done) => {
    const runner: Runner = mocha.run(() => done());
    runner.on('pass', (test: Test) => result.passed.push(test.fullTitle()));
    runner.on('fail', (test: Test, error: Error) => {
      result.failed.push({ title: test.fullTitle(), error: error.stack ?? error.message });
    });
  });
  const file = process.env['EPICS_EXPOSE_RESULT'];
  if (file) writeFileSync(file, JSON.stringify(result));
  if (result.failed.length > 0) throw new Error(`${result.failed.length} tests failed`);
}
