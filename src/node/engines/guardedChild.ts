/**
 * A child process that ends with us in any case, also when we are killed: a small `sh` between us
 * and it reads our pipe, and a pipe closes when its writer dies, whatever it dies of. The shell also
 * removes the child's folder. For POSIX systems.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disposable } from '../../base/disposable';
import { type Event, EventEmitter } from '../../base/event';
import { messageOf } from '../../base/errors';

/**
 * $1 is the folder, the rest is the command. The command's own stdin is /dev/null (what `&` gives
 * it). The reader is a builtin in a subshell, so nothing of it stays behind either.
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

export interface ChildEnd {
  readonly exitCode: number | undefined;
  /** The last of what it wrote to stdout and stderr. */
  readonly output: string;
}

export class GuardedChild implements Disposable {
  /** Of mode 0700, ours alone, gone when the child is. */
  readonly folder: string;
  readonly #process: ChildProcess;
  readonly #ends = new EventEmitter<ChildEnd>();
  #output = '';
  #end: ChildEnd | undefined;

  /** Fires once; for a late listener look at `end`. */
  readonly onDidEnd: Event<ChildEnd> = this.#ends.event;

  constructor(
    command: (folder: string) => readonly string[],
    env: Readonly<Record<string, string | undefined>>,
  ) {
    this.folder = mkdtempSync(join(shortFolder(env), 'epics-expose-'));
    this.#process = spawn('/bin/sh', ['-c', guard, 'sh', this.folder, ...command(this.folder)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env,
      // A ctrl-C in the terminal is for us, who then end it in order.
      detached: true,
    });
    this.#process.on('error', (error) => this.#finish(undefined, messageOf(error)));
    this.#process.on('close', (code) => this.#finish(code ?? undefined, ''));
    this.#process.stdin?.on('error', () => undefined); // it ended before we let go: nothing lost
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-keptOutputLength);
      });
    }
  }

  /** Set once it has ended. */
  get end(): ChildEnd | undefined {
    return this.#end;
  }

  /** What it wrote so far. */
  get output(): string {
    return this.#output;
  }

  /** Asks it to end; does not wait for it, nor keep us alive for it. */
  dispose(): void {
    this.#process.stdin?.destroy();
    this.#process.stdout?.destroy();
    this.#process.stderr?.destroy();
    this.#process.unref();
  }

  /** Resolves when it has ended, and its folder is gone. */
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

/** The children of one owner, who wants to know when all of them have ended. */
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

  /** Disposes them and resolves when they have ended, which takes five seconds at most. */
  async close(): Promise<void> {
    const running = [...this.#running];
    for (const child of running) child.dispose();
    await Promise.all(running.map((child) => child.ended()));
  }
}

/** A unix socket's path has 104 bytes at most on macOS, where tmpdir() is long already. */
function shortFolder(env: Readonly<Record<string, string | undefined>>): string {
  return env['XDG_RUNTIME_DIR'] || tmpdir();
}
