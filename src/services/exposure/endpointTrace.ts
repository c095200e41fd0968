import { withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { mapConcurrent } from '../../base/mapConcurrent';
import type { EndpointQuery, TracedEndpoint } from '../../model/coreApi';
import { type Endpoint, isLoopback, isSameEndpoint } from '../../model/endpoint';
import { identifyServer } from '../discovery/detect/identifyServer';
import type { Connection } from '../host/connection';
import type { PortHolder } from '../host/portHolder';
import type { PvServer } from './pvServer';

const ANSWER_TIMEOUT_MS = 3000;
/** Servers that are compared with what is there; each costs it a connection. */
const MAX_COMPARED = 20;
const COMPARED_AT_ONCE = 4;

/** What tracing an endpoint needs. */
export interface EndpointTraceInput {
  readonly servers: readonly PvServer[];
  /** Where we listen. */
  readonly held: readonly Endpoint[];
  readonly findHolder: (endpoint: Endpoint) => Promise<PortHolder | undefined>;
  readonly dialHost: (endpoint: Endpoint, signal: AbortSignal) => Promise<Connection>;
  readonly clock: Clock;
}

/**
 * Who listens at an endpoint of this machine, whether it answers in that protocol, and which of our
 * servers it leads to: only one that was recognised with certainty. Rejects with CancelledError.
 */
export async function traceEndpoint(
  { protocol, endpoint }: EndpointQuery,
  { servers, held, findHolder, dialHost, clock }: EndpointTraceInput,
  signal: AbortSignal,
): Promise<TracedEndpoint> {
  if (held.some((one) => isSameEndpoint(one, endpoint))) {
    return { protocol, endpoint, isOurs: true, hasAnswered: true };
  }
  if (!isLoopback(endpoint.host)) return { protocol, endpoint, hasAnswered: false };
  const holder = await findHolder(endpoint);
  const owner = holder?.process;
  const found = { protocol, endpoint, ...(owner && { owner: { process: owner } }) };
  if (holder?.isSilent) return { ...found, hasAnswered: false };
  const identity = await withDeadline(
    clock,
    ANSWER_TIMEOUT_MS,
    'no answer',
    signal,
    async (inner) => {
      const connection = await dialHost(endpoint, inner);
      const mayAskCa = protocol === 'ca';
      return identifyServer(connection, { expected: protocol, mayAskCa, clock, signal: inner });
    },
  ).catch(() => undefined);
  signal.throwIfAborted();
  if (identity?.protocol !== protocol) return { ...found, hasAnswered: false };
  const likely = servers.filter((server) => server.protocol === protocol).slice(0, MAX_COMPARED);
  const same = await mapConcurrent(COMPARED_AT_ONCE, likely, async (server) =>
    (await server.forwarder.isAt(endpoint)) ? server : undefined,
  );
  // Of two that cannot be told apart, neither is certain.
  const [server, another] = same.filter((one) => one !== undefined);
  const place = server && {
    iocName: server.ioc.name,
    containerName: server.container.name,
  };
  return { ...found, hasAnswered: true, ...(place && !another && { ioc: place }) };
}
