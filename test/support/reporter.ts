import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import Mocha, { type MochaOptions, type Runner } from 'mocha';
import { reasonOf } from './skip';

/** Of an error, told again below everything else. */
const REASON_LINES = 12;

/** What run.mjs adds up over the processes it starts. */
export interface Summary {
  passed: number;
  failed: number;
  skipped: { title: string; reason: string }[];
  /** The first lines of why. */
  failures: { title: string; reason: string }[];
}

/** Mocha's own `spec`, and at the end a summary in the file that EPICS_EXPOSE_SUMMARY names. */
export default class SummaryReporter extends Mocha.reporters.Spec {
  constructor(runner: Runner, options: MochaOptions) {
    super(runner, options);
    const { EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_PENDING } = Mocha.Runner.constants;
    const skipped: Summary['skipped'] = [];
    const failures: Summary['failures'] = [];
    runner.on(EVENT_TEST_PENDING, (test) => {
      skipped.push({ title: test.fullTitle(), reason: reasonOf(test) ?? 'no reason given' });
    });
    runner.on(EVENT_TEST_FAIL, (test, error: unknown) => {
      const lines = inspect(error).split('\n').slice(0, REASON_LINES);
      failures.push({ title: test.fullTitle(), reason: lines.join('\n') });
    });
    runner.on(EVENT_RUN_END, () => {
      const file = process.env['EPICS_EXPOSE_SUMMARY'];
      const { passes = 0 } = runner.stats ?? {};
      const summary: Summary = { passed: passes, failed: failures.length, skipped, failures };
      if (file) writeFileSync(file, JSON.stringify(summary));
    });
  }
}
