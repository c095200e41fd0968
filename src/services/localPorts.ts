/**
 * Opens relays on this machine's loopback addresses: the same port number always, the first
 * address that is free. Who else holds a port is found out by a handshake through it.
 */
import type { Log } from '../base/log';
import { type Endpoint, formatEndpoint, isSameEndpoint } from '../model/endpoint';
import { type AddressClaim, loopbackHost, planLoopback } from '../model/loopbackPlan';
import type { Relay, SiftCircuit, WayIn } from './connection';

/** Who listens on a port of this machine, as far as the system tells. */
export interface PortHolder {
  /** Undefined where the system hides other people's processes. */
  readonly process?: { readonly pid: number; readonly command: string };
  /** It listens on every address: no other loopback address is free either. */
  readonly isEverywhere: boolean;
  /** The container that publishes the port, where an engine holds it for one. */
  readonly publishingContainer?: string;
}

export interface LocalPortsInput {
  readonly findHolder: (endpoint: Endpoint) => Promise<PortHolder | undefined>;
  readonly log: Log;
}

export type LocalPort =
  /** Our relay listens; `skipped` are the addresses that others hold. */
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
  readonly #input: LocalPortsInput;

  constructor(input: LocalPortsInput) {
    this.#input = input;
  }

  /** Tells which ports a container will want, before any is opened, so that they stay together. */
  claim(containerKey: string, ports: readonly number[]): void {
    const index = planLoopback(this.#claims, containerKey, ports);
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
      const result = await way.openRelay(local, target, sift);
      if (result.kind === 'listening') {
        this.#relays.add(result.relay);
        this.#remember(portKey, index);
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
    return { kind: 'taken', taken: skipped };
  }

  #remember(portKey: string, index: number): void {
    this.#lastIndexes.delete(portKey);
    this.#lastIndexes.set(portKey, index);
    const [oldest] = this.#lastIndexes.keys();
    if (this.#lastIndexes.size > REMEMBERED_PORTS && oldest) this.#lastIndexes.delete(oldest);
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

export function describeHolder(holder: PortHolder | undefined): string {
  const process = holder?.process;
  const who = process ? `${process.command} (pid ${process.pid})` : 'another program';
  const container = holder?.publishingContainer;
  return container === undefined ? who : `container ${container}, which publishes it`;
}
