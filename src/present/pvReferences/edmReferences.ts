import { lines } from './lines';
import { plainText, unescaped } from './pvReference';
import type { ReferenceList } from './referenceList';

/** `controlPv`, `visPv`, `xPv`, `controlPvs`, ... */
const PV_PROPERTY = /^(?:pv|\w*Pvs?(?:Str|Name)?)$/;
const MACRO_PROPERTY = /^(?:symbols|macro|args)$/;
/** A property, `name {`, or an item of one, `0 "value"`. */
const LINE = /^[ \t]{0,40}(\w{1,60})[ \t]{1,20}(\{|"(.*)")[ \t\r]*$/;

/** Finds the PVs in displays of EDM (.edl). */
export function readEdm(text: string, list: ReferenceList): void {
  let property = '';
  for (const { line, start } of lines(text)) {
    if (list.isFull) return;
    const [, name = '', kind, value] = LINE.exec(line) ?? [];
    if (kind === '{') property = name;
    else if (line.trim() === '}') property = '';
    else if (value !== undefined) {
      const key = /^\d/.test(name) ? property : name;
      const found = unescaped(plainText(value, start + line.indexOf('"') + 1));
      if (PV_PROPERTY.test(key)) list.addPv(found);
      else if (MACRO_PROPERTY.test(key)) list.addDefinitions(found);
    }
  }
}
