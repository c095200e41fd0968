/**
 * Looks again until the condition holds, and fails after `deadlineMs` with what was waited for.
 * For waits on the outside world only; what is ours takes a clock.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  deadlineMs: number,
  what: string | (() => string),
): Promise<void> {
  const late = new Error('deadline');
  const endMs = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > endMs) {
      late.message = `waited ${deadlineMs} ms for ${typeof what === 'string' ? what : what()}`;
      throw late;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
