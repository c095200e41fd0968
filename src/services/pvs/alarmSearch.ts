import { onAbort, withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { mapConcurrent } from '../../base/mapConcurrent';
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
  const inAlarm = new Set<PvRow>();
  let lookedAt = 0;
  // Each read has a signal of its own: so many listeners on one would be taken for a leak.
  const reading = new Set<AbortController>();
  const look = async (row: PvRow): Promise<void> => {
    const own = new AbortController();
    reading.add(own);
    try {
      const { severity } = await read(row, own.signal);
      lookedAt++;
      if (severity !== 'NO_ALARM') inAlarm.add(row);
    } catch {
      // It was not looked at, as the counts say.
    } finally {
      reading.delete(own);
    }
  };
  const search = (inner: AbortSignal): Promise<unknown> => {
    onAbort(inner, () => {
      for (const own of reading) own.abort();
    });
    return mapConcurrent(MAX_READS, rows, async (row) => {
      if (!inner.aborted) await look(row);
    });
  };
  await withDeadline(clock, SEARCH_MS, 'not all were read', signal, search).catch(
    (error: unknown) => {
      if (signal.aborted) throw error;
    },
  );
  return { total, lookedAt, rows: rows.filter((row) => inAlarm.has(row)) };
}
