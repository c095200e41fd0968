/** What a plot's page and the extension say to each other. All of it is plain data. */
import type { PlotEncodedImage, PlotImage, PlotTable, PlotWave } from '../../model/plotValue';
import type { PvAddress } from '../../model/pvAddress';
import type { EncodedPoints } from './pvHistory';

/** What is drawn of a value that is no point in time. */
export type Picture =
  | PlotWave
  | PlotImage
  | PlotEncodedImage
  | PlotTable
  | { readonly kind: 'text'; readonly text: string };

/** What is written about a PV. */
export interface TrackWords {
  /** With as many digits as its record asks for. */
  readonly value: string;
  readonly unit: string;
  /** NO_ALARM, MINOR, MAJOR, INVALID, UNDEFINED; '' before the first value. */
  readonly severity: string;
  /** The alarm in words. */
  readonly alarm: string;
  readonly time: string;
  /** Why there is no value, or no newer one; '' if there is. */
  readonly reason: string;
}

/** A change of one PV. */
export interface TrackNews {
  /** Names the PV among those of the panel. */
  readonly id: number;
  readonly words: TrackWords;
  /** Newer points; those of before do not count any more if `isNew`. */
  readonly points: EncodedPoints;
  readonly isNew: boolean;
  /** Whether its points are drawn as a line. */
  readonly isLine: boolean;
  /** Names of the values 0, 1, ... of a line of states. */
  readonly states?: readonly string[];
  /** Digits after the point that its record asks for. */
  readonly precision?: number;
  /** Absent: as before; null: none. */
  readonly picture?: Picture | null;
}

/** A PV of a panel. */
export interface Track extends PvAddress {
  readonly id: number;
  /** Its name as text for people. */
  readonly label: string;
}

/** What a page is told. */
export type ToPlot =
  /** All PVs of the panel. */
  | { readonly type: 'tracks'; readonly tracks: readonly Track[] }
  /** Is answered by `drawn`; nothing more is sent before. */
  | { readonly type: 'news'; readonly news: readonly TrackNews[] }
  | { readonly type: 'names'; readonly names: readonly string[] }
  /** A sentence for the user. */
  | { readonly type: 'notice'; readonly text: string };

/** What a page says. */
export type FromPlot =
  /** It listens, and has this many pixels for a picture. */
  | { readonly type: 'ready'; readonly width: number; readonly height: number }
  | { readonly type: 'size'; readonly width: number; readonly height: number }
  | { readonly type: 'drawn' }
  | { readonly type: 'add'; readonly text: string }
  | { readonly type: 'remove'; readonly id: number }
  /** The user has typed this, and wants to see names. */
  | { readonly type: 'suggest'; readonly text: string }
  | { readonly type: 'csv' }
  /** A PNG file in base64. */
  | { readonly type: 'png'; readonly bytes: string };

/** What a page remembers over reloads of the window. */
export interface PlotState {
  readonly pvs: readonly PvAddress[];
}
