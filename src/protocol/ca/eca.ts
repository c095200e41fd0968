/**
 * Status codes of Channel Access: `(number << 3) | severity`, from EPICS Base
 * `modules/ca/src/client/caerr.h`. Only the codes that servers still send or that we report.
 */
export const Eca = {
  ECA_NORMAL: 1,
  ECA_ALLOCMEM: 48,
  ECA_TOLARGE: 72,
  ECA_TIMEOUT: 80,
  ECA_BADTYPE: 114,
  ECA_INTERNAL: 142,
  ECA_GETFAIL: 152,
  ECA_PUTFAIL: 160,
  ECA_BADCOUNT: 176,
  ECA_BADSTR: 186,
  ECA_DISCONN: 192,
  ECA_BADMONID: 242,
  ECA_DEFUNCT: 278,
  ECA_BADMASK: 330,
  ECA_PUTCBINPROG: 362,
  ECA_NORDACCESS: 368,
  ECA_NOWTACCESS: 376,
  ECA_NOCONVERT: 400,
  ECA_BADCHID: 410,
  ECA_UNAVAILINSERV: 432,
  ECA_CHANDESTROY: 440,
  ECA_16KARRAYCLIENT: 464,
} as const;

const names = new Map<number, string>(Object.entries(Eca).map(([name, code]) => [code, name]));

/** The name of a status code: `ECA_NOWTACCESS`, or `ECA 999` for one that is not in `Eca`. */
export function ecaName(code: number): string {
  return names.get(code) ?? `ECA ${code}`;
}
