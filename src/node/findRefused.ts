import { withDeadline } from '../base/abort';
import { mapConcurrent } from '../base/mapConcurrent';
import { type Endpoint, formatEndpoint } from '../model/endpoint';
import { connectTcp } from './relay/connectTcp';
import { systemClock } from './systemClock';

/** A loopback address answers at once, either way. */
const TIMEOUT_MS = 1000;
const MAX_ENDPOINTS = 32;
const AT_ONCE = 8;

/**
 * Finds the endpoints of this machine at which nothing listens, as `formatEndpoint` writes them.
 * Endpoints that are too slow to answer are left out.
 */
export async function findRefused(
  endpoints: readonly Endpoint[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const asked = endpoints.slice(0, MAX_ENDPOINTS);
  const answers = await mapConcurrent(AT_ONCE, asked, (endpoint) => isRefused(endpoint, signal));
  return new Set(asked.filter((_, at) => answers[at]).map(formatEndpoint));
}

async function isRefused(endpoint: Endpoint, signal: AbortSignal): Promise<boolean> {
  try {
    const socket = await withDeadline(systemClock, TIMEOUT_MS, 'no answer', signal, (inner) =>
      connectTcp(endpoint, inner),
    );
    socket.on('error', () => undefined);
    socket.destroy();
    return false;
  } catch (error) {
    const { cause = error } = error as { cause?: unknown };
    return (cause as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  }
}
