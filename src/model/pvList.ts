/** Lists of PVs as text: one in each line, `#` begins a comment. */
import type { PvAddress } from './pvAddress';
import { parsePvText } from './pvName';
import type { PvProtocol } from './pvProtocol';

/** A PV that is wanted; without a protocol, over whichever has it. */
export interface WantedPv {
  readonly name: string;
  readonly protocol?: PvProtocol;
}

/** A line that is no PV. */
export interface BadLine {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** What a text has. */
export interface PvList {
  /** Each once, in order. */
  readonly pvs: readonly WantedPv[];
  readonly badLines: readonly BadLine[];
  /** PVs that were listed again. */
  readonly duplicates: number;
  /** There is more than is read. */
  readonly isCut: boolean;
}

const MAX_LINES = 10_000;
const MAX_NAME = 4000;

/** Reads a list. Takes no longer than the text is; at most 10,000 lines of it. */
export function parsePvList(text: string): PvList {
  const lines = text.split(/\r\n|\r|\n/, MAX_LINES + 1);
  const pvs = new Map<string, WantedPv>();
  const badLines: BadLine[] = [];
  let duplicates = 0;
  for (const [at, line] of lines.slice(0, MAX_LINES).entries()) {
    const written = withoutComment(line).trim();
    if (written === '') continue;
    const pv = wantedPv(written);
    if (!pv) badLines.push({ line: at + 1, text: written });
    else if (pvs.has(keyOf(pv))) duplicates++;
    else pvs.set(keyOf(pv), pv);
  }
  return { pvs: [...pvs.values()], badLines, duplicates, isCut: lines.length > MAX_LINES };
}

/** The list as text, which parsePvList reads. */
export function formatPvList(pvs: readonly WantedPv[]): string {
  return pvs.map(({ name, protocol }) => `${protocol ? `${protocol}://` : ''}${name}\n`).join('');
}

/** Identifies a PV among others. */
export function keyOf({ name, protocol }: WantedPv | PvAddress): string {
  return `${protocol ?? ''}://${name}`;
}

/** A PV as a user writes it; undefined for what cannot be one. */
export function wantedPv(text: string): WantedPv | undefined {
  const parsed = parsePvText(text);
  if (parsed?.kind !== 'pv' || parsed.name.length > MAX_NAME) return undefined;
  const { name, protocol, path } = parsed;
  // What is read of a PV is all of it.
  if (path.length > 0 || /\s/.test(name)) return undefined;
  return { name, ...(protocol && { protocol }) };
}

/** A `#` within a name is none. */
function withoutComment(line: string): string {
  return line.replace(/(^|\s)#[^]*/, '');
}
