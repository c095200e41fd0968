import type { PvaStatus } from './basics';
import type { BitSet } from './bitSet';
import type { PvaStructure, PvaType } from './types';
import type { PvaAnyValue, PvaStructureValue } from './values';
import type { SearchResponse } from './search';

/** What a PvaClientConnection tells; each call happens inside its `receive`. */
export interface PvaClientHandler {
  /** The server took our authentication (or not: then close the connection). Requests may begin. */
  onValidated?(status: PvaStatus): void;
  onSearchResponse?(response: SearchResponse): void;
  /** Answer to createChannel. Without success the cid is free again. */
  onChannelCreated?(cid: number, status: PvaStatus): void;
  /** The server ended the channel, or confirms our destroyChannel; the cid is free again. */
  onChannelDestroyed?(cid: number): void;
  /** core-pva from 2025 on tells whether a channel is writable, before it is created. */
  onAccessRights?(cid: number, isWritable: boolean): void;
  onField?(ioid: number, status: PvaStatus, type: PvaType | undefined): void;
  onGet?(ioid: number, status: PvaStatus, value: PvaStructureValue | undefined): void;
  onMonitorStarted?(ioid: number, status: PvaStatus, type: PvaStructure | undefined): void;
  /** `changed` names the fields sent, `overrun` those that changed more than once meanwhile. */
  onMonitor?(ioid: number, value: PvaStructureValue, changed: BitSet, overrun: BitSet): void;
  /** The server ends the monitor: no more updates. */
  onMonitorEnd?(ioid: number, status: PvaStatus): void;
  onRpc?(ioid: number, status: PvaStatus, result: PvaAnyValue | undefined): void;
  /** Text for people about a request; type as `PvaStatusType` or 'info' on servers that send it. */
  onServerMessage?(ioid: number, type: string, message: string): void;
  onEcho?(payload: Uint8Array): void;
  /** A command that we do not know or that makes no sense here; it was skipped. */
  onSkipped?(command: number, lengthBytes: number): void;
}
