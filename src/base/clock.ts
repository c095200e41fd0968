import type { Disposable } from './disposable';

/**
 * The only way to read or wait for time outside `node/`; tests inject a clock that they advance by
 * hand. `nowMs` is monotonic (for intervals), `wallMs` is milliseconds since 1970-01-01 UTC (for
 * display).
 */
export interface Clock {
  nowMs(): number;
  wallMs(): number;
  /** Calls back once after `delayMs`; dispose to cancel. */
  after(delayMs: number, callback: () => void): Disposable;
  /**
   * How long to wait for an answer that takes at most `timeoutMs` on an idle machine: longer while
   * more programs want to run than there are processors, at most ten times as long.
   */
  stretch(timeoutMs: number): number;
}
