import type { CoreApi } from '../coreApi';
import { isErrorCode } from '../../base/errors';
import type { RecordPlace } from '../iocPlace';
import { partIn, type PvName } from '../pvName';
import type { AskedPv } from './diagnose';

/** How long servers are waited for that are asked for a name. */
const ASK_MS = 1500;

/**
 * Where files have a record that surely no IOC has: a list may lack names that an IOC has, so the IOCs
 * are asked.
 */
async function missingRecord(
  core: Pick<CoreApi, 'findRecord' | 'readPv'>,
  name: string,
  signal: AbortSignal,
): Promise<readonly RecordPlace[]> {
  // An older background process does not know how.
  const places = await core.findRecord({ name }, signal).catch(() => []);
  if (places.length === 0) return places;
  const asked = (['ca', 'pva'] as const).map((protocol) =>
    core.readPv({ name, protocol, isPreview: true }, signal).then(
      () => false,
      (error: unknown) => isErrorCode(error, 'not-found'),
    ),
  );
  return (await Promise.all(asked)).every((isMissing) => isMissing) ? places : [];
}

/**
 * Gathers what is known of a PV, and of names like it if nobody has it. Rejects as the core's requests
 * do.
 */
export async function askPv(
  core: Pick<CoreApi, 'describePv' | 'findSimilar' | 'findRecord' | 'readPv'>,
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
        missingRecord(core, record, signal),
      ])
    : [[], []];
  return { name, ...(protocol && { protocol }), details, similar, places };
}
