import { plainText } from './pvReference';
import type { ReferenceList } from './referenceList';

const PV_KEYS = new Set([
  ...['chan', 'chanA', 'chanB', 'chanC', 'chanD', 'ctrl', 'rdbk'],
  ...['xdata', 'ydata', 'trigger', 'erase', 'count', 'countPvName'],
]);
/** The word before `="value"`; in MEDM's files values have no quotes within. */
const KEY = /(\w{1,40})\s{0,20}=\s{0,20}$/;

/** Finds the PVs in displays of MEDM (.adl). */
export function readMedm(text: string, list: ReferenceList): void {
  for (let open = text.indexOf('"'); open >= 0 && !list.isFull;) {
    const close = text.indexOf('"', open + 1);
    if (close < 0) return;
    const value = text.slice(open + 1, close);
    if (value.includes('\n')) {
      // Never closed: the next quote begins anew.
      open = close;
      continue;
    }
    const [, key = ''] = KEY.exec(text.slice(Math.max(0, open - 80), open)) ?? [];
    const isNumber = /^\s*[-+.\d]*\s*$/.test(value);
    if (PV_KEYS.has(key) && !isNumber) list.addPv(plainText(value, open + 1));
    else if (key === 'args') list.addDefinitions(plainText(value, open + 1));
    open = text.indexOf('"', close + 1);
  }
}
