/** What a benchmark tells: a number of ours, beside a peer's and a goal where there is one. */

export type Goal =
  /** Ours is to be below this. */
  | { readonly kind: 'below'; readonly limit: number }
  /** The peer's number is to be this many times ours. */
  | { readonly kind: 'times-less'; readonly factor: number }
  /** Ours is to be this many times the peer's, or less. */
  | { readonly kind: 'at-most'; readonly factor: number }
  /** More is better: ours is to be this many times the peer's, or more. */
  | { readonly kind: 'at-least'; readonly factor: number };

export interface Figure {
  readonly what: string;
  readonly unit: string;
  /** NaN: not known. */
  readonly ours: number;
  readonly peer?: { readonly name: string; readonly value: number };
  readonly goal?: Goal;
  /** What one should know of this number: single runs, how wide they spread. */
  readonly note?: string;
}

/** What a figure says beside its peer and its goal, as cells of a table. */
export function cellsOf({ what, unit, ours, peer, goal, note }: Figure): string[] {
  const ratio = peer && peer.value / ours;
  return [
    what,
    withUnit(ours, unit),
    peer ? `${withUnit(peer.value, unit)} (${peer.name})` : '',
    ratio === undefined || !Number.isFinite(ratio) ? '' : `${round(ratio)} x`,
    goal ? goalText(goal, unit) : '',
    goal ? verdict(ours, peer?.value, goal) : '',
    note ?? '',
  ];
}

function withUnit(value: number, unit: string): string {
  return Number.isNaN(value) ? 'not known' : `${round(value)} ${unit}`;
}

function goalText(goal: Goal, unit: string): string {
  switch (goal.kind) {
    case 'below':
      return `< ${goal.limit} ${unit}`;
    case 'times-less':
      return `${goal.factor} times less than the peer`;
    case 'at-most':
      return `at most ${goal.factor} times the peer`;
    case 'at-least':
      return `at least ${goal.factor} times the peer`;
  }
}

function verdict(ours: number, peer: number | undefined, goal: Goal): string {
  const isKnown = goal.kind === 'below' || (peer !== undefined && !Number.isNaN(peer));
  if (Number.isNaN(ours) || !isKnown) return 'not known';
  const margin = marginOf(ours, (peer ?? 0) / ours, goal);
  // Not finite: none of what is to be little, beside a peer with none too.
  if (!Number.isFinite(margin)) return 'met';
  if (margin === 0) return 'missed';
  return margin >= 1
    ? `met, ${round(margin)} times over`
    : `missed by a factor ${round(1 / margin)}`;
}

/** How many times over a goal is met. */
function marginOf(ours: number, ratio: number, goal: Goal): number {
  switch (goal.kind) {
    case 'below':
      return goal.limit / ours;
    case 'times-less':
      return ratio / goal.factor;
    case 'at-most':
      return ratio * goal.factor;
    case 'at-least':
      return 1 / (ratio * goal.factor);
  }
}

/** A Markdown table; empty columns are left out. */
export function tableOf(figures: readonly Figure[]): string {
  const header = ['figure', 'ours', 'peer', 'peer / ours', 'goal', 'goal met?', 'note'];
  const rows = figures.map(cellsOf);
  const used = header.map((_, column) => rows.some((row) => row[column] !== ''));
  const line = (cells: readonly string[]): string =>
    `| ${cells.filter((_, column) => used[column]).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Three significant digits. */
export function round(value: number): string {
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 4));
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The nearest-rank percentile: a value that was measured. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

/** All runs of a figure, for its note. */
export function runsNote(values: readonly number[]): string {
  return `runs: ${values.map(round).join(' ')}`;
}
