import { keyOf, type WantedPv, wantedPv } from '../../model/pvList';
import { ExpansionAllowance, expandName } from './expandName';
import type { PvReference } from './pvReference';

/** The PVs of a part of a file. */
export interface PvsBetween {
  /** Each once, in the order of the file. */
  readonly pvs: readonly WantedPv[];
  /** Macros without a value, because of which others are left out; each once. */
  readonly unknownMacros: readonly string[];
}

/**
 * The PVs that a file refers to between two places, with the values of macros that the file gives;
 * at most `limit`, and as many as can be found without holding up a window.
 */
export function pvsBetween(
  references: readonly PvReference[],
  start: number,
  end: number,
  limit: number,
): PvsBetween {
  const pvs = new Map<string, WantedPv>();
  const unknownMacros = new Set<string>();
  const allowance = new ExpansionAllowance();
  const inside = references.filter(
    (reference) =>
      (reference.kind === 'pv' || reference.kind === 'guess') &&
      reference.start < end &&
      reference.end > start,
  );
  for (const { text, macros } of [...inside].sort((a, b) => a.start - b.start)) {
    if (pvs.size >= limit || allowance.isSpent) break;
    const { name, unknown } = expandName(text, macros, allowance);
    const pv = name === undefined ? undefined : wantedPv(name);
    if (pv) pvs.set(keyOf(pv), pv);
    else for (const macro of unknown) unknownMacros.add(macro);
  }
  return { pvs: [...pvs.values()], unknownMacros: [...unknownMacros] };
}
