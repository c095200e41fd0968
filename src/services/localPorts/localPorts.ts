/**
 * Opens relays on this machine's loopback addresses: the same port number on the first address that
 * is free, and another number only where it is free on none. What containers publish is left to them,
 * also when it is claimed later; who else holds a port is found out by a handshake through it.
 */
import { type Disposable, DisposableStore } from '../../base/disposable';
import type { Log } from '../../base/log';
import { LruMap } from '../../base/lruMap';
import { type Endpoint, formatEndpoint, isSameEndpoint } from '../../model/endpoint';
import {
  type AddressClaim,
  loopbackHost,
  otherNumbers,
  planLoopback,
} from '../../model/loopbackPlan';
import type { PortOwner, PortRefusal, TakenPort } from '../../model/problem';
import type { Relay, RelayResult, InterceptCircuit, Route } from '../host/connection';
import type { OpenRelays } from './openRelays';
import type { PortReservation, PortReservations } from './portReservations';

/** Who listens on a port of this machine, as far as the system tells. */
export interface PortHolder {
  /** Undefined where the system hides other people's processes. */
  readonly process?: { readonly pid: number; readonly command: string };
  /**
   * Another user of this machine listens there, who is neither root nor us: what answers may be the very
   * server all the same, by way of a program that changes what it likes.
   */
  readonly isForeign?: boolean;
  /** It listens on every address: no other loopback address is free either. */
  readonly isEverywhere: boolean;
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
  /**
   * This system lets us listen on one address beside somebody who listens on all of them (macOS,
   * Windows), and would take that one's clients: so a holder is looked for before.
   */
  readonly mayShareNumbers: boolean;
  readonly reservations: PortReservations;
  /** Makes room where a fallback listener of ours is, and resolves when it is made. */
  readonly releasePort?: (endpoint: Endpoint) => Promise<void>;
  readonly log: Log;
}

export type LocalPort =
  /** Our relay listens, perhaps under another number; `skipped` are the endpoints it cannot have. */
  | { readonly kind: 'relayed'; readonly relay: Relay; readonly skipped: readonly TakenPort[] }
  /** Somebody else forwards this very server already. */
  | { readonly kind: 'shared'; readonly local: Endpoint; readonly holder?: PortHolder }
  | { readonly kind: 'taken'; readonly taken: readonly TakenPort[] };

export interface OpenPortInput {
  readonly containerKey: string;
  readonly route: Route;
  /** In the container. */
  readonly target: Endpoint;
  readonly intercept?: InterceptCircuit;
  /** The port of a relay belongs to somebody else now: close it, and open another one. */
  readonly onMustMove: (relay: Relay) => void;
  /** Whether what answers at a local endpoint that somebody holds is this very server. */
  readonly isSameServer: (local: Endpoint) => Promise<boolean>;
  readonly signal: AbortSignal;
}

/**
 * Numbers below belong to services of this machine, such as sshd: root could take one that is not
 * running at the moment, and nobody else can.
 */
export const FIRST_FREE_PORT = 1024;
/** The user acts on the first; of the others front ends show the count. */
const LOOKED_AT_AGAIN = 2;
/** IOCs that come back on ever new dynamic ports must not fill the memory. */
const REMEMBERED_PORTS = 1000;
/** How many further addresses are tried when strangers hold the port. */
const FURTHER_ADDRESSES = 30;

export class LocalPorts implements Disposable {
  readonly #store = new DisposableStore();
  readonly #claims = new Map<string, AddressClaim>();
  /** Each with what is called when it must move; the last resort stays where the system put it. */
  readonly #relays = new Map<Relay, (() => void) | undefined>();
  /** The address each port of a container had last, which its clients go on trying. */
  readonly #lastIndexes = new LruMap<string, number>(REMEMBERED_PORTS);
  /** The same for those that could not keep their own number. */
  readonly #lastNumbers = new LruMap<string, number>(REMEMBERED_PORTS);
  readonly #input: LocalPortsInput;

  constructor(input: LocalPortsInput) {
    this.#input = input;
    this.#store.add(input.reservations.onDidChange(() => this.#review()));
  }

