import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disposable } from '../../base/disposable';
import { type Event, EventEmitter } from '../../base/event';
import { messageOf } from '../../base/errors';

/**
 * $1 is the folder, the rest is the command. The command's own stdin is /dev/null (what `&` gives
 * it). The reader is a builtin in a subshell, so that nothing of it is left behind.
 */
const guard = `
folder=$1; shift
exec 3<&0
"$@" 3<&- &
child=$!
(
  while read -r _; do :; done
  kill "$child"
  left=50
  while [ $left -gt 0 ] && kill -0 "$child"; do left=$((left - 1)); sleep 0.1; done
  kill -9 "$child"
) <&3 >/dev/null 2>&1 &
reader=$!
wait "$child"
code=$?
kill "$reader"
rm -rf "$folder"
exit "$code"
`;

const keptOutputLength = 4000;

/** How a child ended. */
export interface ChildEnd {
  readonly exitCode: number | undefined;
  /** The end of what it wrote to stdout and stderr. */
  readonly output: string;
}

/**
 * A child process that ends with us in any case, even if we are killed: a small `sh` between us and
 * it reads our pipe, and a pipe closes when its writer ends for any reason. The shell also removes
 * the child's folder. For POSIX systems.
 */
export class GuardedChild implements Disposable {
  /** A folder of mode 0700, ours alone; removed when the child has ended. */
  readonly folder: string;
  readonly #process: ChildProcess;
  readonly #ends = new EventEmitter<ChildEnd>();
  #output = '';
  #end: ChildEnd | undefined;

  /** Fires once; a late listener checks `end`. */
  readonly onDidEnd: Event<ChildEnd> = this.#ends.event;

  constructor(
    command: (folder: string) => readonly string[],
    env: Readonly<Record<string, string | undefined>>,
  ) {
    this.folder = mkdtempSync(join(shortFolder(env), 'epics-expose-'));
    this.#process = spawn('/bin/sh', ['-c', guard, 'sh', this.folder, ...command(this.folder)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env,
      // Ctrl-C in the terminal goes to us alone; we then end the child in order.
      detached: true,
    });
    this.#process.on('error', (error) => this.#finish(undefined, messageOf(error)));
    this.#process.on('close', (code) => this.#finish(code ?? undefined, ''));
    this.#process.stdin?.on('error', () => undefined); // it ended before we closed its stdin: nothing is lost
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-keptOutputLength);
      });
    }
  }

  /** How it ended; undefined while it runs. */
  get end(): ChildEnd | undefined {
    return this.#end;
  }

  /** What it has written. */
  get output(): string {
    return this.#output;
  }

  /** Asks it to end; neither waits for it nor keeps this process alive for it. */
  dispose(): void {
    this.#process.stdin?.destroy();
    this.#process.stdout?.destroy();
    this.#process.stderr?.destroy();
    this.#process.unref();
  }

  /** Resolves when it has ended and its folder is gone. */
  ended(): Promise<void> {
    if (this.#end) return Promise.resolve();
    this.#process.ref();
    return new Promise((resolve) => this.onDidEnd(() => resolve()));
  }

  #finish(exitCode: number | undefined, more: string): void {
    if (this.#end) return;
    this.#end = { exitCode, output: (this.#output + more).trim() };
    this.#ends.fire(this.#end);
  }
}

/** The children of one owner, so that it can wait for the end of all of them. */
export class GuardedChildren {
  readonly #running = new Set<GuardedChild>();

  start(
    command: (folder: string) => readonly string[],
    env: Readonly<Record<string, string | undefined>>,
  ): GuardedChild {
    const child = new GuardedChild(command, env);
    this.#running.add(child);
    child.onDidEnd(() => this.#running.delete(child));
    return child;
  }

  /** Disposes them, and resolves when they have ended, which takes five seconds at most. */
  async close(): Promise<void> {
    const running = [...this.#running];
    for (const child of running) child.dispose();
    await Promise.all(running.map((child) => child.ended()));
  }
}

/** The path of a unix socket has at most 104 bytes on macOS, where tmpdir() is long already. */
function shortFolder(env: Readonly<Record<string, string | undefined>>): string {
  return env['XDG_RUNTIME_DIR'] || tmpdir();
}
