import * as vscode from 'vscode';
import type { Clock } from '../base/clock';
import { type Disposable, DisposableStore } from '../base/disposable';
import type { ContainerState, IocState } from '../model/snapshot';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { problemText } from '../present/problemText';
import { COMMANDS } from './ids';
import { notificationText } from './notificationText';
import { readSettings } from './settings';
import type { WindowExposure } from './windowExposure';

/** An IOC that is started again at once is not worth a word. */
const PATIENCE_MS = 3000;

/** What is needed to notice a lost IOC. */
export interface LostIocInput {
  readonly exposure: WindowExposure;
  readonly ownContainerKey: () => string | undefined;
  readonly clock: Clock;
}

/**
 * Tells the user, who wants it, that an IOC of this window's container has ended: once, until it
 * serves again.
 */
export function notifyOfLostIoc({ exposure, ownContainerKey, clock }: LostIocInput): Disposable {
  const store = new DisposableStore();
  /** Names of the IOCs that served, and the timers of those that do not any more. */
  const served = new Map<string, Disposable | undefined>();
  const own = (): ContainerState | undefined =>
    exposure.snapshot.containers.find(({ key }) => key === ownContainerKey());
  const forget = (): void => {
    for (const timer of served.values()) timer?.dispose();
    served.clear();
  };
  const tell = (name: string): void => {
    served.delete(name);
    const container = own();
    if (container && servingIn(container).has(name)) return;
    void show(name, container);
  };
  const look = (): void => {
    const container = own();
    if (!exposure.isExposing || !readSettings().notify || exposure.problem) return forget();
    const serving = container ? servingIn(container) : new Set<string>();
    for (const name of serving) {
      served.get(name)?.dispose();
      served.set(name, undefined);
    }
    for (const [name, timer] of served) {
      if (serving.has(name) || timer) continue;
      served.set(
        name,
        clock.after(PATIENCE_MS, () => tell(name)),
      );
    }
  };
  store.add(exposure.onDidChange(look));
  store.add({ dispose: forget });
  return store;
}

function servingIn({ status, iocs }: ContainerState): Set<string> {
  if (status === 'stopped') return new Set();
  return new Set(iocs.filter(isServing).map(({ name }) => name));
}

function isServing({ servers }: IocState): boolean {
  return servers.some(({ status }) => status !== 'gone');
}

async function show(name: string, container: ContainerState | undefined): Promise<void> {
  const why = container?.problem ? ` ${problemText(container.problem, WINDOW_WORDS).message}` : '';
  const showLog = 'Show Log';
  const chosen = await vscode.window.showWarningMessage(
    notificationText(`IOC ${name} serves no PVs any more.${why}`),
    ...(container ? [showLog] : []),
  );
  if (chosen === showLog && container) {
    await vscode.commands.executeCommand(COMMANDS.showContainerLog, {
      containerKey: container.key,
    });
  }
}
