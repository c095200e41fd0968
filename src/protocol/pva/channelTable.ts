/** The states of a channel; `free` is a cid without one. */
export type ChannelState = 'free' | 'creating' | 'created' | 'abandoned' | 'destroying';

const STATES: readonly ChannelState[] = ['free', 'creating', 'created', 'abandoned', 'destroying'];

/**
 * The sids and states of the channels of one client connection: 5 bytes per channel, no objects.
 */
export class ChannelTable {
  #sids = new Uint32Array(16);
  #states = new Uint8Array(16);
  #freeCids: number[] = [];
  #end = 0;
  #count = 0;

  /** Channels being created, created, or being destroyed. */
  get count(): number {
    return this.#count;
  }

  /**
   * Takes a free cid, lowest first at the start, so that callers can keep arrays indexed by cid.
   */
  allocate(): number {
    this.#count++;
    const cid = this.#freeCids.pop() ?? this.#end++;
    if (cid >= this.#states.length) this.#grow();
    this.#states[cid] = STATES.indexOf('creating');
    return cid;
  }

  #grow(): void {
    const sids = new Uint32Array(this.#sids.length * 2);
    sids.set(this.#sids);
    this.#sids = sids;
    const states = new Uint8Array(this.#states.length * 2);
    states.set(this.#states);
    this.#states = states;
  }

  stateOf(cid: number): ChannelState {
    return STATES[this.#states[cid] ?? 0] ?? 'free';
  }

  /** The server's id of a channel; undefined unless it is created. */
  sidOf(cid: number): number | undefined {
    return this.stateOf(cid) === 'created' ? this.#sids[cid] : undefined;
  }

  /** Sets the state of a channel, and its sid once it is created. */
  set(cid: number, state: Exclude<ChannelState, 'free'>, sid?: number): void {
    this.#states[cid] = STATES.indexOf(state);
    if (sid !== undefined) this.#sids[cid] = sid;
  }

  /** Makes a cid free again. */
  free(cid: number): void {
    this.#states[cid] = 0;
    this.#freeCids.push(cid);
    this.#count--;
  }
}
