import * as vscode from 'vscode';
import type { Clock } from '../base/clock';
import { type Disposable, DisposableStore } from '../base/disposable';
import { printable } from '../base/printable';
import { keyOf, type WantedPv } from '../model/pvList';
import { ROW_STATES, type RowState } from '../present/rowFace';
import { watchRow, type WatchRow } from '../present/watchRow';
import { COMMANDS, WATCH_VIEW } from './ids';
import { notificationText } from './notificationText';
import { onDidChangeSettings, readSettings } from './settings';
import type { WatchedValues } from './watchedValues';
import type { WatchList } from './watchList';
import type { WatchView } from './watchView';

/** What happens within this time is one notification; what is over by then is none. */
const GATHER_MS = 3000;
/** A PV that comes and goes is told again after this time, unless it is worse than it was. */
const QUIET_MS = 5 * 60_000;
const SHOWN = 3;

/** What is needed to notice what happens to watched PVs. */
export interface NotifyOfWatchedInput {
  readonly list: WatchList;
  readonly values: WatchedValues;
  readonly watchView: Pick<WatchView, 'follow'>;
  readonly clock: Clock;
}

/** Tells the user, who wants it, that watched PVs have gone into alarm or away, each time once. */
export function notifyOfWatched({
  list,
  values,
  watchView,
  clock,
}: NotifyOfWatchedInput): Disposable {
  const store = new DisposableStore();
  /** In alarm, or away; told, or waiting to be. */
  const bad = new Set<string>();
  const due = new Map<string, WantedPv>();
  /** What was told last, and when, by the clock. */
  const told = new Map<string, { readonly rank: number; readonly atMs: number }>();
  let timer: Disposable | undefined;
  const rowOf = (pv: WantedPv): ReturnType<typeof watchRow> =>
    watchRow(pv, { ...values.valueOf(pv), numbers: [], isExposing: true });
  const isBad = (pv: WantedPv): boolean => !['ok', 'waiting'].includes(rowOf(pv).state);
  const isNews = (pv: WantedPv): boolean => {
    const before = told.get(keyOf(pv));
    const isQuiet = before && clock.nowMs() - before.atMs < QUIET_MS;
    return !isQuiet || rankOf(rowOf(pv).state) < before.rank;
  };
  const tell = (): void => {
    timer = undefined;
    const pvs = [...due.values()].filter((pv) => isBad(pv) && isNews(pv));
    due.clear();
    for (const pv of pvs) {
      told.set(keyOf(pv), { rank: rankOf(rowOf(pv).state), atMs: clock.nowMs() });
    }
    if (pvs.length > 0) void show(pvs);
  };
  store.add(
    values.onDidChange((pv) => {
      const key = keyOf(pv);
      if (!readSettings().notify || !isBad(pv)) {
        bad.delete(key);
        return;
      }
      // One that has never had a value has not gone.
      if (bad.has(key) || !values.valueOf(pv).reading) return;
      bad.add(key);
      due.set(key, pv);
      timer ??= clock.after(GATHER_MS, tell);
    }),
  );
  store.add(
    list.onDidChange(() => {
      const watched = new Set(list.pvs.map(keyOf));
      for (const key of due.keys()) if (!watched.has(key)) due.delete(key);
      for (const key of bad) if (!watched.has(key)) bad.delete(key);
      for (const key of told.keys()) if (!watched.has(key)) told.delete(key);
    }),
  );
  store.add(onDidChangeSettings(() => watchView.follow()));
  store.add({ dispose: () => timer?.dispose() });
  return store;

  async function show(pvs: readonly WantedPv[]): Promise<void> {
    const named = pvs.slice(0, SHOWN).map((pv) => sentenceOf(pv, rowOf(pv)));
    const more = pvs.length - named.length;
    const text = [...named, ...(more > 0 ? [`${more} more`] : [])].join('; ');
    const chosen = await vscode.window.showWarningMessage(
      notificationText(text),
      'Plot',
      'Show Watch',
    );
    if (chosen === 'Show Watch') await vscode.commands.executeCommand(`${WATCH_VIEW}.focus`);
    else if (chosen) await vscode.commands.executeCommand(COMMANDS.plotPvs, pvs[0], pvs);
  }
}

/** 0: the worst. */
function rankOf(state: RowState): number {
  return ROW_STATES.indexOf(state);
}

function sentenceOf({ name }: WantedPv, { state, description }: WatchRow): string {
  const isAway = state === 'unreachable' || state === 'unreadable';
  return `${printable(name)} is ${isAway ? 'away' : 'in alarm'}: ${description}`;
}
