import type { Clock } from '../../base/clock';
import { LruMap } from '../../base/lruMap';
import type { PvStep } from '../../model/pvTable';

/** How many answers are kept. */
const MAX_ANSWERS = 1000;
/** How long a no counts: servers learn new names. */
const NO_REMEMBERED_MS = 5000;

interface Answer {
  readonly step: PvStep;
  /** By the clock. */
  readonly untilMs: number;
}

/**
 * What servers said about names that their IOCs do not report. Nothing else is kept of a name that
 * somebody asked for, so that asking changes no count.
 */
export class AskedNames {
  readonly #clock: Clock;
  readonly #answers = new LruMap<string, Answer>(MAX_ANSWERS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How far the PV gets at that server; 'pending' if it must be asked. */
  stepOf(serverKey: string, name: string): PvStep {
    const answer = this.#answers.get(keyOf(serverKey, name));
    return answer && answer.untilMs > this.#clock.nowMs() ? answer.step : 'pending';
  }

  /** Notes an answer; yes counts until another one. */
  note(serverKey: string, name: string, step: PvStep): void {
    const untilMs = step === 'not-found' ? this.#clock.nowMs() + NO_REMEMBERED_MS : Infinity;
    this.#answers.set(keyOf(serverKey, name), { step, untilMs });
  }
}

function keyOf(serverKey: string, name: string): string {
  return `${serverKey}\n${name}`;
}
