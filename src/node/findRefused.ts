import type { Socket } from 'node:net';
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
  const answers = await tryEndpoints(endpoints, signal);
  return new Set([...answers].flatMap(([text, answer]) => (answer === 'refuses' ? [text] : [])));
}

/** How an endpoint takes a connection. */
export type EndpointAnswer =
  | 'listens'
  | 'refuses'
  | 'silent'
  /** It accepts a connection, and ends it without a byte. */
  | 'ends';

/** What forwards a port ends at once if nothing is behind it. */
const END_MS = 300;

/**
 * Connects to endpoints of this machine, once each, and says how they answer, by what
 * `formatEndpoint` writes. Rejects with CancelledError.
 */
export async function tryEndpoints(
  endpoints: readonly Endpoint[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, EndpointAnswer>> {
  const asked = endpoints.slice(0, MAX_ENDPOINTS);
  const answers = await mapConcurrent(AT_ONCE, asked, (endpoint) => answerOf(endpoint, signal));
  return new Map(asked.map((endpoint, at) => [formatEndpoint(endpoint), answers[at] ?? 'silent']));
}

/** Whether the other side ends a connection without having said anything; destroys it. */
function endsAtOnce(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (hasEnded: boolean) => (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(hasEnded);
    };
    const timer = setTimeout(finish(false), END_MS);
    socket.once('data', finish(false)).once('end', finish(true)).once('error', finish(true));
    socket.resume();
  });
}

async function answerOf(endpoint: Endpoint, signal: AbortSignal): Promise<EndpointAnswer> {
  try {
    const socket = await withDeadline(systemClock, TIMEOUT_MS, 'no answer', signal, (inner) =>
      connectTcp(endpoint, inner),
    );
    return (await endsAtOnce(socket)) ? 'ends' : 'listens';
  } catch (error) {
    const { cause = error } = error as { cause?: unknown };
    if (signal.aborted) throw error;
    return (cause as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'refuses' : 'silent';
  }
}
