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
import type { CircuitSearches, Relay, RelayResult, Route } from '../host/connection';
import { mayBeSame, type PortHolder } from '../host/portHolder';
import type { OpenRelays } from './openRelays';
import type { PortReservation, PortReservations } from './portReservations';

/** Remembers N of a container's 127.0.0.N, for when we are started again. */
export interface AddressMemory {
  indexOf(containerKey: string): number | undefined;
  remember(containerKey: string, index: number): void;
}

/** What LocalPorts needs. */
export interface LocalPortsInput {
  /** Counts what listens, and stops new listeners once retired. */
  readonly relays?: OpenRelays;
  readonly addresses?: AddressMemory;
  readonly findHolder: (endpoint: Endpoint) => Promise<PortHolder | undefined>;
  /** Whether a program listens there; undefined, or absent: not known. */
  readonly isListening?: (endpoint: Endpoint) => Promise<boolean | undefined>;
  /**
   * This system lets us listen on one address although another program listens on all of them
   * (macOS, Windows), which would take over that program's clients: so look for a holder first.
   */
  readonly mayShareNumbers: boolean;
  readonly reservations: PortReservations;
  /** Closes our fallback listener at that endpoint; resolves when it is closed. */
  readonly releasePort?: (endpoint: Endpoint) => Promise<void>;
  readonly log: Log;
}

/** What came of opening a port. */
export type LocalPort =
  /**
   * Our relay listens, perhaps under another number; `skipped`: the endpoints it could not have.
   */
  | { readonly kind: 'relayed'; readonly relay: Relay; readonly skipped: readonly TakenPort[] }
  /** Another program already forwards this very server. */
  | { readonly kind: 'shared'; readonly local: Endpoint; readonly holder?: PortHolder }
  | { readonly kind: 'taken'; readonly taken: readonly TakenPort[] };

/** Which server to open a relay for. */
export interface OpenPortInput {
  readonly containerKey: string;
  readonly route: Route;
  /** Where the server listens in the container. */
  readonly target: Endpoint;
  readonly searches?: CircuitSearches;
  /** The relay's port belongs to another program now: close it, and open another one. */
  readonly onMustMove: (relay: Relay) => void;
  /** Whether what answers at a local endpoint that another program holds is this very server. */
  readonly isSameServer: (local: Endpoint) => Promise<boolean>;
  readonly signal: AbortSignal;
}

/**
 * Lower numbers belong to services of this machine, such as sshd: root could take the port of one
 * that is not running at the moment, and nobody else can.
 */
export const FIRST_FREE_PORT = 1024;
/** The user acts on the first ones; of the others front ends show the number. */
const LOOKED_AT_AGAIN = 2;
/** IOCs that come back on new dynamic ports again and again must not fill the memory. */
const REMEMBERED_PORTS = 1000;
/** How many further addresses are tried if other programs hold the port. */
const FURTHER_ADDRESSES = 30;

/**
 * Opens relays on this machine's loopback addresses: the same port number on the first address
 * where it is free, and another number only if it is free on none. Ports that containers publish
 * are left to them, even if they are claimed later. Whether a port is held by a forwarder of the
 * same server is found out by a handshake through it.
 */
export class LocalPorts implements Disposable {
  readonly #store = new DisposableStore();
  readonly #claims = new Map<string, AddressClaim>();
  /** Each with what is called when it must move; the last resort stays where the system put it. */
  readonly #relays = new Map<Relay, (() => void) | undefined>();
  /** The last address of each port of a container, which its clients keep trying. */
  readonly #lastIndexes = new LruMap<string, number>(REMEMBERED_PORTS);
  /** The last number of each port that could not keep its own. */
  readonly #lastNumbers = new LruMap<string, number>(REMEMBERED_PORTS);
  readonly #input: LocalPortsInput;

  constructor(input: LocalPortsInput) {
    this.#input = input;
    this.#store.add(input.reservations.onDidChange(() => this.#review()));
  }