  findHolder(endpoint: Endpoint): Promise<PortHolder | undefined> {
    return this.#input.findHolder(endpoint);
  }

  /**
   * Those that are still taken, with what is known of it by now. Looking for a holder walks through all
   * processes, so no more are looked at than front ends name.
   */
  async stillTaken(taken: readonly TakenPort[]): Promise<readonly TakenPort[]> {
    const still: TakenPort[] = [];
    for (const one of taken) {
      const { endpoint, refusal } = one;
      const reservation = this.#input.reservations.find('tcp', endpoint);
      if (endpoint.port < FIRST_FREE_PORT || still.length >= LOOKED_AT_AGAIN) still.push(one);
      else if (reservation) still.push(leftTo(endpoint, reservation));
      else if (isSameRefusal(refusal, heldBy(await this.#input.findHolder(endpoint)))) {
        still.push(one);
      }
    }
    return still;
  }

  /** Where relays of ours listen now. */
  get held(): readonly Endpoint[] {
    return [...this.#relays.keys()].map(({ local }) => local);
  }

  /** Tells which ports a container will want, before any is opened, so that they stay together. */
  claim(containerKey: string, ports: readonly number[]): void {
    const { addresses, reservations } = this.#input;
    const index = planLoopback(this.#claims, containerKey, ports, {
      formerIndex: addresses?.indexOf(containerKey),
      // What is published everywhere is no reason for another address.
      isReserved: (host, port) => reservations.find('tcp', { host, port })?.isEverywhere === false,
    });
    addresses?.remember(containerKey, index);
    this.#claims.set(containerKey, { index, ports: [...ports] });
  }

  release(containerKey: string): void {
    this.#claims.delete(containerKey);
  }

  /** Opens a relay for the target under its own number, or another one where that cannot be had. */
  async open(input: OpenPortInput): Promise<LocalPort> {
    const { containerKey, target, isSameServer } = input;
    await this.#input.reservations.ready(input.signal);
    const portKey = `${containerKey}:${target.port}`;
    const first = this.#lastIndexes.get(portKey) ?? this.#claims.get(containerKey)?.index ?? 1;
    const skipped: TakenPort[] = [];
    if (target.port < FIRST_FREE_PORT) skipped.push(ofTheMachine(target.port));
    for (const index of this.#order(containerKey, first, target.port)) {
      const local = { host: loopbackHost(index), port: target.port };
      const result = await this.#listen(local, input);
      if (result.kind === 'listening') {
        this.#lastIndexes.set(portKey, index);
        return { kind: 'relayed', relay: result.relay, skipped };
      }
      if (result.kind === 'address-unavailable') {
        skipped.push({ endpoint: local, refusal: { why: 'unavailable', detail: result.reason } });
        continue;
      }
      if (result.kind === 'reserved') {
        skipped.push(result.taken);
        if (result.taken.isEverywhere) break;
        continue;
      }
      if (this.held.some((endpoint) => isSameEndpoint(endpoint, local))) {
        skipped.push({ endpoint: local, refusal: { why: 'relayed' } });
        continue;
      }
      const holder = await this.#input.findHolder(local);
      if (holder?.isForeign !== true && (await isSameServer(local))) {
        return { kind: 'shared', local, ...(holder && { holder }) };
      }
      const taken: TakenPort = {
        endpoint: local,
        refusal: heldBy(holder),
        ...(holder?.isEverywhere && { isEverywhere: true }),
      };
      this.#input.log(
        'info',
        'relay',
        `${formatEndpoint(local)}: ${JSON.stringify(taken.refusal)}`,
      );
      skipped.push(taken);
      if (holder?.isEverywhere) break;
    }
    const relay = await this.#openOther(portKey, input);
    return relay ? { kind: 'relayed', relay, skipped } : { kind: 'taken', taken: skipped };
  }

  /** Opens under the target's own number if that is free by now, asking nobody. */
  async openOwn(
    input: OpenPortInput,
  ): Promise<{ readonly relay: Relay; readonly skipped: readonly TakenPort[] } | undefined> {
    const { containerKey, target } = input;
    const skipped: TakenPort[] = [];
    const first = this.#claims.get(containerKey)?.index ?? 1;
    for (const index of this.#order(containerKey, first, target.port)) {
      const local = { host: loopbackHost(index), port: target.port };
      const result = await this.#listen(local, input);
      if (result.kind === 'listening') return { relay: result.relay, skipped };
      if (result.kind === 'reserved') skipped.push(result.taken);
    }
    return undefined;
  }

  async #listen(
    local: Endpoint,
    { route, target, intercept, onMustMove }: OpenPortInput,
  ): Promise<RelayResult | { readonly kind: 'reserved'; readonly taken: TakenPort }> {
    const { relays, reservations, releasePort, mayShareNumbers, findHolder } = this.#input;
    if (relays?.isRetired) return { kind: 'port-taken' };
    const reservation = local.port === 0 ? undefined : reservations.find('tcp', local);
    if (reservation) {
      return { kind: 'reserved', taken: leftTo(local, reservation) };
    }
    await releasePort?.(local);
    if (mayShareNumbers && local.port !== 0 && (await findHolder(local))) {
      return { kind: 'port-taken' };
    }
    const result = await route.openRelay(local, target, intercept);
    if (result.kind === 'listening') {
      const { relay } = result;
      const isLastResort = local.port === 0;
      this.#relays.set(relay, isLastResort ? undefined : () => onMustMove(relay));
      relays?.add(relay);
      // It may have become another's while it was opened.
      if (reservations.isUnsure || reservations.find('tcp', relay.local)) this.#review();
    }
    return result;
  }

