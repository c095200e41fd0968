import type { PvRequest } from './pvRequest';
import type { PvaStructure } from './types';
import type { PvaAnyValue, PvaStructureValue } from './values';

/** One open request of a client connection, known to both sides by its ioid. */
export interface Operation {
  readonly kind: 'get' | 'get-field' | 'monitor' | 'rpc';
  readonly ioid: number;
  readonly cid: number;
  /** Sent, waiting for the INIT answer; between commands; a command sent, waiting for its answer. */
  phase: 'init' | 'idle' | 'busy';
  /** We ended it, but answers that describe types may still come. */
  isDestroyed: boolean;
  /** What to call with once the INIT is answered (rpc). */
  argument: PvaAnyValue | undefined;
  /** Whether it stays after the first answer (get). */
  readonly isKept: boolean;
  /** The type of the answers, known once the INIT is answered (get, monitor). */
  type: PvaStructure | undefined;
  /** The value as known so far (get, monitor). */
  value: PvaStructureValue | undefined;
  /** Updates that may be in flight unacknowledged; 0 without pipelining (monitor). */
  readonly pipelineWindow: number;
}

/** Options of a monitor. */
export interface MonitorOptions {
  readonly request?: PvRequest;
  /**
   * Updates that the server may send ahead of `acknowledgeMonitor`; undefined: no limit. Leave it
   * out for core-pva servers, which never answer the INIT of a pipelined monitor
   * (MonitorHandler.java compares the sub-command with 0x08 exactly).
   */
  readonly pipelineWindow?: number;
}
