/**
 * The grammar of what files and users write for a PV: `REC`, `REC.DESC`, `REC.VAL$`,
 * `REC.{"dbnd":{"d":1}}`, `pva://REC/valueAlarm/highAlarmLimit`, `pva://REC/value[2]`,
 * `pva://REC?request=field(value)`, `REC.VAL CP MS` (a link), `loc://x`, `=formula`. Texts may contain macros, which are skipped as they are.
 */
import { isReference, referenceEnd } from './macros';
import type { PvProtocol } from './snapshot';

/** A PV of an IOC, as it is written. */
export interface PvName {
  readonly kind: 'pv';
  /** The protocol that the text asks for (`pva://`); absent: either. */
  readonly protocol?: PvProtocol;
  /** Without scheme, modifiers and options: what a client asks a server for. */
  readonly name: string;
  /** Where `name` begins in the text. */
  readonly start: number;
  /** `name` without field, filter and path. */
  readonly record: string;
  /** `DESC`, or `VAL$` for a long string. */
  readonly field?: string;
  /** What the server does to the values, as in `REC.VAL{"arr":{"s":1}}` or `REC.VAL[1:3]`. */
  readonly filter?: string;
  /**
   * Parts of the structure, as in `pva://REC/valueAlarm/highAlarmLimit`; the last may have the index
   * of an element, as in `value[2]`. Else empty.
   */
  readonly path: readonly string[];
  /** `CP`, `MS`, ... behind the PV of a link, in upper case; else empty. */
  readonly modifiers: readonly string[];
  /** What the client does to the value: the JSON in `REC {"longString":true}`. */
  readonly options?: string;
}

/** What is written where a PV is expected. */
export type PvText =
  | PvName
  /** A PV without an IOC: `loc://x`, `sim://sine`. */
  | { readonly kind: 'local' }
  /** A PV of something other than Channel Access or pvAccess: `mqtt://topic`, `tango://device`. */
  | { readonly kind: 'foreign' }
  /** Computed by the display from PVs within the text: `=...`, `eq://...`, EDM's `CALC\...`. */
  | { readonly kind: 'formula' };

const SCHEME = /^(?:([A-Za-z][\w+.-]{0,20}):\/\/|(LOC|CALC|EPICS)\\+)/;
/**
 * `ca` and `epics` are both Channel Access in displays, EDM's `EPICS\` too; `opva` is Phoebus' former
 * client of pvAccess.
 */
const PROTOCOLS: ReadonlyMap<string, PvProtocol> = new Map([
  ['ca', 'ca'],
  ['epics', 'ca'],
  ['pva', 'pva'],
  ['opva', 'pva'],
]);
const LOCAL_SCHEMES = ['loc', 'sim', 'sys', 'const'];
const FORMULA_SCHEMES = ['eq', 'formula', 'calc'];
const MODIFIERS = ['PP', 'NPP', 'CA', 'CP', 'CPP', 'MS', 'NMS', 'MSS', 'MSI'];
/** `*`, because a name in which macros are unknown is read, too. */
const FIELD_LETTER = /[A-Za-z0-9_*]/;
const BLANK = /\s/;
/** Behind the name of a PV, for pvAccess: what a client asks for. */
const REQUEST = /^\?request=field\(([^()]*)\)$/;
const ELEMENT = /^(.+)(\[\d{1,9}\])$/;

/**
 * Reads a text that stands for a PV. Takes no longer than the text is. Undefined when nothing is
 * left of it without scheme and blanks.
 */
export function parsePvText(text: string): PvText | undefined {
  const from = text.length - text.trimStart().length;
  if (text[from] === '=') return { kind: 'formula' };
  const [prefix = '', slashed, edm] = SCHEME.exec(text.slice(from, from + 40)) ?? [];
  const scheme = (slashed ?? edm)?.toLowerCase();
  const protocol = scheme === undefined ? undefined : PROTOCOLS.get(scheme);
  if (scheme !== undefined && protocol === undefined) {
    if (FORMULA_SCHEMES.includes(scheme)) return { kind: 'formula' };
    return { kind: LOCAL_SCHEMES.includes(scheme) ? 'local' : 'foreign' };
  }
  // `pva://host/PV` is possible in an address of pvget: `pva:///PV` leaves the host out.
  const isHostless = protocol === 'pva' && text[from + prefix.length] === '/';
  const start = from + prefix.length + (isHostless ? 1 : 0);
  const { end, dot } = extentOf(text, start);
  if (end === start) return undefined;
  const rest = text.slice(end).trim();
  const isOptions = rest.startsWith('{');
  const modifiers = isOptions ? [] : rest.toUpperCase().split(/\s+/, 10);
  // What else follows a blank belongs to the name: a few have blanks.
  const isPlain = !isOptions && rest !== '' && !modifiers.every((word) => MODIFIERS.includes(word));
  const name = isPlain ? text.slice(start).trimEnd() : text.slice(start, end);
  return {
    ...{ kind: 'pv', name, start },
    // EDM's prefix says that an IOC has it, not how to ask.
    ...(protocol && edm === undefined && { protocol }),
    ...partsOf(name, dot === undefined ? undefined : dot - start, protocol),
    modifiers: isPlain || rest === '' ? [] : modifiers,
    ...(isOptions && { options: rest }),
  };
}

