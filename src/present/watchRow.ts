import { printable } from '../base/printable';
import type { LiveReading } from '../model/liveReading';
import type { WantedPv } from '../model/pvList';
import type { Problem } from '../model/problem';
import { problemWords, readingWords, type RowState } from './rowFace';
import { sparkline } from './sparkline';

/** What is known of a watched PV. */
export interface WatchedValue {
  readonly reading?: LiveReading;
  readonly problem?: Problem;
  /** Its last numbers, oldest first. */
  readonly numbers: readonly number[];
  readonly isExposing: boolean;
}

/** How a row of the view Watch looks. */
export interface WatchRow {
  readonly label: string;
  readonly description: string;
  readonly state: RowState;
  /** The whole row in words, for screen readers. */
  readonly spoken: string;
}

/** The row of a watched PV: value, unit, alarm and its last numbers, or why there is no value. */
export function watchRow({ name, protocol }: WantedPv, value: WatchedValue): WatchRow {
  const label = printable(name);
  const { text, state } = wordsOf(value);
  const path = protocol === undefined ? '' : ` (${protocol.toUpperCase()})`;
  const line = sparkline(value.numbers);
  return {
    label,
    description: printable([text, ...(line === '' ? [] : [line])].join('  ')),
    state,
    spoken: `PV ${label}${path}, ${printable(text)}`,
  };
}

function wordsOf({ reading, problem, isExposing }: WatchedValue): {
  text: string;
  state: RowState;
} {
  if (!isExposing) return { text: 'not exposed', state: 'off' };
  if (problem) return problemWords(problem, reading);
  if (!reading) return { text: 'no answer yet', state: 'waiting' };
  return readingWords(reading);
}
