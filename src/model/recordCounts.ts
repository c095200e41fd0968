import { PV_STEPS, type PvSteps } from './pvTable';
import type { PvCounts } from './snapshot';

/** What a PV counts as that several servers have: the best of what it is at each. */
const COUNTED_AS = ['nothing', 'unreachable', 'pending', 'unreadable', 'reachable'] as const;

const RANKS = Uint8Array.from(PV_STEPS, (step) => {
  switch (step) {
    case 'not-served':
      return COUNTED_AS.indexOf('nothing');
    case 'pending':
      return COUNTED_AS.indexOf('pending');
    case 'no-read-access':
      return COUNTED_AS.indexOf('unreadable');
    case 'reachable':
      return COUNTED_AS.indexOf('reachable');
    default:
      return COUNTED_AS.indexOf('unreachable');
  }
});

/**
 * Counts the names of an IOC, each once, by the best of what it is at the IOC's servers. `steps` are
 * those of its servers.
 */
export function countRecords(steps: readonly PvSteps[]): PvCounts {
  const ranks = new Uint8Array(Math.max(0, ...steps.map(({ size }) => size)));
  for (const { codes } of steps) {
    for (let index = 0; index < codes.length; index++) {
      const rank = RANKS[codes[index] ?? 0] ?? 0;
      if (rank > (ranks[index] ?? 0)) ranks[index] = rank;
    }
  }
  const counts = COUNTED_AS.map(() => 0);
  for (const rank of ranks) counts[rank] = (counts[rank] ?? 0) + 1;
  const [nothing = 0, , pending = 0, unreadable = 0, reachable = 0] = counts;
  return {
    total: ranks.length - nothing,
    reachable,
    ...(unreadable > 0 && { unreadable }),
    pending,
  };
}
