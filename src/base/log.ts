/** Where a log line comes from; one per room that talks, so that a reader can filter. */
export type LogTag =
  'engine' | 'detect' | 'relay' | 'search' | 'agent' | 'ca' | 'pva' | 'probe' | 'session';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Takes one line; never throws. Details belong here, what a person must act on in the model. */
export type Log = (level: LogLevel, tag: LogTag, message: string) => void;

export const silentLog: Log = () => undefined;
