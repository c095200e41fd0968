/** How long a command waits: for what it was asked for, and not for the slowest of everything. */
import type { Clock } from '../base/clock';
import { DisposableStore, toDisposable } from '../base/disposable';
import type { CoreApi, PvDetailsQuery, PvPath } from '../model/coreApi';
import { placeOfServer, type PvProtocol, type Snapshot } from '../model/snapshot';

/** After this, a look is used as it is, although something still does not answer. */
export const SETTLE_TIMEOUT_MS = 20_000;
/** How long the first table waits for slow ones when there is something to show. */
const FIRST_TABLE_MS = 5000;
/** How long to wait for servers that are asked for a name. */
const ASK_MS = 1000;

/** When a command need not wait for more. */
export interface Enough {
  /** When to ask for the first time, in milliseconds. */
  readonly afterMs: number;
  /** When to use what is there, in milliseconds, busy or not. Absent: SETTLE_TIMEOUT_MS. */
  readonly latestMs?: number;
  /** Whether nothing more needs to be waited for. */
  readonly isEnough: (core: CoreApi, signal: AbortSignal) => boolean | Promise<boolean>;
}

/** For a table: a PV is reachable, and the others had some time. */
export const SOMETHING_TO_SHOW: Enough = {
  afterMs: FIRST_TABLE_MS,
  isEnough: ({ snapshot }) => serversOf(snapshot).some(({ pvs }) => pvs.reachable > 0),
};

/** For reading PVs: each is known, over the protocol that is asked for or (undefined) over both. */
export function pvsKnown(
  wanted: readonly (Omit<PvDetailsQuery, 'maxWaitMs'> & {
    readonly protocol: PvProtocol | undefined;
  })[],
): Enough {
  return {
    afterMs: 0,
    async isEnough(core, signal) {
      for (const { protocol, ...pv } of wanted) {
        // Servers are asked for a name that no IOC reports.
        const known = await core.describePv({ ...pv, maxWaitMs: 0 }, signal);
        const { paths } =
          known.paths.length > 0
            ? known
            : await core.describePv({ ...pv, maxWaitMs: ASK_MS }, signal);
        const asked = paths.filter(({ row }) => (protocol ?? row.protocol) === row.protocol);
        if (!asked.some((path) => isKnown(path, paths, core.snapshot))) return false;
      }
      return true;
    },
  };
}

/** Whether its server has answered about it, and so have the other servers of its IOC. */
function isKnown({ row }: PvPath, paths: readonly PvPath[], snapshot: Snapshot): boolean {
  if (row.step !== 'reachable' && row.step !== 'create-refused') return false;
  const ioc = placeOfServer(snapshot, row.serverKey)?.ioc;
  const keys = new Set(ioc?.servers.map(({ key }) => key));
  return (
    ioc?.servers.every(({ status }) => status !== 'identifying') === true &&
    paths.every((path) => !keys.has(path.row.serverKey) || path.row.step !== 'pending')
  );
}

function serversOf(snapshot: Snapshot): Snapshot['containers'][number]['iocs'][number]['servers'] {
  return snapshot.containers.flatMap(({ iocs }) => iocs.flatMap(({ servers }) => servers));
}

/**
 * Waits until the core is settled or `enough`, or the deadline passes. Never rejects: later
 * requests show what is wrong.
 */
export function untilSettled(
  core: CoreApi,
  clock: Clock,
  signal: AbortSignal,
  enough?: Enough,
): Promise<void> {
  return new Promise((resolve) => {
    const store = new DisposableStore();
    let isEnoughAsked = enough?.afterMs === 0;
    let isAsking = false;
    let isAskedAgain = false;
    const finish = (): void => {
      store.dispose();
      resolve();
    };
    const askEnough = async (): Promise<void> => {
      if (!enough || !isEnoughAsked) return;
      isAskedAgain = isAsking;
      if (isAsking) return;
      isAsking = true;
      do {
        isAskedAgain = false;
        try {
          if (await enough.isEnough(core, signal)) finish();
        } catch {
          // The broker went away: the core settles anew, or the deadline ends this.
        }
      } while (isAskedAgain && !store.isDisposed);
      isAsking = false;
    };
    const check = (): void => {
      if (core.snapshot.isSettled) finish();
      else void askEnough();
    };
    store.add(core.onDidChange(check));
    store.add(clock.after(enough?.latestMs ?? clock.stretch(SETTLE_TIMEOUT_MS), finish));
    if (enough && enough.afterMs > 0) {
      store.add(
        clock.after(enough.afterMs, () => {
          isEnoughAsked = true;
          check();
        }),
      );
    }
    signal.addEventListener('abort', finish, { once: true });
    store.add(toDisposable(() => signal.removeEventListener('abort', finish)));
    if (signal.aborted) finish();
    else check();
  });
}
