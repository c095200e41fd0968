import type { Endpoint } from '../../model/endpoint';
import type { NameLocation } from './nameService';

/**
 * How a search came over a circuit: at a port of a server (a relay, or a fallback listener in its
 * place), to which a tunnel from another machine may lead, or at a name server of ours.
 */
export type CircuitPath = 'relay' | 'name-server';

/**
 * How a search came: over a circuit; by UDP to us alone, to others of this machine through us, or to
 * everybody.
 */
export type SearchPath = CircuitPath | 'us' | 'passed-on' | 'broadcast';

/**
 * The endpoint that a search is answered with. Undefined: the server receives the search too, and a
 * second answer would look like a second server.
 */
export function answerEndpoint(
  { endpoint, directEndpoint, broadcastEndpoint }: NameLocation,
  path: SearchPath,
): Endpoint | undefined {
  switch (path) {
    case 'relay':
      return endpoint;
    case 'name-server':
    case 'us':
      return directEndpoint ?? endpoint;
    case 'passed-on':
      return broadcastEndpoint && (directEndpoint ?? endpoint);
    case 'broadcast':
      return broadcastEndpoint;
  }
}
