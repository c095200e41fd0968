/**
 * What a CaClientCircuit reports to its owner. All calls come from inside `receive`; methods of the
 * circuit may be called in them. `payload` arrays are lent: valid until the call returns (decodeDbr
 * copies).
 */
export interface CaClientHandler {
  /** The server's minor revision. Some servers send it before we have sent anything (rsrv). */
  version(minor: number): void;
  /**
   * The server has the name. `port` is where a client without UDP should connect (0: this circuit's
   * port, PCAS), `address` an IPv4 number or CA_ADDRESS_OF_CIRCUIT.
   */
  searchFound(cid: number, port: number, address: number): void;
  /** The server does not have the name. */
  searchNotFound(cid: number): void;
  /** Comes before `channelCreated`, and again whenever the rights change. */
  accessRights(cid: number, isReadable: boolean, isWritable: boolean): void;
  /** The channel is open; `nativeType` is a plain DBR type, `count` the largest element count. */
  channelCreated(cid: number, nativeType: number, count: number): void;
  /** The server refused to create the channel; the cid is free again. */
  channelFailed(cid: number): void;
  /** The server deleted the channel; the cid is free again and its subscriptions are over. */
  channelLost(cid: number): void;
  /** The server confirmed our clear; the cid is free again. */
  channelCleared(cid: number): void;
  /**
   * The reply to one readNotify; the ioid is free again. The payload is empty unless `eca` is
   * ECA_NORMAL.
   */
  readDone(ioid: number, eca: number, dbrType: number, count: number, payload: Uint8Array): void;
  /**
   * One update. After an error the subscription lives on; cancel it when it is of no more use. The
   * exceptions are ECA_BADCOUNT and ECA_BADTYPE, which refuse the subscription: then the id is free
   * again.
   */
  event(
    subscriptionId: number,
    eca: number,
    dbrType: number,
    count: number,
    payload: Uint8Array,
  ): void;
  /** The server confirmed our cancel; the subscription id is free again. */
  subscriptionCancelled(subscriptionId: number): void;
  /** The server answered an echo. */
  echo(): void;
  /** An error about anything but a known read, subscription or channel. */
  serverError(eca: number, aboutCommand: number, text: string): void;
  /** For the debug log: something harmless was dropped. */
  ignored(reason: string): void;
}

/** Options of a CaClientCircuit. */
export interface CaClientOptions {
  /** The other end, for messages: "CA server 127.0.0.1:5064". */
  readonly peer: string;
  /**
   * Arrays with a larger payload, in bytes, are dropped unread and reported as ECA_TOLARGE; the
   * circuit goes on. Default 64 MiB.
   */
  readonly maxPayloadBytes?: number;
}

/** Who we are, as sent to the server. */
export interface CaHandshake {
  readonly clientName: string;
  readonly hostName: string;
  /** 0..99; default 0. */
  readonly priority?: number;
}
