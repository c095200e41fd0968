import { systemClock } from '../../src/node/systemClock';

/** Of a machine that is busy by fits and starts. */
const PATIENCE = 2;

/**
 * Looks again until the condition holds, and fails after `deadlineMs` with what was waited for; later
 * on a busy machine, because no test is about its speed.
 * For waits on the outside world only; what is ours takes a clock.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  deadlineMs: number,
  what: string | (() => string),
): Promise<void> {
  const late = new Error('deadline');
  const startMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startMs > PATIENCE * systemClock.stretch(deadlineMs)) {
      late.message = `waited ${deadlineMs} ms for ${typeof what === 'string' ? what : what()}`;
      throw late;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
