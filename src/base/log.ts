/** The part of the program that a log line comes from, so that a reader can filter. */
export type LogTag =
  'engine' | 'detect' | 'relay' | 'search' | 'agent' | 'ca' | 'pva' | 'probe' | 'session';

/** How much a line matters; each consumer decides which levels it shows. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/**
 * Takes one line; never throws. Details belong here; what the user must act on belongs in the
 * model.
 */
export type Log = (level: LogLevel, tag: LogTag, message: string) => void;

/** Drops every line. */
export const silentLog: Log = () => undefined;
