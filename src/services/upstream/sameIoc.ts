import type { PvProtocol } from '../../model/snapshot';
import type { Connection } from '../host/connection';
import { readCaValues } from './readCaValues';
import { readPv } from './readPv';

export interface SameIocInput {
  readonly mine: () => Promise<Connection>;
  readonly theirs: () => Promise<Connection>;
  readonly identity: { readonly clientName: string; readonly hostName: string };
  readonly signal: AbortSignal;
}

/** pvAccess values are read one connection each. */
const PVA_NAMES = 6;

/**
 * Whether two servers of a protocol are the same IOC, where they tell no identity (Channel Access
 * has none, QSRV1's pvAccessCPP keeps it to itself). Two IOCs never processed their records at the
 * same nanoseconds: the time stamps must be equal, those of records that were never processed prove
 * nothing. Rejects when one of the servers does not answer.
 */
export async function isSameIoc(
  protocol: PvProtocol,
  names: readonly string[],
  input: SameIocInput,
): Promise<boolean> {
  if (names.length === 0) return false;
  const readTimes = protocol === 'ca' ? readCaTimes : readPvaTimes;
  const [mine, theirs] = await Promise.all([
    readTimes(names, input.mine, input),
    readTimes(names, input.theirs, input),
  ]);
  let equal = 0;
  let different = 0;
  mine.forEach((time, index) => {
    const other = theirs[index];
    if (time === undefined || other === undefined) return;
    if (time === other) equal++;
    else different++;
  });
  // Some may have been processed between the two reads.
  return equal > 0 && different <= equal;
}

type Times = (string | undefined)[];

async function readCaTimes(
  names: readonly string[],
  dial: () => Promise<Connection>,
  { identity, signal }: SameIocInput,
): Promise<Times> {
  const values = await readCaValues(await dial(), names, identity, signal);
  return values.map((value) => {
    const stamp = value?.time.timeStamp;
    if (!stamp || stamp.secondsPastEpoch === 0) return undefined;
    return `${stamp.secondsPastEpoch}.${stamp.nanoseconds}`;
  });
}

async function readPvaTimes(
  names: readonly string[],
  dial: () => Promise<Connection>,
  { identity, signal }: SameIocInput,
): Promise<Times> {
  const times: Times = [];
  for (const name of names.slice(0, PVA_NAMES)) {
    try {
      times.push((await readPv('pva', name, await dial(), identity, signal)).time);
    } catch (error) {
      if (signal.aborted) throw error;
      times.push(undefined); // a channel that is not readable proves nothing
    }
  }
  return times;
}
