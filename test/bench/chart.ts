/** A picture of how numbers grow: lines over logarithmic axes, as an SVG that any browser shows. */

export interface Line {
  readonly name: string;
  /** One for each size; what is not above 0 has no place on such an axis, and is left out. */
  readonly values: readonly number[];
}

/** Lines of one unit, over an axis of their own. */
export interface Panel {
  readonly axis: string;
  readonly lines: readonly Line[];
}

export interface Chart {
  readonly title: string;
  /** What the sizes are; all panels share them. */
  readonly axis: string;
  /** In ascending order, above 0. */
  readonly sizes: readonly number[];
  readonly panels: readonly Panel[];
}

const WIDTH = 880;
const PANEL_HEIGHT = 250;
/** Of a panel, around its lines; to the right of them are their names. */
const MARGIN = { left: 80, right: 290, top: 20, bottom: 30 };
const TITLE_HEIGHT = 40;
const AXIS_HEIGHT = 30;
/** Of Okabe and Ito: told apart by people who do not see all colours, too. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'];
const INK = '#222';

type Place = (value: number) => number;

/** The picture has a background of its own, so that it is legible on a dark page, too. */
export function chartOf({ title, axis, sizes, panels }: Chart): string {
  const height = TITLE_HEIGHT + panels.length * PANEL_HEIGHT + AXIS_HEIGHT;
  const place = scaleOf(sizes, MARGIN.left, WIDTH - MARGIN.right);
  const middle = (MARGIN.left + WIDTH - MARGIN.right) / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="sans-serif" font-size="13" fill="${INK}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(title, MARGIN.left, 26, 'font-size="16" font-weight="bold"'),
    ...panels.map((panel, index) => {
      const top = TITLE_HEIGHT + index * PANEL_HEIGHT;
      return `<g transform="translate(0 ${top})">\n${panelOf(panel, sizes, place)}\n</g>`;
    }),
    text(axis, middle, height - 12, 'text-anchor="middle"'),
    '</svg>\n',
  ].join('\n');
}

function panelOf({ axis, lines }: Panel, sizes: readonly number[], across: Place): string {
  const bottom = PANEL_HEIGHT - MARGIN.bottom;
  const ticks = ticksAround(lines.flatMap(({ values }) => values).filter((value) => value > 0));
  const up = scaleOf(ticks, bottom, MARGIN.top);
  const middle = (MARGIN.top + bottom) / 2;
  return [
    ...ticks.map((tick) => gridLine(MARGIN.left, up(tick), WIDTH - MARGIN.right, up(tick))),
    ...sizes.map((size) => gridLine(across(size), MARGIN.top, across(size), bottom)),
    ...ticks.map((tick) => text(label(tick), MARGIN.left - 8, up(tick) + 4, 'text-anchor="end"')),
    ...sizes.map((size) => text(label(size), across(size), bottom + 18, 'text-anchor="middle"')),
    text(axis, 20, middle, `text-anchor="middle" transform="rotate(-90 20 ${middle})"`),
    ...lines.map(({ name, values }, index) => {
      const points = values.flatMap((value, at) =>
        value > 0 ? [`${round(across(sizes[at] ?? NaN))},${round(up(value))}`] : [],
      );
      return lineOf(name, points, index);
    }),
  ].join('\n');
}

/** The line, a dot at each point, and its name beside a dot of its colour. */
function lineOf(name: string, points: readonly string[], index: number): string {
  const colour = COLOURS[index % COLOURS.length];
  const top = MARGIN.top + 10 + index * 22;
  const left = WIDTH - MARGIN.right + 20;
  const dots = [...points, `${left},${top}`].map((point) => {
    const [x, y] = point.split(',');
    return `<circle cx="${x}" cy="${y}" r="3.5" fill="${colour}"/>`;
  });
  return [
    `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...dots,
    text(name, left + 12, top + 4),
  ].join('\n');
}

/** Where a value is between two ends that are those of the scale. */
function scaleOf(scale: readonly number[], from: number, to: number): Place {
  const [least, most] = [Math.log(scale[0] ?? 1), Math.log(scale.at(-1) ?? 1)];
  return (value) => from + ((Math.log(value) - least) / (most - least || 1)) * (to - from);
}

/** 1, 2, 5, 10, ...: two or more, with all values between the first and the last. */
function ticksAround(values: readonly number[]): number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.log10(most) + 1; power++) {
    ticks.push(...[1, 2, 5].map((digit) => Number(`${digit}e${power}`)));
  }
  const first = ticks.findLastIndex((tick) => tick <= least);
  const last = ticks.findIndex((tick) => tick >= most);
  return ticks.slice(first, Math.max(last, first + 1) + 1);
}

const gridLine = (x1: number, y1: number, x2: number, y2: number): string =>
  `<path d="M${round(x1)} ${round(y1)}L${round(x2)} ${round(y2)}" stroke="#ccc"/>`;

const text = (words: string, x: number, y: number, more = ''): string =>
  `<text x="${round(x)}" y="${round(y)}"${more && ` ${more}`}>${escaped(words)}</text>`;

const label = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 6 });

const round = (value: number): number => Math.round(value * 10) / 10;

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escaped = (words: string): string =>
  words.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? '');
