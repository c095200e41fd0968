import { homedir, release } from 'node:os';
import type { Identity } from '../model/identity';
import { clientIdentity } from './clientIdentity';
import { readTail } from './readParts';

/** Of the broker's log. */
const LOG_BYTES = 64_000;

/** What reports tell of this machine, and what they leave out. */
export interface ReportFacts {
  /** Our version and what runs it, a line each. */
  readonly versions: readonly string[];
  readonly identity: Identity;
  /** The end of a log; undefined: it cannot be read. */
  readonly readLog: (path: string) => Promise<string | undefined>;
}

/** `version`: ours. */
export function reportFacts(version: string): ReportFacts {
  const { clientName, hostName } = clientIdentity();
  return {
    versions: [
      `epics-expose ${version}`,
      `Node.js ${process.version}`,
      `${process.platform} ${process.arch} ${release()}`,
    ],
    identity: { user: clientName, host: hostName, home: homedir() },
    readLog: (path) => readTail(path, LOG_BYTES),
  };
}
