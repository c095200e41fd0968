import type { PvReading } from '../../model/reading';
import type { CircuitAdapter } from './circuit';

/** What Channel Access and pvAccess have in common for following values over one circuit. */
export interface MonitorDialect extends CircuitAdapter {
  /** After `ready`. Ids are the caller's, counted up from 0 and never used twice. */
  watch(id: number, name: string): void;
  unwatch(id: number): void;
}

export interface MonitorEvents {
  /** The handshake is done. */
  ready(): void;
  value(id: number, reading: PvReading): void;
  /** No values come at present; the subscription goes on. */
  stalled(id: number, reason: string): void;
  /** That subscription is over. */
  failed(id: number, reason: string): void;
}

export interface MonitorIdentity {
  readonly clientName: string;
  readonly hostName: string;
}
