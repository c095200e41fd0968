/**
 * Every CA message as plain data. The same command means different things in the two directions, so
 * there are two unions; `command` is the name in caProto.h without its CA_PROTO_.
 */
import type { CaRequestHeader } from './errorPayload';

/** A message of a client. */
export type CaClientMessage =
  | {
      readonly command: 'VERSION';
      /** TCP: dispatch priority 0..99. In a datagram: 1 when `sequence` counts. */
      readonly priority: number;
      readonly minor: number;
      readonly sequence: number;
    }
  | {
      readonly command: 'SEARCH';
      readonly cid: number;
      readonly name: string;
      readonly minor: number;
      /** Whether the client wants NOT_FOUND too (DOREPLY). */
      readonly isReplyRequired: boolean;
    }
  | {
      readonly command: 'CREATE_CHAN';
      readonly cid: number;
      readonly minor: number;
      readonly name: string;
    }
  | { readonly command: 'CLEAR_CHANNEL'; readonly sid: number; readonly cid: number }
  | {
      readonly command: 'EVENT_ADD';
      readonly dbrType: number;
      readonly count: number;
      readonly sid: number;
      readonly subscriptionId: number;
      readonly mask: number;
    }
  | {
      readonly command: 'EVENT_CANCEL';
      readonly dbrType: number;
      readonly count: number;
      readonly sid: number;
      readonly subscriptionId: number;
    }
  | {
      readonly command: 'READ' | 'READ_NOTIFY';
      readonly dbrType: number;
      readonly count: number;
      readonly sid: number;
      readonly ioid: number;
    }
  | {
      /** Decoded only to be refused; the value is not read. */
      readonly command: 'WRITE' | 'WRITE_NOTIFY';
      readonly dbrType: number;
      readonly count: number;
      readonly sid: number;
      readonly ioid: number;
    }
  | { readonly command: 'CLIENT_NAME' | 'HOST_NAME'; readonly name: string }
  | { readonly command: 'ECHO' | 'EVENTS_OFF' | 'EVENTS_ON' | 'READ_SYNC' }
  | { readonly command: 'REPEATER_REGISTER'; readonly address: number }
  | { readonly command: 'UNKNOWN'; readonly code: number };

/** A message of a server or the repeater. */
export type CaServerMessage =
  | { readonly command: 'VERSION'; readonly minor: number; readonly sequence: number | undefined }
  | {
      readonly command: 'SEARCH';
      readonly cid: number;
      /** TCP port to connect to; on a circuit PCAS sends 0 for "this one". */
      readonly port: number;
      /** IPv4 number, or 0xffffffff: the address that the reply came from. */
      readonly address: number;
      /** Present in datagrams and in caproto's circuits. */
      readonly minor: number | undefined;
    }
  | {
      readonly command: 'NOT_FOUND';
      readonly cid: number;
      /** The reply flag and minor revision of the search, which rsrv sends back. */
      readonly replyFlag: number;
      readonly minor: number;
    }
  | {
      readonly command: 'CREATE_CHAN';
      readonly cid: number;
      readonly sid: number;
      readonly nativeType: number;
      readonly count: number;
    }
  | { readonly command: 'CREATE_CH_FAIL' | 'SERVER_DISCONN'; readonly cid: number }
  | { readonly command: 'CLEAR_CHANNEL'; readonly sid: number; readonly cid: number }
  | {
      readonly command: 'ACCESS_RIGHTS';
      readonly cid: number;
      readonly isReadable: boolean;
      readonly isWritable: boolean;
    }
  | {
      /** Without payload: the confirmation of an EVENT_CANCEL (then `eca` is the sid in rsrv). */
      readonly command: 'EVENT_ADD';
      readonly dbrType: number;
      readonly count: number;
      readonly eca: number;
      readonly subscriptionId: number;
      readonly payload: Uint8Array;
    }
  | {
      readonly command: 'READ_NOTIFY';
      readonly dbrType: number;
      readonly count: number;
      readonly eca: number;
      readonly ioid: number;
      readonly payload: Uint8Array;
    }
  | {
      readonly command: 'READ';
      readonly dbrType: number;
      readonly count: number;
      readonly cid: number;
      readonly ioid: number;
      readonly payload: Uint8Array;
    }
  | {
      readonly command: 'WRITE_NOTIFY';
      readonly dbrType: number;
      readonly count: number;
      readonly eca: number;
      readonly ioid: number;
    }
  | {
      readonly command: 'ERROR';
      readonly cid: number;
      readonly eca: number;
      readonly about: CaRequestHeader | undefined;
      readonly text: string;
    }
  | { readonly command: 'ECHO' | 'READ_SYNC' }
  | {
      readonly command: 'RSRV_IS_UP';
      readonly minor: number;
      readonly port: number;
      readonly beaconId: number;
      /** IPv4 number; 0: the address the beacon came from. */
      readonly address: number;
    }
  | { readonly command: 'REPEATER_CONFIRM'; readonly address: number }
  | { readonly command: 'UNKNOWN'; readonly code: number };

/** One cut message, as FrameReader holds it. */
export interface CaFrame {
  readonly command: number;
  readonly dataType: number;
  readonly count: number;
  readonly parameter1: number;
  readonly parameter2: number;
  readonly payload: Uint8Array;
}
