import { withDeadline } from '../../base/abort';
import { clipped } from '../../base/clipped';
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import type { IocState } from '../../model/snapshot';
import { findIdleIocs, lastErrorLine } from '../discovery/detect/idleIocs';
import { iocNames } from '../discovery/detect/iocName';
import { processKey } from '../discovery/detect/parseProc';
import type { ContainerAccess } from '../host/engine';
import type { ProcessInfo, SocketReport } from '../host/socketReport';

/** An IOC may take so long until it listens. */
const PATIENCE_MS = 5000;
/** Reading a log; without it, the IOC is shown without its last line. */
const LOG_TIMEOUT_MS = 5000;
/** Characters of the command line that are shown. */
const SHOWN_COMMAND = 2000;
const MAX_SHOWN = 20;

/** What IdleIocs needs. */
export interface IdleIocsInput {
  readonly containerKey: string;
  readonly containerName: () => string;
  readonly access: Pick<ContainerAccess, 'readLog'>;
  readonly clock: Clock;
  readonly onDidChange: () => void;
}

interface Idle {
  readonly process: ProcessInfo;
  readonly seenMs: number;
  readonly lastLine?: string;
  readonly isLogRead?: boolean;
}

/** The IOC processes of a container that serve nothing, once they had the time to. */
export class IdleIocs implements Disposable {
  readonly #input: IdleIocsInput;
  readonly #abort = new AbortController();
  #idle: readonly Idle[] = [];
  #timer: Disposable | undefined;

  constructor(input: IdleIocsInput) {
    this.#input = input;
  }

  /** Takes a report; `serving`: the processes that are IOCs by what they serve. */
  update(report: SocketReport, serving: readonly (ProcessInfo | undefined)[]): void {
    const nowMs = this.#input.clock.nowMs();
    const before = new Map(this.#idle.map((idle) => [processKey(idle.process), idle]));
    this.#idle = findIdleIocs(report, serving)
      .slice(0, MAX_SHOWN)
      .map((process) => ({ seenMs: nowMs, ...before.get(processKey(process)), process }));
    this.#follow();
  }

  /** Reads the log for those that have become due, and waits for the others. */
  #follow(): void {
    this.#timer?.dispose();
    const waitingMs = this.#idle.map((idle) => this.#dueInMs(idle)).filter((ms) => ms > 0);
    if (waitingMs.length > 0) {
      this.#timer = this.#input.clock.after(Math.min(...waitingMs), () => {
        this.#follow();
        this.#input.onDidChange();
      });
    }
    const isLogDue = this.#idle.some((idle) => this.#isShown(idle) && idle.isLogRead !== true);
    if (isLogDue) void this.#readLog();
  }

  async #readLog(): Promise<void> {
    const { access, clock } = this.#input;
    const due = this.#idle.filter((idle) => this.#isShown(idle) && this.#writesLog(idle.process));
    this.#idle = this.#idle.map((idle) => ({ ...idle, isLogRead: this.#isShown(idle) }));
    if (due.length === 0 || !access.readLog) return;
    const { signal } = this.#abort;
    const log = await withDeadline(clock, LOG_TIMEOUT_MS, 'late', signal, (inner) =>
      access.readLog!(inner),
    ).catch(() => '');
    const lastLine = lastErrorLine(log);
    if (lastLine === undefined || signal.aborted) return;
    const keys = due.map(({ process }) => processKey(process));
    this.#idle = this.#idle.map((idle) =>
      keys.includes(processKey(idle.process)) ? { ...idle, lastLine } : idle,
    );
    this.#input.onDidChange();
  }

  /** The log has the output of the first process and its children, not of what an exec started. */
  #writesLog({ pid, parentPid }: ProcessInfo): boolean {
    const isChild = parentPid !== undefined && parentPid !== 0;
    return pid === 1 || isChild;
  }

  #dueInMs({ process: { startedAt }, seenMs }: Idle): number {
    const { clock } = this.#input;
    const seenForMs = clock.nowMs() - seenMs;
    const ageMs = startedAt === undefined ? seenForMs : clock.wallMs() - Date.parse(startedAt);
    return PATIENCE_MS - Math.max(ageMs, seenForMs);
  }

  #isShown(idle: Idle): boolean {
    return this.#dueInMs(idle) <= 0;
  }

  /** One for each that is due. */
  states(): IocState[] {
    const shown = this.#idle.filter((idle) => this.#isShown(idle));
    const names = iocNames(
      shown.map(({ process }) => process),
      this.#input.containerName(),
    );
    return shown.map(({ process, lastLine }, at) => ({
      key: `${this.#input.containerKey}#${processKey(process)}`,
      name: names[at] ?? process.name,
      pid: process.pid,
      ...(process.startedAt !== undefined && { startedAt: process.startedAt }),
      commandLine: clipped(process.commandLine.join(' '), SHOWN_COMMAND),
      role: 'ioc',
      problem: {
        code: 'ioc-no-port',
        pid: process.pid,
        ...(lastLine !== undefined && { lastLine }),
      },
      servers: [],
    }));
  }

  dispose(): void {
    this.#abort.abort();
    this.#timer?.dispose();
  }
}
