import { HeldProcFile } from './hostProcess';

/** Whoever asks in this time gets the same answer: all watches look at the same moments. */
const SAME_MS = 20;

/**
 * How many TCP sockets there are on this machine, in all network namespaces together: the kernel has
 * one number for them (`alloc` of /proc/net/sockstat; net/ipv4/proc.c, sockstat_seq_show). While it
 * stays, hardly anything listens or closed in any container, and one read takes the place of those of
 * all containers.
 */
export class MachineSockets {
  readonly #file = new HeldProcFile('/proc/self/net/sockstat');
  #readMs = -Infinity;
  #text = '';
  #count: string | undefined;

  /** `nowMs` is `performance.now()`. Undefined where the kernel does not tell. */
  count(nowMs: number): string | undefined {
    if (nowMs - this.#readMs < SAME_MS) return this.#count;
    this.#readMs = nowMs;
    const text = this.#file.read();
    if (text !== this.#text) {
      this.#text = text;
      this.#count = /^TCP:.* alloc (\d+)/m.exec(text)?.[1];
    }
    return this.#count;
  }
}
