/**
 * Opens relays on this machine's loopback addresses: the same port number on the first address that
 * is free, and another number only where it is free on none. Who else holds a port is found out by a
 * handshake through it.
 */
import type { Log } from '../base/log';
import { type Endpoint, formatEndpoint, isSameEndpoint } from '../model/endpoint';
import { type AddressClaim, loopbackHost, otherNumbers, planLoopback } from '../model/loopbackPlan';
import type { Relay, RelayResult, SiftCircuit, WayIn } from './connection';
import type { OpenRelays } from './openRelays';

/** Who listens on a port of this machine, as far as the system tells. */
export interface PortHolder {
  /** Undefined where the system hides other people's processes. */
  readonly process?: { readonly pid: number; readonly command: string };
  /** It listens on every address: no other loopback address is free either. */
  readonly isEverywhere: boolean;
  /** The container that publishes the port, where an engine holds it for one. */
  readonly publishingContainer?: string;
}

/** The last number of the 127.0.0.N that a container has, for when we are started again. */
export interface AddressMemory {
  indexOf(containerKey: string): number | undefined;
  remember(containerKey: string, index: number): void;
}

export interface LocalPortsInput {
  /** Counts what listens, and forbids it after all. */
  readonly relays?: OpenRelays;
  readonly addresses?: AddressMemory;
  readonly findHolder: (endpoint: Endpoint) => Promise<PortHolder | undefined>;
  /** Makes room where we only stand in for a relay. */
  readonly vacate?: (endpoint: Endpoint) => void;
  readonly log: Log;
}

export type LocalPort =
  /** Our relay listens, perhaps under another number; `skipped` are the endpoints it cannot have. */
  | { readonly kind: 'relayed'; readonly relay: Relay; readonly skipped: readonly TakenPort[] }
  /** Somebody else forwards this very server already. */
  | { readonly kind: 'shared'; readonly local: Endpoint; readonly holder?: PortHolder }
  | { readonly kind: 'taken'; readonly taken: readonly TakenPort[] };

export interface TakenPort {
  readonly endpoint: Endpoint;
  readonly reason: string;
  readonly holder?: PortHolder;
}

/** IOCs that come back on ever new dynamic ports must not fill the memory. */
const REMEMBERED_PORTS = 1000;
/** How many further addresses are tried when strangers hold the port. */
const FURTHER_ADDRESSES = 30;

export class LocalPorts {
  readonly #claims = new Map<string, AddressClaim>();
  readonly #relays = new Set<Relay>();
  /** The address each port of a container had last, which its clients go on trying. */
  readonly #lastIndexes = new Map<string, number>();
  /** The same for those that could not keep their own number. */
  readonly #lastNumbers = new Map<string, number>();
  readonly #input: LocalPortsInput;

  constructor(input: LocalPortsInput) {
    this.#input = input;
  }

