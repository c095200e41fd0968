import * as vscode from 'vscode';
import type { Clock } from '../base/clock';
import type { AlarmPage, CoreApi, FilterState, PvFilter, PvRow } from '../model/coreApi';
import type { Snapshot } from '../model/snapshot';
import { formatMoment } from '../present/pvDetailsText';
import type { TreeFilter } from '../present/pvTree';
import { PVS_VIEW } from './ids';
import { withTimeout } from './withTimeout';

/** PVs that are looked at for alarms; a filter by name chooses which. */
export const MAX_ALARMS_READ = 2000;
const ALARMS_TIMEOUT_MS = 30_000;
/** The core counts from memory; this only limits a broken one. */
const COUNT_TIMEOUT_MS = 5000;

/** By what the view is filtered. */
export interface ShownFilter {
  /** A part of the names, or with `*` and `?`. */
  readonly pattern?: string;
  /** `alarm`: in alarm when the filter was set, or refreshed. */
  readonly state?: FilterState | 'alarm';
}

const STATE_WORDS: Record<FilterState | 'alarm', string> = {
  alarm: 'in alarm',
  unreachable: 'not reachable',
  disconnected: 'disconnected',
};

/** The filter of the view PVs, and what matches it: counted by the core, or found by reading. */
export class ViewFilter {
  readonly #clock: Clock;
  readonly #branchesOf: (row: PvRow) => readonly string[];
  #shown: ShownFilter = {};
  /** What matches, by server and IOC; undefined: not counted yet. */
  #counts: ReadonlyMap<string, number> | undefined;
  /** What was counted: the filter, and the PVs that there were. */
  #countedFor: string | undefined;
  /** What was in alarm, if the filter asks for that. */
  #alarms: AlarmPage | undefined;
  /** When that was: milliseconds since 1970. */
  #alarmsAtMs = 0;

  /** `branchesOf`: keys of the server and of the IOC that a PV is listed below. */
  constructor(clock: Clock, branchesOf: (row: PvRow) => readonly string[]) {
    this.#clock = clock;
    this.#branchesOf = branchesOf;
  }

  /** What the user wants to see; empty: all. */
  get shown(): ShownFilter {
    return this.#shown;
  }

  set shown({ pattern, state }: ShownFilter) {
    const text = pattern?.trim() ?? '';
    this.#shown = { ...(text !== '' && { pattern: text }), ...(state && { state }) };
    this.#forget();
  }

  /** In words; '' if there is none. */
  get text(): string {
    const { pattern, state } = this.#shown;
    return [...(state ? [STATE_WORDS[state]] : []), ...(pattern ? [pattern] : [])].join(', ');
  }

  get isSet(): boolean {
    return this.text !== '';
  }

  /** For the core: a text matches part of the name, with wildcards too. */
  get ofCore(): PvFilter {
    const { pattern, state } = this.#shown;
    const glob = pattern !== undefined && /[*?]/.test(pattern) ? `*${pattern}*` : pattern;
    return {
      ...(glob !== undefined && { pattern: glob }),
      ...(state !== undefined && state !== 'alarm' && { state }),
    };
  }

  /** For the tree; undefined if there is none. */
  get ofTree(): TreeFilter | undefined {
    const { text } = this;
    if (text === '') return undefined;
    const withProblems = this.#shown.state === 'unreachable';
    const among = this.#alarmsAmong;
    return { text, counts: this.#counts, withProblems, ...(among !== '' && { among }) };
  }

  /** The PVs in alarm, if the filter asks for those. */
  get alarms(): readonly PvRow[] | undefined {
    return this.#shown.state === 'alarm' ? (this.#alarms?.rows ?? []) : undefined;
  }

  /** Alarms are looked for anew. */
  refresh(): void {
    if (this.#shown.state === 'alarm') this.#forget();
  }

  #forget(): void {
    this.#counts = undefined;
    this.#countedFor = undefined;
    this.#alarms = undefined;
  }

  /**
   * Counts again when the PVs are others, or what is known of them, where that matters. True when
   * something else matches now; false also when it could not be counted, until the next time.
   */
  async count(core: CoreApi, snapshot: Snapshot): Promise<boolean> {
    if (!this.isSet) return false;
    const { state } = this.#shown;
    const iocs = snapshot.containers.flatMap((container) => container.iocs);
    const known = iocs.map(({ key, records, servers }) =>
      state !== undefined
        ? [key, records, servers.map(({ pvs, status }) => [pvs, status])]
        : [key, records.total, servers.map(({ key: serverKey }) => serverKey)],
    );
    // Alarms are looked for once, because that reads the PVs.
    const countedFor = JSON.stringify([this.#shown, state === 'alarm' ? [] : known]);
    if (countedFor === this.#countedFor) return false;
    this.#countedFor = countedFor;
    try {
      const counts = await (state === 'alarm' ? this.#findAlarms(core) : this.#countPvs(core));
      if (countedFor !== this.#countedFor) return false;
      this.#counts = counts;
      return true;
    } catch {
      if (countedFor === this.#countedFor) this.#countedFor = undefined;
      return false;
    }
  }

  async #countPvs(core: CoreApi): Promise<ReadonlyMap<string, number>> {
    const counts = await withTimeout(COUNT_TIMEOUT_MS, (signal) =>
      core.countPvs(this.ofCore, signal),
    );
    return new Map(counts.map(({ key, count }) => [key, count]));
  }

  async #findAlarms(core: CoreApi): Promise<ReadonlyMap<string, number>> {
    const { pattern } = this.ofCore;
    const query = { ...(pattern !== undefined && { pattern }), limit: MAX_ALARMS_READ };
    const page = await vscode.window.withProgress({ location: { viewId: PVS_VIEW } }, () =>
      withTimeout(ALARMS_TIMEOUT_MS, (signal) => core.findAlarms(query, signal)),
    );
    this.#alarms = page;
    this.#alarmsAtMs = this.#clock.wallMs();
    const counts = new Map<string, number>();
    const keys = page.rows.flatMap((row) => this.#branchesOf(row));
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
    return counts;
  }

  /** Among which PVs alarms were looked for, and when; '' if they were not. */
  get #alarmsAmong(): string {
    if (!this.#alarms) return '';
    const { lookedAt, total } = this.#alarms;
    const all = lookedAt === total ? `${total}` : `${lookedAt} read of ${total}`;
    const at = formatMoment(new Date(this.#alarmsAtMs).toISOString(), this.#alarmsAtMs);
    return `of ${all}, at ${at}`;
  }
}
