/**
 * What crosses to a window that plots a PV: as much as it can draw, however big the value is. An
 * image of a million pixels becomes one of as many as the panel has.
 */
import type { Problem } from './problem';
import type { PvAddress } from './pvAddress';

/** Which PV to plot, and how large the place is where images and waveforms are drawn. */
export interface PlotRequest extends PvAddress {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
}

/** An update of a plotted PV. */
export type PlotUpdate =
  | PlotReading
  /** Why no values come now. */
  | { readonly kind: 'interrupted'; readonly problem: Problem };

/** A value as far as it can be drawn, with its metadata (see PvReading). */
export interface PlotReading {
  readonly kind: 'value';
  readonly value: PlotValue;
  readonly units?: string;
  readonly precision?: number;
  readonly severity: string;
  readonly alarmMessage?: string;
  /** ISO 8601; absent when the record was never processed. */
  readonly time?: string;
}

/** A value as far as it can be drawn. */
export type PlotValue =
  | PlotNumber
  | PlotChoice
  | PlotString
  | PlotText
  | PlotWave
  | PlotImage
  | PlotEncodedImage
  | PlotTable;

/** A number; NaN and the infinities are values, too. */
export interface PlotNumber {
  readonly kind: 'number';
  readonly value: number;
  /** Lowest and highest number since the previous update, if there were several. */
  readonly range?: readonly [number, number];
}

/** The state of an enum, or of a boolean. */
export interface PlotChoice {
  readonly kind: 'choice';
  /** Which of `choices`; may be none of them. */
  readonly index: number;
  readonly choices: readonly string[];
}

/** A string that is short enough to be a state. */
export interface PlotString {
  readonly kind: 'string';
  readonly text: string;
}

/** A long string, a structure, or whatever else cannot be drawn, in words. */
export interface PlotText {
  readonly kind: 'text';
  readonly text: string;
  /** What it is, such as `NTNDArray 1000x1000 ubyte, codec blosc, 4711 bytes`; '' for a string. */
  readonly summary: string;
}

/** An array of numbers. */
export interface PlotWave {
  readonly kind: 'wave';
  /** Elements of the array. */
  readonly count: number;
  /**
   * Doubles (base/base64). Without `high` all elements; with it, the lowest of each of as many
   * equally long parts.
   */
  readonly low: string;
  /** The highest number of each part. */
  readonly high?: string;
}

/** An image, or as many of its pixels as are shown. */
export interface PlotImage {
  readonly kind: 'image';
  readonly width: number;
  readonly height: number;
  /** 1: grey; 3: red, green, blue. */
  readonly channels: 1 | 3;
  /** Bytes in base64, line by line; the lowest number is 0, the highest 255. */
  readonly pixels: string;
  /** Size of the whole image. */
  readonly fullWidth: number;
  readonly fullHeight: number;
  /** Type of its elements, such as ushort. */
  readonly type: string;
  /** The lowest and the highest number in `pixels`, before they became bytes. */
  readonly min: number;
  readonly max: number;
}

/** An image that browsers can decode. */
export interface PlotEncodedImage {
  readonly kind: 'encoded';
  readonly mime: 'image/jpeg';
  /** The file in base64. */
  readonly bytes: string;
  readonly fullWidth: number;
  readonly fullHeight: number;
}

/** The first rows of a table. */
export interface PlotTable {
  readonly kind: 'table';
  readonly labels: readonly string[];
  /** Each as long as `labels`. */
  readonly rows: readonly (readonly string[])[];
  /** Of the whole table. */
  readonly rowCount: number;
  readonly columnCount: number;
}

/** Limits of what crosses; the schema of the messages has the same. */
export const PLOT_LIMITS = {
  /** Pixels of a panel, in each direction. */
  panelPixels: 4096,
  /**
   * Bytes of an image's pixels. In base64 less than 128 KiB: V8 collects longer strings only with all
   * other garbage, and ten a second let the window's process grow by 60 MB.
   */
  imageBytes: 256 * 256,
  /** Bytes of an image that the browser decodes. */
  encodedBytes: 512 * 1024,
  /** Parts of a waveform. */
  waveParts: 1000,
  tableCells: 2000,
  tableColumns: 32,
  cellCharacters: 100,
  choices: 256,
  /** A longer string is no state. */
  stringCharacters: 100,
  textCharacters: 4000,
} as const;
