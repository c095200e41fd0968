import { withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { Limit } from '../../base/limit';
import type { Slices } from '../../base/slices';
import type { AlarmPage, AlarmQuery, PvRow } from '../../model/coreApi';
import type { PvReading } from '../../model/reading';
import type { PvServer } from '../exposure/pvServer';
import { listRecords } from './pvLists';

/** Reads at once, so that an IOC has time for others. */
const MAX_READS = 20;
/** For all reads together. */
const SEARCH_MS = 20_000;

/** What a search for alarms needs. */
export interface AlarmSearchInput {
  readonly servers: readonly PvServer[];
  readonly read: (row: PvRow, signal: AbortSignal) => Promise<PvReading>;
  readonly slices: Slices;
  readonly clock: Clock;
}

/**
 * Reads PVs once, each record by its best server, and returns those in alarm. Following the alarms of
 * 100,000 PVs would cost their IOCs a channel for each, so at most `limit` are looked at, for some
 * seconds at most. Rejects with CancelledError.
 */
export async function findAlarms(
  { pattern, limit }: AlarmQuery,
  { servers, read, slices, clock }: AlarmSearchInput,
  signal: AbortSignal,
): Promise<AlarmPage> {
  const { total, rows } = await listRecords(servers, pattern, limit, slices, signal);
  const limiter = new Limit(MAX_READS);
  const inAlarm = new Set<PvRow>();
  let lookedAt = 0;
  const look = async (row: PvRow, inner: AbortSignal): Promise<void> => {
    try {
      const { severity } = await limiter.run(inner, () => read(row, inner));
      lookedAt++;
      if (severity !== 'NO_ALARM') inAlarm.add(row);
    } catch {
      // It was not looked at, as the counts say.
    }
  };
  const search = (inner: AbortSignal): Promise<unknown> =>
    Promise.all(rows.map((row) => look(row, inner)));
  await withDeadline(clock, SEARCH_MS, 'not all were read', signal, search).catch(
    (error: unknown) => {
      if (signal.aborted) throw error;
    },
  );
  return { total, lookedAt, rows: rows.filter((row) => inAlarm.has(row)) };
}
