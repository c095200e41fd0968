import { type Disposable, DisposableStore } from '../base/disposable';
import { EventEmitter } from '../base/event';
import type { PvAddress } from '../model/pvAddress';
import { keyOf, type WantedPv } from '../model/pvList';
import type { WatchedValue } from '../present/watchRow';
import type { LiveValue, LiveValues } from './liveValues';

const PROTOCOLS = ['pva', 'ca'] as const;
/** Of a sparkline. */
const KEPT_NUMBERS = 8;

interface Watched {
  readonly pv: WantedPv;
  /** One for each protocol that it may be had over, the better one first. */
  readonly ways: Way[];
  numbers: number[];
}

interface Way {
  readonly address: PvAddress;
  following: Disposable | undefined;
}

/**
 * The values of watched PVs. One without a protocol is followed over both until a value comes by one
 * of them; that one is followed alone then.
 */
export class WatchedValues implements Disposable {
  readonly #live: Pick<LiveValues, 'follow' | 'latest'>;
  readonly #watched = new Map<string, Watched>();
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new EventEmitter<WantedPv>());

  /** A PV has another value, or reason why it has none. */
  readonly onDidChange = this.#changed.event;

  constructor(live: Pick<LiveValues, 'follow' | 'latest'>) {
    this.#live = live;
  }

  /** Follows these PVs, and no others. */
  follow(pvs: readonly WantedPv[]): void {
    const wanted = new Map(pvs.map((pv) => [keyOf(pv), pv]));
    for (const [key, watched] of this.#watched) {
      if (wanted.has(key)) continue;
      leave(watched);
      this.#watched.delete(key);
    }
    for (const [key, pv] of wanted) if (!this.#watched.has(key)) this.#begin(key, pv);
  }

  /** What is known of a PV that is followed. */
  valueOf(pv: WantedPv): Omit<WatchedValue, 'isExposing'> {
    const watched = this.#watched.get(keyOf(pv));
    if (!watched) return { numbers: [] };
    const { reading, problem } = this.#bestOf(watched) ?? {};
    return { numbers: watched.numbers, ...(reading && { reading }), ...(problem && { problem }) };
  }

  /** Over which protocol a PV is had; undefined: that is not known yet. */
  addressOf(pv: WantedPv): PvAddress | undefined {
    if (pv.protocol) return { name: pv.name, protocol: pv.protocol };
    const ways = this.#watched.get(keyOf(pv))?.ways ?? [];
    return ways.find(({ address }) => this.#live.latest(address)?.reading)?.address;
  }

  #begin(key: string, pv: WantedPv): void {
    const protocols = pv.protocol ? [pv.protocol] : PROTOCOLS;
    const ways: Way[] = protocols.map((protocol) => ({
      address: { name: pv.name, protocol },
      following: undefined,
    }));
    const watched: Watched = { pv, ways, numbers: [] };
    this.#watched.set(key, watched);
    this.#followAll(watched);
  }

  #followAll(watched: Watched): void {
    for (const way of watched.ways) {
      way.following ??= this.#live.follow(way.address, () => this.#take(watched, way));
    }
  }

  #take(watched: Watched, way: Way): void {
    const value = this.#live.latest(way.address);
    if (!value) {
      // Another core, or none: each protocol may be the one again.
      watched.numbers = [];
      this.#followAll(watched);
    } else if (value.reading && !value.problem) {
      for (const other of watched.ways) if (other !== way) this.#leave(watched, other);
      if (value.reading.number !== undefined) {
        watched.numbers = [...watched.numbers, value.reading.number].slice(-KEPT_NUMBERS);
      }
    } else if (value.problem && watched.numbers.length > 0) {
      // A gap, once.
      if (!Number.isNaN(watched.numbers.at(-1))) {
        watched.numbers = [...watched.numbers, NaN].slice(-KEPT_NUMBERS);
      }
    }
    this.#changed.fire(watched.pv);
  }

  /** The first protocol wins if both have a value. */
  #leave({ ways }: Watched, other: Way): void {
    const [first] = ways;
    if (other === first && this.#live.latest(other.address)?.reading) return;
    other.following?.dispose();
    other.following = undefined;
  }

  #bestOf({ ways }: Watched): LiveValue | undefined {
    const values = ways.flatMap(({ address, following }) =>
      following ? (this.#live.latest(address) ?? []) : [],
    );
    return values.find(({ reading }) => reading) ?? values[0];
  }

  dispose(): void {
    this.follow([]);
    this.#store.dispose();
  }
}

function leave({ ways }: Watched): void {
  for (const way of ways) {
    way.following?.dispose();
    way.following = undefined;
  }
}
