import { themeColour } from './dom';

/** A part of the picture: some lines of text, and what is below. */
export interface PngPart {
  readonly lines: readonly string[];
  readonly canvas?: HTMLCanvasElement | undefined;
}

const LINE_PX = 20;
const MARGIN_PX = 16;
const MIN_WIDTH_PX = 640;
/** Canvases have limits; nobody saves more. */
const MAX_HEIGHT_PX = 8000;

/** All parts below each other, as a PNG file in base64; '' if there is nothing to draw. */
export function pngOf(parts: readonly PngPart[]): string {
  const widths = parts.map(({ canvas }) => canvas?.width ?? 0);
  const height = parts.reduce(
    (sum, { lines, canvas }) => sum + lines.length * LINE_PX + (canvas?.height ?? 0) + MARGIN_PX,
    MARGIN_PX,
  );
  const whole = document.createElement('canvas');
  whole.width = Math.max(MIN_WIDTH_PX, ...widths) + 2 * MARGIN_PX;
  whole.height = Math.min(height, MAX_HEIGHT_PX);
  const context = whole.getContext('2d');
  if (!context || parts.length === 0) return '';
  context.fillStyle = themeColour('editor-background');
  context.fillRect(0, 0, whole.width, whole.height);
  context.fillStyle = themeColour('foreground');
  context.font = '14px system-ui, sans-serif';
  let y = MARGIN_PX;
  for (const { lines, canvas } of parts) {
    for (const line of lines) context.fillText(line, MARGIN_PX, (y += LINE_PX) - 5);
    if (canvas) {
      context.drawImage(canvas, MARGIN_PX, y);
      y += canvas.height;
    }
    y += MARGIN_PX;
  }
  const url = whole.toDataURL('image/png');
  return url.slice(url.indexOf(',') + 1);
}
