import type { PvaStatus } from './basics';
import type { BitSet } from './bitSet';
import type { PvaStructure, PvaType } from './types';
import type { PvaAnyValue, PvaStructureValue } from './values';
import type { SearchResponse } from './search';

/** What a PvaClientConnection reports; all calls come from inside its `receive`. */
export interface PvaClientHandler {
  /**
   * The server accepted our authentication (if the status is no success: close the connection).
   * Requests may begin.
   */
  onValidated?(status: PvaStatus): void;
  /** An answer to `search`, for the names at one server. */
  onSearchResponse?(response: SearchResponse): void;
  /** Answer to createChannel. If the status is no success, the cid is free again. */
  onChannelCreated?(cid: number, status: PvaStatus): void;
  /** The server ended the channel or confirms our destroyChannel; the cid is free again. */
  onChannelDestroyed?(cid: number): void;
  /** core-pva from 2025 on reports whether a channel is writable, before it is created. */
  onAccessRights?(cid: number, isWritable: boolean): void;
  /** Answer to getField; the type is undefined without success. */
  onField?(ioid: number, status: PvaStatus, type: PvaType | undefined): void;
  /** Answer to get and getAgain; the value is undefined without success. */
  onGet?(ioid: number, status: PvaStatus, value: PvaStructureValue | undefined): void;
  /** Answer to monitor; without success there will be no updates. */
  onMonitorStarted?(ioid: number, status: PvaStatus, type: PvaStructure | undefined): void;
  /** `changed` names the fields sent, `overrun` those that changed more than once meanwhile. */
  onMonitor?(ioid: number, value: PvaStructureValue, changed: BitSet, overrun: BitSet): void;
  /** The server ended the monitor: no more updates. */
  onMonitorEnd?(ioid: number, status: PvaStatus): void;
  /** Answer to rpc; the result is undefined without success. */
  onRpc?(ioid: number, status: PvaStatus, result: PvaAnyValue | undefined): void;
  /**
   * A message for users about a request; `type` is a PvaStatusType, or 'info' from servers that
   * send it.
   */
  onServerMessage?(ioid: number, type: string, message: string): void;
  /** Answer to echo. */
  onEcho?(payload: Uint8Array): void;
  /** A command that is unknown or makes no sense here was skipped. */
  onSkipped?(command: number, lengthBytes: number): void;
}
