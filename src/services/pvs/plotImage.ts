import { encodeBase64 } from '../../base/base64';
import {
  PLOT_LIMITS,
  type PlotEncodedImage,
  type PlotImage,
  type PlotText,
} from '../../model/plotValue';
import { elementType } from '../../model/preview';
import type { PvaStructureValue } from '../../protocol/pva';
import { summaryOf } from '../upstream/normativeSummary';

/** Which dimension is that of the colours: areaDetector's RGB1, RGB2 and RGB3 (NDColorMode_t). */
const COLOUR_DIMENSION: Readonly<Record<number, number>> = { 2: 0, 3: 1, 4: 2 };
const MIN_SIDE = 32;
/** Pixels of an image that a browser decodes; areaDetector's cameras have 50 million at most. */
const MAX_DECODED = 64_000_000;

type Numbers = ArrayLike<number | bigint>;

/** How the pixels of an image lie in its array. */
interface Layout {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** Elements from one pixel, line or colour to the next. */
  readonly strideX: number;
  readonly strideY: number;
  readonly strideColour: number;
}

/**
 * An NTNDArray of two dimensions, or three with colours, as a panel of that size can draw it: as
 * many of its pixels, evenly spread. One that is compressed in a way that browsers do not know, or that
 * is not as big as it says, is told in words. Undefined for other structures.
 */
export function drawnImage(
  structure: PvaStructureValue,
  size: { width: number; height: number },
): PlotImage | PlotEncodedImage | PlotText | undefined {
  const { value, codec, dimension } = structure;
  if (!isStructure(value) || !isStructure(codec) || !Array.isArray(dimension)) return undefined;
  const sizes = dimension.map((one: unknown) => (isStructure(one) ? numberIn(one['size']) : NaN));
  const { value: elements } = value;
  if (sizes.length < 2 || !ArrayBuffer.isView(elements)) return undefined;
  const inWords: PlotText = { kind: 'text', text: '', summary: summaryOf(structure) ?? '' };
  const layout = layoutOf(sizes, colourModeOf(structure['attribute']));
  if (!layout) return inWords;
  const codecName = codec['name'];
  if (codecName === 'jpeg') return encoded(elements, layout) ?? inWords;
  if (typeof codecName === 'string' && codecName !== '') return inWords;
  const numbers = elements as unknown as Numbers;
  const { width, height, channels } = layout;
  if (numbers.length < width * height * channels) return inWords;
  return reduced(numbers, layout, size);
}

function encoded(elements: ArrayBufferView, layout: Layout): PlotEncodedImage | undefined {
  if (elements.byteLength > PLOT_LIMITS.encodedBytes) return undefined;
  const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
  const { width: fullWidth, height: fullHeight } = layout;
  const pixels = jpegPixels(bytes);
  // A grey one of 250 million pixels fits into 500 kB, and takes the window a gigabyte.
  if (pixels === undefined || pixels > MAX_DECODED) return undefined;
  return { kind: 'encoded', mime: 'image/jpeg', bytes: encodeBase64(bytes), fullWidth, fullHeight };
}

