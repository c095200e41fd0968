/** Wires engines, containers and services into a session for one command. */
import { distance } from 'fastest-levenshtein';
import { DisposableStore } from '../base/disposable';
import { EventEmitter } from '../base/event';
import { UsageError } from '../base/errors';
import type { Problem } from '../model/snapshot';
import type { Engine } from '../services/engine';
import { isNamed, isSelected } from '../services/selection';
import { ExposeSession } from '../services/session';
import { clientIdentity } from '../node/clientIdentity';
import { createOpenContainer } from '../node/containers/openContainer';
import { openEngines } from '../node/engines/openEngines';
import { findPortHolder } from '../node/portHolder';
import { connectTcp } from '../node/relay/connectTcp';
import { systemClock } from '../node/systemClock';
import { type CommonOptions, selectionOf } from './options';
import type { Terminal } from './terminal';

/** When a look is taken as it is, although something still does not answer. */
const SETTLE_TIMEOUT_MS = 20_000;

export interface OpenedSession {
  readonly session: ExposeSession;
  /** Why there is no engine at all, when there is none. */
  readonly engineProblem: Problem | undefined;
  /** Whether the person named containers, a folder or labels. */
  readonly isChosen: boolean;
  /** Resolves when what is there now is exposed or has its reason. */
  settle(signal: AbortSignal): Promise<void>;
  /** Adds an engine of our own making (the demo). */
  addEngine(engine: Engine): void;
  /** Ends everything that was started; resolves when nothing is left. */
  close(): Promise<void>;
}

export function openSession(
  options: CommonOptions,
  terminal: Terminal,
  mode: { readonly opensRelays: boolean; readonly withEngines?: boolean },
): OpenedSession {
  const store = new DisposableStore();
  const { log } = terminal;
  const set =
    mode.withEngines === false
      ? undefined
      : openEngines({
          ...(options.engine.length > 0 && { endpoints: options.engine }),
          env: process.env,
          clock: systemClock,
          log,
          openContainer: createOpenContainer({ clock: systemClock, log }),
        });
  const own: Engine[] = [];
  const ownChanged = store.add(new EventEmitter<void>());
  const engines = {
    get engines(): readonly Engine[] {
      return [...(set?.engines ?? []), ...own];
    },
    problem: undefined,
    isReady: true,
    onDidChange: (listener: () => void) => {
      const subscriptions = new DisposableStore();
      subscriptions.add(ownChanged.event(listener));
      if (set) subscriptions.add(set.onDidChange(listener));
      return subscriptions;
    },
  };
  const session = store.add(
    new ExposeSession({
      engines,
      isWanted: (_engine, container) => isSelected(container, selectionOf(options)),
      opensRelays: mode.opensRelays,
      extraNames: options.pv,
      ...clientIdentity(),
      dialHost: (endpoint, signal) => connectTcp(endpoint, signal),
      findHolder: findPortHolder,
      clock: systemClock,
      log,
    }),
  );
  return {
    session,
    isChosen:
      options.container.length > 0 || options.label.length > 0 || options.workspace !== undefined,
    get engineProblem() {
      return set?.problem;
    },
    async settle(signal) {
      await set?.ready(signal);
      rejectUnknownContainers(options, engines.engines);
      await untilSettled(session, signal);
    },
    addEngine(engine) {
      own.push(store.add(engine));
      ownChanged.fire();
    },
    async close() {
      store.dispose();
      await set?.close();
    },
  };
}

/** A name nobody has is a typing error more often than a container to come. */
function rejectUnknownContainers(options: CommonOptions, engines: readonly Engine[]): void {
  // Without an engine that answers there is another thing to say first.
  if (!engines.some(({ state }) => state.status === 'connected')) return;
  const known = engines.flatMap((engine) => engine.containers);
  for (const wanted of options.container) {
    if (known.some((container) => isNamed(container, wanted))) continue;
    const names = known
      .map((container) => container.name)
      .sort((a, b) => distance(a, wanted) - distance(b, wanted));
    const near = names.filter((name) => distance(name, wanted) <= 3 || name.includes(wanted));
    const hint =
      names.length === 0
        ? 'No container runs.'
        : `${near.length > 0 ? `Did you mean ${near.slice(0, 3).join(' or ')}? ` : ''}Running: ${names.slice(0, 10).join(', ')}`;
    throw new UsageError(
      `no running container is called "${wanted}"; if it is stopped, start it. ${hint}`,
    );
  }
}

function untilSettled(session: ExposeSession, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const store = new DisposableStore();
    const finish = (): void => {
      store.dispose();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const check = (): void => {
      if (session.isSettled) finish();
    };
    store.add(session.onDidChange(check));
    store.add(systemClock.after(SETTLE_TIMEOUT_MS, finish));
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted) finish();
    else check();
  });
}
