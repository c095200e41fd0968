/**
 * Timeouts of mocha are for what hangs, not for what is slow: a machine may be busy with something
 * else. Loaded before the tests.
 */
import { Runnable } from 'mocha';

const PATIENCE = 6;

type SetTimeoutOf = (this: Runnable, ...ms: [(number | string)?]) => number;
const original = Reflect.get(Runnable.prototype, 'timeout') as SetTimeoutOf;

/** Without a parameter it reads. */
Runnable.prototype.timeout = function (this: Runnable, ...[ms]: [(number | string)?]) {
  if (ms === undefined) return original.call(this);
  return original.call(this, typeof ms === 'number' ? ms * PATIENCE : ms);
} as unknown as typeof Runnable.prototype.timeout;
