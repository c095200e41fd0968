import type { PvRequest } from './pvRequest';
import type { PvaStructure } from './types';
import type { PvaAnyValue, PvaStructureValue } from './values';

/** One request under way on a client connection, known to both sides by its ioid. */
export interface Operation {
  readonly kind: 'get' | 'get-field' | 'monitor' | 'rpc';
  readonly ioid: number;
  readonly cid: number;
  /** Sent, waiting for the INIT answer; between commands; a command sent, waiting for its answer. */
  phase: 'init' | 'idle' | 'busy';
  /** We are through with it, but answers may still come that describe types. */
  isDestroyed: boolean;
  /** What to call once the INIT was answered (rpc). */
  argument: PvaAnyValue | undefined;
  /** Stay after the first answer (get). */
  readonly isKept: boolean;
  /** The type of the answers, known from the INIT answer on (get, monitor). */
  type: PvaStructure | undefined;
  /** The value as known so far (get, monitor). */
  value: PvaStructureValue | undefined;
  /** Updates that may be on their way unacknowledged; 0 without pipelining (monitor). */
  readonly pipelineWindow: number;
}

export interface MonitorOptions {
  readonly request?: PvRequest;
  /**
   * Updates that the server may send ahead of `acknowledgeMonitor`; undefined: as it likes. Leave
   * it out for core-pva servers, which never answer the INIT of a pipelined monitor
   * (MonitorHandler.java compares the sub-command with 0x08 exactly).
   */
  readonly pipelineWindow?: number;
}
