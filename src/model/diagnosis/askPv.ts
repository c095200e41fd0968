import type { CoreApi } from '../coreApi';
import { partIn, type PvName } from '../pvName';
import type { AskedPv } from './diagnose';

/** How long servers are waited for that are asked for a name. */
const ASK_MS = 1500;

/**
 * Gathers what is known of a PV, and of names like it if nobody has it. Rejects as the core's requests
 * do.
 */
export async function askPv(
  core: Pick<CoreApi, 'describePv' | 'findSimilar' | 'findRecord'>,
  pv: Pick<PvName, 'name' | 'record' | 'path' | 'protocol'>,
  signal: AbortSignal,
): Promise<AskedPv> {
  const { name, record, protocol } = pv;
  const details = await core.describePv({ name, ...partIn(pv), maxWaitMs: ASK_MS }, signal);
  const isUnknown = details.paths.length === 0;
  // A name that no IOC has may be misspelt, or of a record that is not loaded.
  const [similar, places] = isUnknown
    ? await Promise.all([
        core.findSimilar({ name: record }, signal),
        // An older background process does not know how.
        core.findRecord({ name: record }, signal).catch(() => []),
      ])
    : [[], []];
  return { name, ...(protocol && { protocol }), details, similar, places };
}
