import type { Snapshot } from '../model/snapshot';

/** Counted up when a field goes or changes its meaning; new fields may come at any time. */
const SCHEMA_VERSION = 1;

/** What `--json` prints of a snapshot. */
export function snapshotJson(
  snapshot: Snapshot,
  environment: Readonly<Record<string, string>>,
): object {
  return { schemaVersion: SCHEMA_VERSION, ...snapshot, environment };
}