/** For a query: the part of a record that the name means if no PV has it. */
export function partIn({ record, path }: Pick<PvName, 'record' | 'path'>): {
  readonly part?: { readonly name: string; readonly path: readonly string[] };
} {
  return path.length === 0 ? {} : { part: { name: record, path } };
}

/** The record of a name with a field or a filter; undefined for a name without. */
export function recordNameOf(name: string): string | undefined {
  const { end, dot } = extentOf(name, 0);
  if (dot === undefined || end !== name.length) return undefined;
  const { record, field, filter } = partsOf(name, dot, undefined);
  return field === undefined && filter === undefined ? undefined : record;
}

/** Whether the server is asked for a text as an array of characters: `REC.VAL$`. */
export function isLongString(name: string): boolean {
  const { dot } = extentOf(name, 0);
  return dot !== undefined && partsOf(name, dot, undefined).field?.endsWith('$') === true;
}

/** The parts of a name whose first dot is at `dot`. */
function partsOf(
  name: string,
  dot: number | undefined,
  protocol: PvProtocol | undefined,
): Pick<PvName, 'record' | 'field' | 'filter' | 'path'> {
  const inside = protocol === 'pva' ? partsOfStructure(name) : undefined;
  if (inside) return inside;
  const none = { record: name, path: [] };
  if (dot === undefined || dot === 0) return none;
  const fieldEnd = fieldEndOf(name, dot + 1);
  const field = name.slice(dot + 1, fieldEnd);
  const filter = name.slice(fieldEnd);
  // Whatever else has a dot is a name with a dot, as some PVA servers have.
  if (/^[0-9]/.test(field) || (filter !== '' && !/^[{[]/.test(filter))) return none;
  return {
    record: name.slice(0, dot),
    ...(field !== '' && { field }),
    ...(filter !== '' && { filter }),
    path: [],
  };
}

/** As Phoebus reads the name of a PV of pvAccess (PVNameHelper); undefined if it is all of a PV. */
function partsOfStructure(name: string): Pick<PvName, 'record' | 'path'> | undefined {
  const question = indexOutside(name, '?', 1);
  const [, requested] = question < 0 ? [] : (REQUEST.exec(name.slice(question)) ?? []);
  if (requested !== undefined) {
    return {
      record: name.slice(0, question),
      path: pathOf(requested === '' ? 'value' : requested),
    };
  }
  const slash = indexOutside(name, '/', 1);
  if (slash > 0) return { record: name.slice(0, slash), path: pathOf(name.slice(slash + 1)) };
  const [, array, element] = ELEMENT.exec(name) ?? [];
  return array === undefined ? undefined : { record: array, path: [`value${element}`] };
}

function pathOf(text: string): string[] {
  return text.split(/[/.]/).filter((part) => part !== '');
}

/** The end of the name that begins at `start`, and the dot before its field, if there is one. */
function extentOf(text: string, start: number): { end: number; dot: number | undefined } {
  let dot: number | undefined;
  let at = start;
  while (at < text.length && !BLANK.test(text.charAt(at))) {
    if (isReference(text, at)) at = referenceEnd(text, at);
    // Some sites have braces in the names of records.
    else if (dot !== undefined && '{['.includes(text.charAt(at))) at = bracketEnd(text, at);
    else if (text[at++] === '.') dot ??= at - 1;
  }
  return { end: at, dot };
}

function fieldEndOf(name: string, start: number): number {
  let at = start;
  while (at < name.length) {
    if (isReference(name, at)) at = referenceEnd(name, at);
    else if (FIELD_LETTER.test(name.charAt(at))) at++;
    else break;
  }
  return name[at] === '$' && at > start ? at + 1 : at;
}

/** The index behind JSON that begins at `start`; the length of the text if it never ends. */
function bracketEnd(text: string, start: number): number {
  let depth = 0;
  let isQuoted = false;
  for (let at = start; at < text.length; at++) {
    const character = text.charAt(at);
    if (isQuoted) {
      if (character === '\\') at++;
      else if (character === '"') isQuoted = false;
    } else if (character === '"') isQuoted = true;
    else if (character === '{' || character === '[') depth++;
    else if ((character === '}' || character === ']') && --depth === 0) return at + 1;
  }
  return text.length;
}

/** The first index from `start` on of a character that belongs to no macro; -1 if there is none. */
function indexOutside(text: string, wanted: string, start: number): number {
  for (let at = 0; at < text.length;) {
    if (isReference(text, at)) at = referenceEnd(text, at);
    else if (text[at] === wanted && at >= start) return at;
    else at++;
  }
  return -1;
}
