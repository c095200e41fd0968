import { delay } from '../base/abort';
import type { Clock } from '../base/clock';

/** The ports of the first IOC of a container: Channel Access and pvAccess. */
const IOC_PORTS = [5064, 5075];
const LOOK_MS = 3000;
/** Tables that cannot be read this often probably never can. */
const MAX_FAILURES = 3;
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** TCP_LISTEN of the kernel. */
const LISTEN = '0A';

/** What `awaitIoc` needs. */
export interface AwaitIocInput {
  /** Reads a file of the container; rejects within a deadline of its own. */
  readonly readText: (path: string) => Promise<string>;
  readonly clock: Clock;
}

/**
 * Waits for an IOC in the window's container by reading the container's socket tables through the
 * window's connection, so that nothing of ours runs before the user wants it. Resolves to `unknown`
 * when the tables cannot be read. Rejects when aborted.
 */
export async function awaitIoc(
  { readText, clock }: AwaitIocInput,
  signal: AbortSignal,
): Promise<'listens' | 'unknown'> {
  for (let failures = 0; failures < MAX_FAILURES;) {
    const tables = await Promise.allSettled(TABLES.map((path) => readText(path)));
    signal.throwIfAborted();
    const texts = tables.flatMap((table) => (table.status === 'fulfilled' ? [table.value] : []));
    if (texts.some((text) => listeningPorts(text).some((port) => IOC_PORTS.includes(port)))) {
      return 'listens';
    }
    // A kernel without IPv6 has only one table.
    failures = texts.length === 0 ? failures + 1 : 0;
    await delay(clock, LOOK_MS, signal);
  }
  return 'unknown';
}

/**
 * The listening ports in a table such as /proc/net/tcp: `sl: address:port remote state ...`,
 * numbers in hexadecimal.
 */
function listeningPorts(table: string): number[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state] = line.trim().split(' ');
    const port = Number.parseInt(local.slice(local.indexOf(':') + 1), 16);
    return state === LISTEN && Number.isInteger(port) ? [port] : [];
  });
}
