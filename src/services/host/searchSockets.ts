/** What searches by UDP need of this machine; node/ implements it. */
import type { Disposable } from '../../base/disposable';
import type { Endpoint } from '../../model/endpoint';
import type { SearchMode } from '../../model/coreApi';
import type { PvProtocol } from '../../model/snapshot';
import type { Relay, InterceptCircuit } from './connection';
import type { PortHolder } from '../localPorts/localPorts';

export interface SearchSocket extends Disposable {
  readonly local: Endpoint;
  /** Loses what cannot be sent now. */
  send(datagram: Uint8Array, to: Endpoint): void;
  /** PVA: to those of this machine who share the port. */
  passOn(datagram: Uint8Array): void;
  /** Who would get what is sent there, were we not; as far as the system tells, and shared ports aside. */
  findRival(): Promise<PortHolder | undefined>;
}

export interface SearchSocketEvents {
  /**
   * The bytes are valid during the call only. A broadcast: whoever else has that port on this machine
   * has heard it, too.
   */
  received(datagram: Uint8Array, from: Endpoint, isBroadcast: boolean): void;
  /** It has closed by itself. */
  ended(reason: string): void;
}

/** The port cannot be had now, or belongs to somebody else. */
export interface SearchPortTaken {
  readonly endpoint: Endpoint;
  /** Of the system. */
  readonly reason: string;
  readonly holder?: PortHolder;
}

/** Sends to the CA repeater of this machine, which tells all clients; where there is none, to nobody. */
export interface BeaconSocket extends Disposable {
  /** Loses what cannot be sent now. */
  send(datagram: Uint8Array): void;
}

/** The addresses of this machine, as they are now. */
export interface HostAddresses {
  /** Its own, numeric, without those of the loopback. */
  readonly own: readonly string[];
  /** Where clients that broadcast are heard, by how much of this machine that is. */
  readonly broadcasts: Readonly<Record<Exclude<SearchMode, 'off'>, readonly string[]>>;
}

export interface SearchSockets {
  /** Where clients search that are told nothing else. */
  readonly ports: Readonly<Record<PvProtocol, number>>;
  /** On a port of 127.0.0.1. */
  open(
    protocol: PvProtocol,
    port: number,
    events: SearchSocketEvents,
  ): Promise<SearchSocket | SearchPortTaken>;
  /** On one of `broadcasts`, at the port of `ports`. Rejects when that cannot be. */
  openBroadcast(
    protocol: PvProtocol,
    address: string,
    events: SearchSocketEvents,
  ): Promise<SearchSocket>;
  addresses(): HostAddresses;
  openBeacons(): BeaconSocket;
  /** By TCP on a port of 127.0.0.1, without any server behind it; undefined: somebody has the port. */
  openNameServer(
    protocol: PvProtocol,
    port: number,
    intercept: InterceptCircuit,
  ): Promise<Relay | undefined>;
}
