/** What searches by UDP need from this machine; `node/search` implements it. */
import type { Disposable } from '../../base/disposable';
import type { Endpoint } from '../../model/endpoint';
import type { SearchMode } from '../../model/coreApi';
import type { PvProtocol } from '../../model/snapshot';
import type { Relay, InterceptCircuit } from './connection';
import type { PortHolder } from './portHolder';

/** A UDP socket on which searches arrive. */
export interface SearchSocket extends Disposable {
  readonly local: Endpoint;
  /** Loses what cannot be sent now. */
  send(datagram: Uint8Array, to: Endpoint): void;
  /** PVA: passes a search on to other programs of this machine that share the port. */
  passOn(datagram: Uint8Array): void;
  /**
   * The program that would get what is sent there if we did not, as far as the system shows it. Not
   * for shared ports.
   */
  findRival(): Promise<PortHolder | undefined>;
}

/** What a SearchSocket reports. */
export interface SearchSocketEvents {
  /**
   * A datagram arrived; its bytes are valid during the call only. A broadcast was received by every
   * other program with that port on this machine, too.
   */
  received(datagram: Uint8Array, from: Endpoint, isBroadcast: boolean): void;
  /** The socket was closed by an error. */
  ended(reason: string): void;
}

/** The port is not available now, or belongs to another program. */
export interface SearchPortTaken {
  readonly endpoint: Endpoint;
  /** The system's message. */
  readonly reason: string;
  readonly holder?: PortHolder;
}

/**
 * Sends beacons to the CA repeater of this machine, which passes them on to all clients; without a
 * repeater they are lost.
 */
export interface BeaconSocket extends Disposable {
  /** Loses what cannot be sent now. */
  send(datagram: Uint8Array): void;
}

/** The current addresses of this machine. */
export interface HostAddresses {
  /** Its own addresses, numeric, without loopback. */
  readonly own: readonly string[];
  /** The addresses on which broadcasts of clients arrive, for each search mode. */
  readonly broadcasts: Readonly<Record<Exclude<SearchMode, 'off'>, readonly string[]>>;
}

/** Opens the sockets on which clients' searches arrive. */
export interface SearchSockets {
  /** The UDP ports that clients use by default. */
  readonly ports: Readonly<Record<PvProtocol, number>>;
  /** Opens a UDP socket on a port of 127.0.0.1. */
  open(
    protocol: PvProtocol,
    port: number,
    events: SearchSocketEvents,
  ): Promise<SearchSocket | SearchPortTaken>;
  /**
   * Opens a UDP socket on one of `broadcasts`, at the port in `ports`. Rejects when that is not
   * possible.
   */
  openBroadcast(
    protocol: PvProtocol,
    address: string,
    events: SearchSocketEvents,
  ): Promise<SearchSocket>;
  addresses(): HostAddresses;
  openBeacons(): BeaconSocket;
  /**
   * Opens a TCP name server on a port of 127.0.0.1, without any server behind it; undefined: the
   * port is taken.
   */
  openNameServer(
    protocol: PvProtocol,
    port: number,
    intercept: InterceptCircuit,
  ): Promise<Relay | undefined>;
}
