import type { Disposable } from '../../base/disposable';
import type { ByteWriter } from '../bytes';
import { BitSet } from './bitSet';
import { intersection, leavesOf } from './fieldSelection';
import type { PvaServedPv } from './servedPv';
import { writeChanged } from './valueEncode';
import type { PvaStructureValue } from './values';

/**
 * A client's subscription. It keeps one pending update and merges later changes into it, so a slow
 * client costs no memory and gets the newest value, with the fields it missed marked as overrun.
 */
export class ServerMonitor implements Disposable {
  #isRunning = false;
  #changed: BitSet;
  #overrun = new BitSet();
  #value: PvaStructureValue;
  #window: number;
  readonly #subscription: Disposable;

  constructor(
    readonly ioid: number,
    readonly sid: number,
    readonly pv: PvaServedPv,
    readonly leaves: BitSet,
    /** Updates that may be sent before an acknowledgement; undefined: no limit. */
    pipelineWindow: number | undefined,
    readonly onPending: () => void,
  ) {
    this.#value = pv.value;
    // The first update has everything that was selected.
    this.#changed = leaves;
    this.#window = pipelineWindow ?? Infinity;
    this.#subscription = pv.subscribe((value, changed) => this.#onChange(value, changed));
  }

  dispose(): void {
    this.#subscription.dispose();
  }

  set isRunning(isRunning: boolean) {
    this.#isRunning = isRunning;
    if (this.isPending) this.onPending();
  }

  /** Lets a pipelined monitor send `count` more updates. */
  acknowledge(count: number): void {
    this.#window += count;
    if (this.isPending) this.onPending();
  }

  /** Whether an update may be sent now. */
  get isPending(): boolean {
    return this.#isRunning && this.#window > 0 && !this.#changed.isEmpty;
  }

  #onChange(value: PvaStructureValue, changed: BitSet): void {
    const leaves = intersection(leavesOf(this.pv.type, changed), this.leaves);
    this.#overrun.addAll(intersection(leaves, this.#changed));
    const all = new BitSet();
    all.addAll(this.#changed);
    all.addAll(leaves);
    this.#changed = all;
    this.#value = value;
    if (this.isPending) this.onPending();
  }

  /** Writes the pending update: ioid, sub-command, changed, fields, overrun. */
  write(body: ByteWriter): void {
    body.u32(this.ioid).u8(0);
    this.#changed.write(body);
    writeChanged(body, this.pv.type, this.#changed, this.#value);
    this.#overrun.write(body);
    this.#changed = new BitSet();
    this.#overrun = new BitSet();
    this.#window--;
  }
}
