/**
 * The errors of epics-expose. A message is for a person: what went wrong, where, and what to do.
 * Expected outcomes (a PV that is not reachable, a port in use) are states of the model, not errors.
 */

import { clipped } from './clipped';

/** Stable identifiers, safe to compare and to print in JSON. */
export type ErrorCode =
  | 'local-protocol' // we broke the rules of a protocol: our bug
  | 'remote-protocol' // the peer did: its circuit is closed, the message says how
  | 'transport' // a socket, pipe or stream failed
  | 'timeout' // a deadline passed
  | 'engine' // Docker or Podman refused or could not be reached
  | 'container' // something is missing in the container, or it is gone
  | 'not-found' // nobody here has what was asked for
  | 'no-read-access' // its server denies reading it
  | 'usage' // the person gave something we cannot use
  | 'disposed'
  | 'cancelled';

export class EpicsExposeError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** We were about to break the rules of a protocol. */
export class LocalProtocolError extends EpicsExposeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('local-protocol', message, options);
  }
}

/** The peer broke the rules of a protocol; its connection must be closed. */
export class RemoteProtocolError extends EpicsExposeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('remote-protocol', message, options);
  }
}

export class TransportError extends EpicsExposeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('transport', message, options);
  }
}

export class TimeoutError extends EpicsExposeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('timeout', message, options);
  }
}

export class EngineError extends EpicsExposeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('engine', message, options);
  }
}

export class ContainerError extends EpicsExposeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('container', message, options);
  }
}

/** A server's access security denies reading a PV to who we are for it. */
export class NoReadAccessError extends EpicsExposeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('no-read-access', message, options);
  }
}

export class UsageError extends EpicsExposeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('usage', message, options);
  }
}

export class DisposedError extends EpicsExposeError {
  constructor(what: string) {
    super('disposed', `${what} is already closed`);
  }
}

export class CancelledError extends EpicsExposeError {
  constructor(message = 'cancelled') {
    super('cancelled', message);
  }
}

/** True for our errors of that code, also across two copies of a bundle (no instanceof). */
export function isErrorCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === code;
}

/** More is no sentence: a container's shell, a server or an engine may say anything. */
const MAX_MESSAGE = 2000;

/** The sentence to show for anything that was thrown. */
export function messageOf(error: unknown): string {
  return clipped(error instanceof Error ? error.message : String(error), MAX_MESSAGE);
}
