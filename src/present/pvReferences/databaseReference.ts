import { matchAt, NO_MACROS, type PvReference, recordOf, type TextPlace } from './pvReference';

const RECORD =
  /\bg?record\s*\(\s*\w+\s*,\s*"?(?<name>(?:\$\([^)]{0,200}\)|\$\{[^}]{0,200}\}|[^"\s,)])+)/g;
/** `alias("record", "alias")` and, within a record, `alias("alias")`. */
const ALIAS = /\balias\s*\(\s*"(?<name>[^"]+)"/g;
const SECOND_ALIAS = /\balias\s*\(\s*"[^"]+"\s*,\s*"(?<name>[^"]+)"/g;
/** Fields that hold links. */
const LINK =
  /\bfield\s*\(\s*(?:INP|OUT|FLNK|LNK|DOL|SDIS|TSEL|SIOL|SIML|SELL|NVL|RDBL|RLNK|DINP|RINP|SUBL|STPL)\w*\s*,\s*"(?<name>[^"]+)"/g;

/** Finds records and links in .db, .template and .vdb files. */
export function databaseReference({ lines, line, character }: TextPlace): PvReference | undefined {
  const text = lines[line] ?? '';
  if (/^\s*#/.test(text)) return undefined;
  const found =
    matchAt(text, character, RECORD) ??
    matchAt(text, character, SECOND_ALIAS) ??
    matchAt(text, character, ALIAS) ??
    linkAt(text, character);
  if (!found) return undefined;
  const name = recordOf(found.text);
  const end = found.start + name.length;
  // On the field or a modifier of a link, the user does not mean its record.
  if (character > end) return undefined;
  return { text: name, start: found.start, end, isPart: false, macros: NO_MACROS };
}

function linkAt(text: string, character: number): ReturnType<typeof matchAt> {
  const found = matchAt(text, character, LINK);
  // Constants, hardware addresses and JSON links name no record.
  return found && !/^\s*([@#{[]|[-+.]?\d)/.test(found.text) ? found : undefined;
}
