/** What a client circuit tells its owner, and what it is given. */

/**
 * What a circuit tells its owner. All calls come from inside `receive`; intents may be used in
 * them. `payload` arrays are lent: valid until the call returns (decodeDbr copies).
 */
export interface CaClientHandler {
  /** The server named its minor revision. Some servers do so before we said anything (rsrv). */
  version(minor: number): void;
  /**
   * The server has the name. `port` is where a UDP-less client should connect (0: this circuit's
   * port, PCAS), `address` an IPv4 number or CA_ADDRESS_OF_CIRCUIT.
   */
  searchFound(cid: number, port: number, address: number): void;
  searchNotFound(cid: number): void;
  /** Comes before `channelCreated`, and again whenever the rights change. */
  accessRights(cid: number, isReadable: boolean, isWritable: boolean): void;
  channelCreated(cid: number, nativeType: number, count: number): void;
  /** The server refused; the cid is free again. */
  channelFailed(cid: number): void;
  /** The server deleted the channel; the cid is free again, its subscriptions are over. */
  channelLost(cid: number): void;
  /** Our clear was confirmed; the cid is free again. */
  channelCleared(cid: number): void;
  /** The reply to one readNotify; the ioid is free again. The payload is empty unless ECA_NORMAL. */
  readDone(ioid: number, eca: number, dbrType: number, count: number, payload: Uint8Array): void;
  /**
   * One update. After an error the subscription lives on, cancel it when it is of no more use;
   * except after ECA_BADCOUNT and ECA_BADTYPE, which refuse it: the id is free again then.
   */
  event(
    subscriptionId: number,
    eca: number,
    dbrType: number,
    count: number,
    payload: Uint8Array,
  ): void;
  /** Our cancel was confirmed; the subscription id is free again. */
  subscriptionCancelled(subscriptionId: number): void;
  echo(): void;
  /** An error about something else than a known read, subscription or channel. */
  serverError(eca: number, aboutCommand: number, text: string): void;
  /** For the debug log: something that does no harm and was dropped. */
  ignored(reason: string): void;
}

export interface CaClientOptions {
  /** Who is at the other end, for messages to a person: "CA server 127.0.0.1:5064". */
  readonly peer: string;
  /**
   * Arrays with a larger payload are dropped unseen and reported as ECA_TOLARGE, and the circuit
   * goes on. Default 64 MiB.
   */
  readonly maxPayloadBytes?: number;
}

export interface CaHandshake {
  readonly clientName: string;
  readonly hostName: string;
  /** 0..99; default 0. */
  readonly priority?: number;
}
