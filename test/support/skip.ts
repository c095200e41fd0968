import type { Context, Runnable, Suite } from 'mocha';

/**
 * What a machine may lack. `EPICS_EXPOSE_REQUIRE=engines,iocs` says that it must not: the skip is
 * then a failure, so that nothing is left out unnoticed where it could run.
 */
export type Capability = 'engines' | 'iocs' | 'java' | 'vscode' | 'platform';

const reasons = new WeakMap<object, string>();

/** Skips the test, or the suite when called in its `before`, for a reason the summary repeats. */
export function skip(context: Context, reason: string, capability: Capability): never {
  const required = (process.env['EPICS_EXPOSE_REQUIRE'] ?? '').split(',');
  if (required.includes(capability)) {
    throw new Error(`${capability} required by EPICS_EXPOSE_REQUIRE, but: ${reason}`);
  }
  const skipped = skippedBy(context);
  if (skipped) reasons.set(skipped, reason);
  return context.skip();
}

/** A `before` skips its whole suite, although mocha calls the first test of it the current one. */
function skippedBy({ test, currentTest }: Context): Runnable | Suite | undefined {
  if (test?.title.startsWith('"before all"')) return test.parent;
  return test?.title.startsWith('"before each"') ? currentTest : test;
}

/** As given to `skip`, for this test or a suite around it. */
export function reasonOf(test: Runnable): string | undefined {
  let at: Runnable | Suite | undefined = test;
  while (at) {
    const reason = reasons.get(at);
    if (reason) return reason;
    at = at.parent;
  }
  return undefined;
}
