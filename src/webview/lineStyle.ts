import { themeColour } from './dom';

/** Of the theme: dark enough on light, light enough on dark. */
const COLOURS = ['charts-blue', 'charts-red', 'charts-green', 'charts-orange', 'charts-purple'];
/** Lines of one colour differ in their dashes. */
const DASHES = [[], [8, 4], [2, 3], [8, 3, 2, 3]];

/** How a line is drawn: by its place among the lines. */
export interface LineStyle {
  readonly stroke: string;
  readonly dash: number[];
}

/** The style of the nth line. */
export function lineStyle(index: number): LineStyle {
  const dash = DASHES[Math.floor(index / COLOURS.length) % DASHES.length] ?? [];
  return { stroke: themeColour(COLOURS[index % COLOURS.length]!, 'foreground'), dash };
}
