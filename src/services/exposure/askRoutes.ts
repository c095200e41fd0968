import type { Turn } from '../../base/limit';
import type { Clock } from '../../base/clock';
import { isErrorCode, messageOf } from '../../base/errors';
import type { Route } from '../host/connection';
import type { ServerIdentity } from '../discovery/detect/serverIdentity';

/** What came of asking by one route. */
export interface RouteOutcome {
  readonly route: Route;
  /** Set if a server answered. */
  readonly identity?: ServerIdentity;
  /** Why not; absent beside an identity, and where the answer was of neither protocol. */
  readonly detail?: string;
  /** It ended with its deadline. */
  readonly isLate: boolean;
  /** The route led to a listener. */
  readonly isConnected: boolean;
}

/** How to ask by routes. */
export interface AskRoutesInput {
  /** Asks by one route, with a deadline; `onConnected` is called when that led to a listener. */
  readonly ask: (route: Route, onConnected: () => void) => Promise<ServerIdentity | undefined>;
  /** When the next route is asked, too, ms; absent: when the one before has failed. */
  readonly nextAfterMs?: number;
  readonly onOutcome: (outcome: RouteOutcome) => void;
  /**
   * Servers that are asked by their first route at the same time: where very many are found at once,
   * each waits for its turn, and not for an answer that is slow only because of the others. A turn ends
   * after half a second: what is silent keeps nobody waiting.
   */
  readonly turns: Turn;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Of a route beside which no other is asked. */
const TURN_MS = 500;

interface Asking {
  readonly route: Route;
  readonly ended: Promise<void>;
  isConnected: boolean;
  outcome?: RouteOutcome;
}

/**
 * Asks by each route, best first, until one answers: then those before it that still try are waited
 * for. Returns what came of all that were asked. Rejects with CancelledError, and only before it asked.
 */
export async function askRoutes(
  routes: readonly Route[],
  { ask, nextAfterMs, onOutcome, turns, clock, signal }: AskRoutesInput,
): Promise<readonly RouteOutcome[]> {
  const asked: Asking[] = [];
  const hasAnswer = (): boolean => asked.some(({ outcome }) => outcome?.identity !== undefined);
  for (const route of routes) {
    // From inside, another way leads to the same socket.
    if (hasAnswer() || asked.some((one) => isAgent(one.route) && one.isConnected)) break;
    const others = asked.filter(({ outcome }) => !outcome).map(({ ended }) => ended);
    const askNow = async (): Promise<Asking> => {
      const asking = begin(route, ask, onOutcome);
      asked.push(asking);
      await Promise.race([
        asking.ended,
        ...others,
        later(clock, nextAfterMs ?? TURN_MS, asking.ended),
      ]);
      return asking;
    };
    const { ended } = asked.length > 0 ? await askNow() : await turns.run(signal, askNow);
    if (nextAfterMs === undefined) await Promise.race([ended, ...others]);
  }
  for (const { ended } of asked) await ended;
  return asked.flatMap(({ outcome }) => outcome ?? []);
}

/** Whether an agent of ours connects inside the container: then it is known that it connected. */
function isAgent({ kind }: Route): boolean {
  return kind === 'entered' || kind === 'exec-node' || kind === 'exec-python';
}

const never = new Promise<void>(() => undefined);

function begin(
  route: Route,
  ask: AskRoutesInput['ask'],
  onOutcome: AskRoutesInput['onOutcome'],
): Asking {
  const asking: { -readonly [K in keyof Asking]: Asking[K] } = {
    route,
    ended: never,
    isConnected: false,
  };
  const end = (part: Partial<RouteOutcome>): void => {
    const { isConnected } = asking;
    asking.outcome = { route, isLate: false, isConnected, ...part };
    onOutcome(asking.outcome);
  };
  asking.ended = ask(route, () => (asking.isConnected = true)).then(
    (identity) => end(identity ? { identity } : {}),
    (error: unknown) => end({ detail: messageOf(error), isLate: isErrorCode(error, 'timeout') }),
  );
  return asking;
}

/** After that time; what it waits with ends with `ended`. */
function later(clock: Clock, delayMs: number, ended: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(delayMs, resolve);
    void ended.then(() => timer.dispose());
  });
}