  /** Tells which ports a container will want, before any is opened, so that they stay together. */
  claim(containerKey: string, ports: readonly number[]): void {
    const { addresses } = this.#input;
    const former = addresses?.indexOf(containerKey);
    const index = planLoopback(this.#claims, containerKey, ports, former);
    addresses?.remember(containerKey, index);
    this.#claims.set(containerKey, { index, ports: [...ports] });
  }

  release(containerKey: string): void {
    this.#claims.delete(containerKey);
  }

  /**
   * Opens a relay for `target` under its own number. `isSameServer` tells whether what answers at
   * an occupied endpoint is this server.
   */
  async open(
    containerKey: string,
    way: WayIn,
    target: Endpoint,
    isSameServer: (local: Endpoint) => Promise<boolean>,
    sift?: SiftCircuit,
  ): Promise<LocalPort> {
    const portKey = `${containerKey}:${target.port}`;
    const first = this.#lastIndexes.get(portKey) ?? this.#claims.get(containerKey)?.index ?? 1;
    const skipped: TakenPort[] = [];
    for (const index of this.#order(containerKey, first, target.port)) {
      const local = { host: loopbackHost(index), port: target.port };
      const result = await this.#listen(way, local, target, sift);
      if (result.kind === 'listening') {
        remember(this.#lastIndexes, portKey, index);
        return { kind: 'relayed', relay: result.relay, skipped };
      }
      if (result.kind === 'address-unavailable') {
        skipped.push({ endpoint: local, reason: result.reason });
        continue;
      }
      if ([...this.#relays].some((relay) => isSameEndpoint(relay.local, local))) {
        skipped.push({ endpoint: local, reason: 'another container is relayed there' });
        continue;
      }
      const holder = await this.#input.findHolder(local);
      if (await isSameServer(local)) {
        return { kind: 'shared', local, ...(holder && { holder }) };
      }
      this.#input.log(
        'info',
        'relay',
        `${formatEndpoint(local)} is held by ${describeHolder(holder)}`,
      );
      skipped.push({ endpoint: local, reason: describeHolder(holder), ...(holder && { holder }) });
      if (holder?.isEverywhere) break;
    }
    const relay = await this.#openOther(portKey, way, target, sift);
    return relay ? { kind: 'relayed', relay, skipped } : { kind: 'taken', taken: skipped };
  }

  /** Opens under the target's own number if that is free by now, asking nobody. */
  async openOwn(
    containerKey: string,
    way: WayIn,
    target: Endpoint,
    sift?: SiftCircuit,
  ): Promise<Relay | undefined> {
    const first = this.#claims.get(containerKey)?.index ?? 1;
    for (const index of this.#order(containerKey, first, target.port)) {
      const local = { host: loopbackHost(index), port: target.port };
      const result = await this.#listen(way, local, target, sift);
      if (result.kind === 'listening') return result.relay;
    }
    return undefined;
  }

  async #listen(
    way: WayIn,
    local: Endpoint,
    target: Endpoint,
    sift: SiftCircuit | undefined,
  ): Promise<RelayResult> {
    const { relays, vacate } = this.#input;
    if (relays?.isRetired) return { kind: 'port-taken' };
    vacate?.(local);
    const result = await way.openRelay(local, target, sift);
    if (result.kind === 'listening') {
      this.#relays.add(result.relay);
      relays?.add(result.relay);
    }
    return result;
  }

  async #openOther(
    portKey: string,
    way: WayIn,
    target: Endpoint,
    sift: SiftCircuit | undefined,
  ): Promise<Relay | undefined> {
    const last = this.#lastNumbers.get(portKey);
    // 0: whichever the system has left.
    for (const port of [...(last === undefined ? [] : [last]), ...otherNumbers(target.port), 0]) {
      const result = await this.#listen(way, { host: loopbackHost(1), port }, target, sift);
      if (result.kind !== 'listening') continue;
      remember(this.#lastNumbers, portKey, result.relay.local.port);
      return result.relay;
    }
    return undefined;
  }

  /** Our address first, then others that no other container has claimed for this port. */
  #order(containerKey: string, first: number, port: number): number[] {
    const order = [first];
    for (let index = 1; order.length <= FURTHER_ADDRESSES && index < 255; index++) {
      const isClaimed = [...this.#claims].some(
        ([key, claim]) =>
          key !== containerKey && claim.index === index && claim.ports.includes(port),
      );
      if (index !== first && !isClaimed) order.push(index);
    }
    return order;
  }

  /** Frees the port of a relay that `open` returned; its connections come to their own ends. */
  close(relay: Relay): void {
    this.#relays.delete(relay);
    relay.retire();
  }
}

function remember(last: Map<string, number>, portKey: string, value: number): void {
  last.delete(portKey);
  last.set(portKey, value);
  const [oldest] = last.keys();
  if (last.size > REMEMBERED_PORTS && oldest !== undefined) last.delete(oldest);
}

export function describeHolder(holder: PortHolder | undefined): string {
  const process = holder?.process;
  const who = process ? `${process.command} (pid ${process.pid})` : 'another program';
  const container = holder?.publishingContainer;
  return container === undefined ? who : `container ${container}, which publishes it`;
}
