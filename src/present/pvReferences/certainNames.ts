import { parsePvText } from '../../model/pvName';
import { ExpansionAllowance, expandName } from './expandName';
import type { PvReference } from './pvReference';

/** A PV whose name is certain wherever its file is loaded. */
export interface CertainName {
  /** Of its record. */
  readonly name: string;
  /** Where it stands in the file, in characters from 0; the end is excluded. */
  readonly start: number;
  readonly end: number;
}

/**
 * The references whose names depend on no macro of whoever loads the file, at most `limit`; as
 * many as can be found without holding up a window.
 */
export function certainNames(references: readonly PvReference[], limit: number): CertainName[] {
  const found: CertainName[] = [];
  const allowance = new ExpansionAllowance();
  for (const { kind, text, start, end, macros } of references) {
    if (found.length >= limit || allowance.isSpent) break;
    if (kind !== 'pv') continue;
    const { name, pattern } = expandName(text, macros, allowance);
    const parsed = name === pattern ? parsePvText(name) : undefined;
    if (parsed?.kind === 'pv') found.push({ name: parsed.record, start, end });
  }
  return found;
}