/** Pixels that a JPEG file says it has, in its first frame header; undefined if it has none. */
function jpegPixels(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Behind the start of the image, segments: 0xff, type, length.
  for (let at = 2; at + 9 <= bytes.length;) {
    const type = view.getUint16(at);
    if (type === 0xffff) at++;
    else if (type >= 0xffc0 && type <= 0xffcf && !NO_FRAME.includes(type)) {
      return view.getUint16(at + 5) * view.getUint16(at + 7);
    } else if (type < 0xffc0 || type === 0xffda) return undefined;
    else at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

/** Tables of codes among the types of frames. */
const NO_FRAME = [0xffc4, 0xffc8, 0xffcc];

function layoutOf(sizes: readonly number[], mode: number | undefined): Layout | undefined {
  if (!sizes.every((size) => Number.isSafeInteger(size) && size > 0)) return undefined;
  const [a = 0, b = 0, c = 0] = sizes;
  if (sizes.length === 2) {
    return { ...{ width: a, height: b, channels: 1 }, ...strides(1, a, 0) };
  }
  if (sizes.length !== 3) return undefined;
  // Without an attribute, the dimension of three is that of the colours.
  const colourAt = COLOUR_DIMENSION[mode ?? -1] ?? sizes.indexOf(3);
  if (sizes[colourAt] !== 3) return undefined;
  if (colourAt === 0) return { ...{ width: b, height: c, channels: 3 }, ...strides(3, 3 * b, 1) };
  if (colourAt === 1) return { ...{ width: a, height: c, channels: 3 }, ...strides(1, 3 * a, a) };
  return { ...{ width: a, height: b, channels: 3 }, ...strides(1, a, a * b) };
}

function strides(
  strideX: number,
  strideY: number,
  strideColour: number,
): Pick<Layout, 'strideX' | 'strideY' | 'strideColour'> {
  return { strideX, strideY, strideColour };
}

function reduced(
  elements: Numbers,
  layout: Layout,
  size: { width: number; height: number },
): PlotImage {
  const { channels, strideX, strideY, strideColour } = layout;
  const scale = scaleOf(layout, size);
  const width = Math.max(1, Math.floor(layout.width * scale));
  const height = Math.max(1, Math.floor(layout.height * scale));
  const drawn = new Float64Array(width * height * channels);
  let [min, max] = [Infinity, -Infinity];
  let to = 0;
  for (let y = 0; y < height; y++) {
    const line = Math.floor((y * layout.height) / height) * strideY;
    for (let x = 0; x < width; x++) {
      const from = line + Math.floor((x * layout.width) / width) * strideX;
      for (let colour = 0; colour < channels; colour++) {
        const one = Number(elements[from + colour * strideColour]);
        drawn[to++] = one;
        if (one < min) min = one;
        if (one > max) max = one;
      }
    }
  }
  // Of nothing but NaN.
  if (min > max) min = max = NaN;
  const type = elementType(elements) ?? 'number';
  return {
    kind: 'image',
    ...{ width, height, channels },
    pixels: encodeBase64(
      toBytes(drawn, channels === 3 && type === 'ubyte' ? [0, 255] : [min, max]),
    ),
    ...{ fullWidth: layout.width, fullHeight: layout.height, type, min, max },
  };
}

/** How much smaller it is drawn, so that it fits into the panel, and into a message; at most 1. */
function scaleOf(
  { width, height, channels }: Layout,
  size: { width: number; height: number },
): number {
  const most = (pixels: number): number => Math.max(MIN_SIDE, Math.floor(pixels));
  const fitting = Math.sqrt(PLOT_LIMITS.imageBytes / (width * height * channels));
  return Math.min(1, most(size.width) / width, most(size.height) / height, fitting);
}

/** From `low` is 0 to `high` is 255; what is all the same is grey. */
function toBytes(numbers: Float64Array, [low, high]: readonly [number, number]): Uint8Array {
  const isFlat = !(high > low);
  const scale = isFlat ? 255 : 255 / (high - low);
  const base = isFlat ? low - 0.5 : low;
  const bytes = new Uint8Array(numbers.length);
  for (let at = 0; at < numbers.length; at++) {
    const byte = (numbers[at]! - base) * scale;
    bytes[at] = byte > 0 ? Math.min(255, Math.round(byte)) : 0; // NaN is black
  }
  return bytes;
}

/** The attribute ColorMode, see COLOUR_DIMENSION. */
function colourModeOf(attributes: unknown): number | undefined {
  if (!Array.isArray(attributes)) return undefined;
  for (const attribute of attributes.slice(0, MAX_ATTRIBUTES) as unknown[]) {
    if (!isStructure(attribute) || attribute['name'] !== 'ColorMode') continue;
    const { value } = attribute;
    const mode = isStructure(value) ? value['value'] : value;
    return typeof mode === 'number' ? mode : undefined;
  }
  return undefined;
}

/** areaDetector's cameras have some hundred. */
const MAX_ATTRIBUTES = 1000;

/** A structure may have what makes `Number` throw. */
function numberIn(value: unknown): number {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : NaN;
}

function isStructure(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value)
  );
}
