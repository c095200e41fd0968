import { matchAt, type PvReference, type TextPlace } from './pvReference';

const PV_ELEMENT =
  /<(?:pv_name|pv|x_pv|y_pv|err_pv|pv_value|selection_pv|value_pv)(?:\s[^<>]*)?>(?<name>[^<]+)</g;
const MACROS_START = '<macros>';
const MACROS_END = '</macros>';
const MACRO = /<([A-Za-z_][\w.-]*)>([^<]*)<\/\1>/g;
/** PVs without an IOC: local, simulated, computed. */
const NOT_EPICS = /^(loc|sim|sys|eq|mqtt|tango|formula):\/\/|^=/;

/** Finds PVs in Phoebus displays (.bob). */
export function bobReference({ lines, line, character }: TextPlace): PvReference | undefined {
  const found = matchAt(lines[line] ?? '', character, PV_ELEMENT);
  if (!found || NOT_EPICS.test(found.text)) return undefined;
  const scheme = /^\s*(?:(?:ca|pva):\/\/)?/.exec(found.text)?.[0] ?? '';
  const text = found.text.slice(scheme.length).trimEnd();
  const start = found.start + scheme.length;
  return {
    text: decodeXml(text),
    start,
    end: start + text.length,
    isPart: false,
    macros: macrosBefore(lines.slice(0, line).join('\n')),
  };
}

/** Macros of this display and of the widgets before; a later definition is nearer and wins. */
function macrosBefore(text: string): Record<string, string> {
  const macros: Record<string, string> = {};
  for (let at = text.indexOf(MACROS_START); at >= 0;) {
    const end = text.indexOf(MACROS_END, at);
    if (end < 0) break;
    const block = text.slice(at + MACROS_START.length, end);
    for (const [, key = '', value = ''] of block.matchAll(MACRO)) macros[key] = decodeXml(value);
    at = text.indexOf(MACROS_START, end);
  }
  return macros;
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decodeXml(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}
