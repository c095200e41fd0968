import type { Problem } from '../../model/problem';
import type { PvReading } from '../../model/reading';
import type { ReadingSource } from '../upstream/protocolAdapter';

/** Takes the values of a PV, each as it comes. */
export interface ValueSink {
  /** `source`: what the reading was made from. */
  value(reading: PvReading, source?: ReadingSource): void;
  /** Why there are no values now. */
  interrupted(problem: Problem): void;
}