  async #openOther(portKey: string, input: OpenPortInput): Promise<Relay | undefined> {
    const last = this.#lastNumbers.get(portKey);
    const numbers = [...(last === undefined ? [] : [last]), ...otherNumbers(input.target.port)];
    // 0: whichever the system has left.
    for (const port of [...numbers, 0]) {
      const result = await this.#listen({ host: loopbackHost(1), port }, input);
      if (result.kind !== 'listening') continue;
      this.#lastNumbers.set(portKey, result.relay.local.port);
      return result.relay;
    }
    return undefined;
  }

  /** Gives way to containers: for a while, where it is not known what they want, or for good. */
  #review(): void {
    const { reservations, log } = this.#input;
    for (const [relay, move] of [...this.#relays]) {
      if (!move) continue;
      const reservation = reservations.find('tcp', relay.local);
      if (reservation) {
        const { name } = reservation.publisher;
        log('info', 'relay', `${formatEndpoint(relay.local)} is left to container ${name}`);
        move();
      } else if (reservations.isUnsure) relay.standAside();
      else void this.#comeBack(relay);
    }
  }

  async #comeBack(relay: Relay): Promise<void> {
    if (await relay.comeBack()) return;
    const move = this.#relays.get(relay);
    if (!move) return;
    this.#input.log('info', 'relay', `${formatEndpoint(relay.local)} was taken meanwhile`);
    move();
  }

  /** Our address first, then others that no other container has claimed for this port. */
  #order(containerKey: string, first: number, port: number): number[] {
    if (port < FIRST_FREE_PORT) return [];
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

  dispose(): void {
    this.#store.dispose();
  }
}

function leftTo(endpoint: Endpoint, { publisher, isEverywhere }: PortReservation): TakenPort {
  return {
    endpoint,
    refusal: { why: 'published', container: publisher.name },
    ...(isEverywhere && { isEverywhere: true }),
  };
}

function ofTheMachine(port: number): TakenPort {
  return {
    endpoint: { host: loopbackHost(1), port },
    refusal: { why: 'system' },
    isEverywhere: true,
  };
}

/** What is known of who listens where something of ours would. */
export function heldBy(holder: PortHolder | undefined): PortRefusal {
  return { why: 'held', ...(holder && { owner: ownerOf(holder) }) };
}

/** Of a holder only what is for people. */
export function ownerOf({ process }: PortHolder): PortOwner {
  return process ? { process } : {};
}

function isSameRefusal(a: PortRefusal, b: PortRefusal): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
