import { matchAt, type PvReference, recordOf, type TextPlace } from './pvReference';

/** Commands whose first argument is a record. */
const RECORD_COMMAND =
  /^\s*(?:dbpf|dbgf|dbpr|dbtr|dbtgf|dbtpf|dbtpn|dba|tpn|dbap|dbb|dbd|dbc|caget|caput|camonitor|pvget|pvput)[\s(]+"?(?<name>(?:\$\([^)]{0,200}\)|\$\{[^}]{0,200}\}|[^"\s,)])+)/g;
/** `NAME=value` in the text of a macro argument. */
const MACRO_VALUE =
  /\b[A-Za-z_]\w*\s*=\s*(?<name>(?:\$\([^)]{0,200}\)|\$\{[^}]{0,200}\}|[^"',\s])+)/g;
const ENVIRONMENT =
  /^\s*epicsEnvSet[\s(]+"?(?<key>\w+)"?[\s,]+(?:"(?<quoted>[^"]*)"|(?<plain>[^\s,)"][^\s)"]*))/;

/** Finds PVs and macro values in st.cmd and other scripts of the IOC shell. */
export function shellReference(place: TextPlace): PvReference | undefined {
  const { lines, line, character } = place;
  const text = lines[line] ?? '';
  if (/^\s*#/.test(text)) return undefined;
  const macros = environmentBefore(place);
  const record = matchAt(text, character, RECORD_COMMAND);
  if (record) {
    const name = recordOf(record.text);
    return { text: name, ...range(record.start, name), isPart: false, macros };
  }
  const set = ENVIRONMENT.exec(text);
  const value = set?.groups?.['quoted'] ?? set?.groups?.['plain'];
  if (set && value !== undefined && value !== '') {
    const start = set[0].lastIndexOf(value);
    const isOn = character >= start && character <= start + value.length;
    return isOn ? { text: value, ...range(start, value), isPart: true, macros } : undefined;
  }
  const part = matchAt(text, character, MACRO_VALUE);
  return part && { text: part.text, ...range(part.start, part.text), isPart: true, macros };
}

function range(start: number, text: string): Pick<PvReference, 'start' | 'end'> {
  return { start, end: start + text.length };
}

/** The environment of the shell when it reaches that line. */
function environmentBefore({ lines, line }: TextPlace): Record<string, string> {
  const macros: Record<string, string> = {};
  for (const text of lines.slice(0, line)) {
    const { key, quoted, plain } = ENVIRONMENT.exec(text)?.groups ?? {};
    if (key !== undefined) macros[key] = quoted ?? plain ?? '';
  }
  return macros;
}
