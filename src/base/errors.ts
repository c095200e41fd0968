/**
 * The errors of epics-expose. A message is written for the user: what went wrong, where, and what
 * to do. Expected outcomes (a PV that is not reachable, a port in use) are states of the model, not
 * errors.
 */

import { clipped } from './clipped';

/** Stable identifiers of the kinds of error, safe to compare and to print in JSON. */
export type ErrorCode =
  | 'local-protocol' // we broke the rules of a protocol: our bug
  | 'remote-protocol' // the peer broke them: its circuit is closed, the message says how
  | 'transport' // a socket, pipe or stream failed
  | 'timeout' // a deadline passed
  | 'engine' // Docker or Podman refused or could not be reached
  | 'container' // something is missing in the container, or it is gone
  | 'not-found' // nothing here has what was asked for
  | 'no-read-access' // its server denies reading it
  | 'usage' // the user gave something that we cannot use
  | 'disposed'
  | 'cancelled';

/** Base of all our errors; `code` tells what kind it is. */
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

/** We were about to break the rules of a protocol: a bug of ours. */
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

/** A socket, pipe or stream failed. */
export class TransportError extends EpicsExposeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('transport', message, options);
  }
}

/** A deadline passed. */
export class TimeoutError extends EpicsExposeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('timeout', message, options);
  }
}

/** Docker or Podman refused a request or could not be reached. */
export class EngineError extends EpicsExposeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('engine', message, options);
  }
}

/** Something is missing in a container, or the container is gone. */
export class ContainerError extends EpicsExposeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('container', message, options);
  }
}

/** The server's access security denies us read access to a PV. */
export class NoReadAccessError extends EpicsExposeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('no-read-access', message, options);
  }
}

/** The user gave something that we cannot use: an option, a setting, a name. */
export class UsageError extends EpicsExposeError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('usage', message, options);
  }
}

/** Something was used after it was disposed; `what` names it in the message. */
export class DisposedError extends EpicsExposeError {
  constructor(what: string) {
    super('disposed', `${what} is already closed`);
  }
}

/** The caller's signal aborted the work. */
export class CancelledError extends EpicsExposeError {
  constructor(message = 'cancelled') {
    super('cancelled', message);
  }
}

/**
 * Whether this is an error of ours with that code. Works across two copies of a bundle, where
 * instanceof does not.
 */
export function isErrorCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === code;
}

/** A longer text is no sentence: a container's shell, a server or an engine may say anything. */
const MAX_MESSAGE = 2000;

/** The sentence to show for anything that was thrown, at most 2000 characters. */
export function messageOf(error: unknown): string {
  return clipped(error instanceof Error ? error.message : String(error), MAX_MESSAGE);
}
