/** How a PV's row looks: its value, unit and alarm, or why there is no value. */
import { printable } from '../base/printable';
import type { PvRow } from '../model/coreApi';
import type { LiveReading } from '../model/liveReading';
import type { Problem } from '../model/problem';
import { roundedTo } from '../model/reading';
import { stateWords } from './problemText';

/** What decides a row's icon: its alarm, or why it has no value; the worst first. */
export const ROW_STATES = [
  'unreachable',
  'unreadable',
  'invalid',
  'major',
  'minor',
  'ok',
  'waiting',
  'off',
] as const;
/** See ROW_STATES. */
export type RowState = (typeof ROW_STATES)[number];

/** The changing part of a row. */
export interface RowFace {
  readonly description: string;
  readonly state: RowState;
  /** For screen readers: the whole row in words. */
  readonly spoken: string;
}

/** What is known of a row's value. */
export type RowValue =
  /** It is followed; nothing has come yet if both are absent. */
  | { readonly isLive: true; readonly reading?: LiveReading; readonly problem?: Problem }
  /** There are too many rows to follow them all. */
  | { readonly isLive: false };

/** Digits of a number that its record gives no precision. */
const DIGITS = 7;

/** The face of a row. */
export function rowFace(row: PvRow, value: RowValue): RowFace {
  const { text, state } = valueWords(row, value);
  const description = printable([text, ...otherWords(row)].join(', '));
  const spoken = `PV ${printable(row.name)}, ${description === '' ? 'no value yet' : description}`;
  return { description, state, spoken };
}

function valueWords(row: PvRow, value: RowValue): { text: string; state: RowState } {
  const isReachable = row.state === 'reachable';
  if (!value.isLive) {
    const text = isReachable ? `${stateWords(row.state)}, not live` : stateWords(row.state);
    return { text, state: isReachable ? 'ok' : stateOf(row.state) };
  }
  const { reading, problem } = value;
  if (problem) return problemWords(problem, reading);
  if (reading) return readingWords(reading);
  return isReachable
    ? { text: '', state: 'waiting' }
    : { text: stateWords(row.state), state: stateOf(row.state) };
}

/** Words and state of a value, with its alarm. */
export function readingWords(
  reading: LiveReading,
): Pick<RowFace, 'state'> & { readonly text: string } {
  const { severity, alarmMessage } = reading;
  const words = [
    shortened(reading),
    severity ?? '',
    severity === undefined ? '' : (alarmMessage ?? ''),
  ];
  return { text: words.filter((word) => word !== '').join(' '), state: alarmState(severity) };
}

/** Without the digits that nobody reads in a narrow row. */
function shortened({ text, number }: LiveReading): string {
  const all = String(number);
  if (number === undefined || !text.startsWith(all)) return text;
  return String(roundedTo(DIGITS, number)) + text.slice(all.length);
}

/** Words and state where no value comes; one that is no longer true does not come first. */
export function problemWords(
  problem: Problem,
  reading: LiveReading | undefined,
): Pick<RowFace, 'state'> & { readonly text: string } {
  const code = problem.code === 'no-channel' ? problem.step : problem.code;
  const why = code === 'not-read' ? 'no value' : stateWords(code);
  return { text: reading ? `${why} (was ${shortened(reading)})` : why, state: stateOf(code) };
}

/** What is wrong at the other servers that have it. */
function otherWords({ others = [] }: PvRow): string[] {
  return others
    .filter(({ state }) => state !== 'reachable' && state !== 'pending')
    .map(({ protocol, state }) => `${protocol.toUpperCase()}: ${stateWords(state)}`);
}

function alarmState(severity: string | undefined): RowState {
  switch (severity) {
    case undefined:
      return 'ok';
    case 'MINOR':
      return 'minor';
    case 'MAJOR':
      return 'major';
    default:
      return 'invalid';
  }
}

function stateOf(code: string): RowState {
  if (code === 'no-read-access') return 'unreadable';
  return code === 'pending' ? 'waiting' : 'unreachable';
}
