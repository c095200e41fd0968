import { withDeadline } from '../../base/abort';
import { clipped } from '../../base/clipped';
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import type { ProblemFacts } from '../../model/problem';
import type { IocState } from '../../model/snapshot';
import type { Undecided } from '../discovery/detect/candidates';
import { findIdleIocs, interfacesRefused, lastErrorLine } from '../discovery/detect/idleIocs';
import { iocNames } from '../discovery/detect/iocName';
import { processKey } from '../discovery/detect/parseProc';
import type { ProcessSigns } from '../discovery/detect/processSigns';
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
  /** Called when `update` would say something else of the same report. */
  readonly onDue: () => void;
}

interface Idle {
  readonly process: ProcessInfo;
  /** It may be an IOC by its signs, which are read once it had the time to listen. */
  readonly suspect?: Undecided;
  /** By the clock, when it was first seen. */
  readonly seenMs: number;
  readonly lastLine?: string;
  readonly interfaces?: ProblemFacts['ioc-no-port']['interfaces'];
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

  /**
   * Takes a report; `serving`: the processes that are IOCs by what they serve. Returns those whose
   * signs are to be read now.
   */
  update(
    report: SocketReport,
    serving: readonly (ProcessInfo | undefined)[],
    signsOf: (key: string) => ProcessSigns | undefined,
  ): readonly Undecided[] {
    const nowMs = this.#input.clock.nowMs();
    const { iocs, undecided } = findIdleIocs(report, serving, signsOf);
    const before = new Map(this.#idle.map((idle) => [processKey(idle.process), idle]));
    this.#idle = [
      ...iocs.slice(0, MAX_SHOWN).map((process) => ({ process })),
      ...undecided.map((suspect) => ({ process: suspect.process, suspect })),
    ].map((one) => {
      const { suspect: _, ...known } = before.get(processKey(one.process)) ?? { seenMs: nowMs };
      return { ...known, ...one };
    });
    this.#follow();
    return this.#idle.flatMap((idle) => (idle.suspect && this.#isDue(idle) ? [idle.suspect] : []));
  }

  /** Reads the log for those that have become due, and waits for the others. */
  #follow(): void {
    this.#timer?.dispose();
    const waitingMs = this.#idle.map((idle) => this.#dueInMs(idle)).filter((ms) => ms > 0);
    if (waitingMs.length > 0) {
      this.#timer = this.#input.clock.after(Math.min(...waitingMs), () => this.#input.onDue());
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
    this.#idle = this.#idle.map((idle) => {
      if (!keys.includes(processKey(idle.process))) return idle;
      const interfaces = interfacesRefused(log, idle.process.environment);
      return { ...idle, lastLine, ...(interfaces && { interfaces }) };
    });
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

  #isDue(idle: Idle): boolean {
    return this.#dueInMs(idle) <= 0;
  }

  #isShown(idle: Idle): boolean {
    return idle.suspect === undefined && this.#isDue(idle);
  }

  /** One for each that is due. */
  states(): IocState[] {
    const shown = this.#idle.filter((idle) => this.#isShown(idle));
    const names = iocNames(
      shown.map(({ process }) => process),
      this.#input.containerName(),
    );
    return shown.map(({ process, lastLine, interfaces }, at) => ({
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
        ...(interfaces && { interfaces }),
      },
      records: { total: 0, reachable: 0, pending: 0 },
      servers: [],
    }));
  }

  dispose(): void {
    this.#abort.abort();
    this.#timer?.dispose();
  }
}
