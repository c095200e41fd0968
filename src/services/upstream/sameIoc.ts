import { onAbort } from '../../base/abort';
import type { Clock } from '../../base/clock';
import type { PvProtocol } from '../../model/snapshot';
import type { Connection } from '../host/connection';
import type { ClientIdentity } from './protocolAdapter';
import { SharedCircuit } from './sharedCircuit';

/** How many PVs are compared at most: pvAccess values may be images. */
const MAX_NAMES: Record<PvProtocol, number> = { ca: 20, pva: 6 };

/**
 * How to connect to the two servers, and as which client; the caller sets the deadline, by the
 * signal.
 */
export interface SameIocInput {
  readonly mine: (signal: AbortSignal) => Promise<Connection>;
  readonly theirs: (signal: AbortSignal) => Promise<Connection>;
  readonly identity: ClientIdentity;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Whether two servers of a protocol are the same IOC, for servers that send no identity (Channel
 * Access has none, QSRV1's pvAccessCPP does not send it). Two IOCs never processed their records at
 * the same nanoseconds, so the time stamps must be equal; those of records that were never
 * processed prove nothing. False if one of the servers does not answer, or the signal aborts.
 */
export async function isSameIoc(
  protocol: PvProtocol,
  names: readonly string[],
  input: SameIocInput,
): Promise<boolean> {
  if (names.length === 0) return false;
  const [mine, theirs] = await Promise.all([
    readTimes(protocol, names, input.mine, input),
    readTimes(protocol, names, input.theirs, input),
  ]);
  let equal = 0;
  let different = 0;
  mine.forEach((time, index) => {
    const other = theirs[index];
    if (time === undefined || other === undefined) return;
    if (time === other) equal++;
    else different++;
  });
  // Some records may have been processed between the two reads.
  return equal > 0 && different <= equal;
}

/** Reads the time stamps over one circuit. A PV that is not readable proves nothing. */
async function readTimes(
  protocol: PvProtocol,
  names: readonly string[],
  dial: SameIocInput['mine'],
  { identity, clock, signal }: SameIocInput,
): Promise<(string | undefined)[]> {
  const circuit = new SharedCircuit({ protocol, dial, identity, clock });
  // Node warns of many listeners of one signal.
  const reads = names.slice(0, MAX_NAMES[protocol]).map((name) => {
    return { name, abort: new AbortController() };
  });
  const aborting = onAbort(signal, () => reads.forEach(({ abort }) => abort.abort()));
  try {
    return await Promise.all(
      reads.map(({ name, abort }) =>
        circuit.read(name, abort.signal).then(
          ({ time }) => time,
          () => undefined,
        ),
      ),
    );
  } finally {
    aborting.dispose();
  }
}
