/** A shape for each severity, so that colour is not all that tells them apart. */
const SIGNS: Readonly<Record<string, string>> = {
  NO_ALARM: '\u25cf', // a disc
  MINOR: '\u25b2', // a triangle
  MAJOR: '\u25c6', // a diamond
  INVALID: '\u2716', // a cross
  UNDEFINED: '\u2716',
};
/** No value comes: a circle. */
const AWAY = '\u25cb';

/** The shape for a PV: of its severity, or of its absence. */
export function alarmSign(severity: string, isAway: boolean): string {
  return isAway ? AWAY : (SIGNS[severity] ?? AWAY);
}
