import { writeFileSync } from 'node:fs';
import Mocha, { type MochaOptions, type Runner } from 'mocha';
import { reasonOf } from './skip';

/** What run.mjs adds up over the processes it starts. */
export interface Summary {
  passed: number;
  failed: number;
  skipped: { title: string; reason: string }[];
}

/** Mocha's own `spec`, and at the end a summary in the file that EPICS_EXPOSE_SUMMARY names. */
export default class SummaryReporter extends Mocha.reporters.Spec {
  constructor(runner: Runner, options: MochaOptions) {
    super(runner, options);
    const { EVENT_RUN_END, EVENT_TEST_PENDING } = Mocha.Runner.constants;
    const skipped: Summary['skipped'] = [];
    runner.on(EVENT_TEST_PENDING, (test) => {
      skipped.push({ title: test.fullTitle(), reason: reasonOf(test) ?? 'no reason given' });
    });
    runner.on(EVENT_RUN_END, () => {
      const file = process.env['EPICS_EXPOSE_SUMMARY'];
      const { passes = 0, failures = 0 } = runner.stats ?? {};
      const summary: Summary = { passed: passes, failed: failures, skipped };
      if (file) writeFileSync(file, JSON.stringify(summary));
    });
  }
}
