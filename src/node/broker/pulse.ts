import type { Clock } from '../../base/clock';
import { type Disposable, toDisposable } from '../../base/disposable';

/** How long after an answer the next question is put. */
const PAUSE_MS = 2000;
/** Who has not answered by then is silent. Longer than any turn of a busy broker's event loop. */
const SILENT_MS = 5000;

/** What watching a pulse needs. */
export interface PulseInput {
  /** Puts a question that costs nothing; settles with the answer, or when it is given up. */
  readonly ask: () => Promise<unknown>;
  /** Fires when it falls silent and when it answers again. */
  readonly onChange: (isSilent: boolean) => void;
  readonly clock: Clock;
}

/**
 * Notices that a process whose connection stands has stopped answering: suspended, swapped out or
 * stuck. Until disposed.
 */
export function watchPulse({ ask, onChange, clock }: PulseInput): Disposable {
  let isEnded = false;
  let isSilent = false;
  let timer: Disposable;
  const set = (value: boolean): void => {
    if (isEnded || value === isSilent) return;
    isSilent = value;
    onChange(value);
  };
  const look = (): void => {
    timer = clock.after(clock.stretch(SILENT_MS), () => set(true));
    const next = (hasAnswered: boolean): void => {
      timer.dispose();
      if (isEnded) return;
      set(!hasAnswered);
      timer = clock.after(PAUSE_MS, look);
    };
    ask().then(
      () => next(true),
      () => next(false),
    );
  };
  timer = clock.after(PAUSE_MS, look);
  return toDisposable(() => {
    isEnded = true;
    timer.dispose();
  });
}