  findHolder(endpoint: Endpoint): Promise<PortHolder | undefined> {
    return this.#input.findHolder(endpoint);
  }

  /** Whether a program listens there; undefined: not known. */
  async isListening(endpoint: Endpoint): Promise<boolean | undefined> {
    return this.#input.isListening?.(endpoint);
  }

  /**
   * Returns the endpoints that are still taken, with what is known now. Looking for a holder walks
   * through all processes, so no more are looked at than front ends name.
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

  /**
   * Announces which ports a container will want, before any is opened, so that they stay together.
   */
  claim(containerKey: string, ports: readonly number[]): void {
    const { addresses, reservations } = this.#input;
    const index = planLoopback(this.#claims, containerKey, ports, {
      formerIndex: addresses?.indexOf(containerKey),
      // A port published on every address is no reason for another address.
      isReserved: (host, port) => reservations.find('tcp', { host, port })?.isEverywhere === false,
    });
    addresses?.remember(containerKey, index);
    this.#claims.set(containerKey, { index, ports: [...ports] });
  }

  release(containerKey: string): void {
    this.#claims.delete(containerKey);
  }

  /** Opens a relay for the target under its own number, or another one if that is not available. */
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
      if (mayBeSame(holder) && (await isSameServer(local))) {
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

  /** Opens under the target's own number if that is free by now, without looking for its holder. */
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
    { route, target, searches, onMustMove }: OpenPortInput,
  ): Promise<RelayResult | { readonly kind: 'reserved'; readonly taken: TakenPort }> {
    const { relays, reservations, releasePort, mayShareNumbers, findHolder } = this.#input;
    // As if it were taken: then the successor's relay for this very server is found and shared.
    if (relays?.isRetired) return { kind: 'port-taken' };
    const reservation = local.port === 0 ? undefined : reservations.find('tcp', local);
    if (reservation) {
      return { kind: 'reserved', taken: leftTo(local, reservation) };
    }
    await releasePort?.(local);
    if (mayShareNumbers && local.port !== 0 && (await findHolder(local))) {
      return { kind: 'port-taken' };
    }
    const result = await route.openRelay(local, target, searches);
    if (result.kind === 'listening') {
      const { relay } = result;
      const isLastResort = local.port === 0;
      this.#relays.set(relay, isLastResort ? undefined : () => onMustMove(relay));
      relays?.add(relay);
      // It may have become another program's while it was opened.
      if (reservations.isUnsure || reservations.find('tcp', relay.local)) this.#review();
    }
    return result;
  }

  async #openOther(portKey: string, input: OpenPortInput): Promise<Relay | undefined> {
    const last = this.#lastNumbers.get(portKey);
    const numbers = [...(last === undefined ? [] : [last]), ...otherNumbers(input.target.port)];
    // 0: any port that the system has left.
    for (const port of [...numbers, 0]) {
      const result = await this.#listen({ host: loopbackHost(1), port }, input);
      if (result.kind !== 'listening') continue;
      this.#lastNumbers.set(portKey, result.relay.local.port);
      return result.relay;
    }
    return undefined;
  }

  /** Gives way to containers: for a while if it is not known what they want, otherwise for good. */
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
    this.#input.log('info', 'relay', `${formatEndpoint(relay.local)} was taken in the meantime`);
    move();
  }

  /** The given address first, then others that no other container has claimed for this port. */
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

  /** Frees the port of a relay that `open` returned; its connections end on their own. */
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

/** Why an endpoint of ours is taken, from what is known of its holder. */
export function heldBy(holder: PortHolder | undefined): PortRefusal {
  return { why: 'held', ...(holder && { owner: ownerOf(holder) }) };
}

/** The part of a holder that is shown to users. */
export function ownerOf({ process }: PortHolder): PortOwner {
  return process ? { process } : {};
}

function isSameRefusal(a: PortRefusal, b: PortRefusal): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
