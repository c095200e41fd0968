import type { CoreApi, TracedEndpoint } from '../coreApi';
import { type ClientSettings, entriesToTrace } from './clientSettings';

/** Each costs a handshake, and a comparison with the servers that there are. */
const MAX_TRACED = 8;

/** What is at the endpoints of this machine that clients are told to look at. */
export async function askTraces(
  core: Pick<CoreApi, 'traceEndpoint'>,
  clients: ClientSettings,
  signal: AbortSignal,
): Promise<readonly TracedEndpoint[]> {
  const queries = entriesToTrace(clients).slice(0, MAX_TRACED);
  const traces = await Promise.all(
    // An older background process does not know how.
    queries.map((query) => core.traceEndpoint(query, signal).catch(() => undefined)),
  );
  return traces.filter((trace) => trace !== undefined);
}
