/** The command as built, run to its end. */
import { spawn } from 'node:child_process';
import { ALONE, CLI } from './exposed';

export interface Outcome {
  /** Undefined where a signal ended it. */
  exitCode: number | undefined;
  signal: NodeJS.Signals | undefined;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  /** Replaces the environment. */
  env?: NodeJS.ProcessEnv;
  /** Sent to the command when it has written this text, or when that has come true. */
  signal?: { name: NodeJS.Signals; after: string | Promise<unknown> };
  deadlineMs?: number;
}

/** Runs `epics-expose ARGS`; a run that does not end in time is killed, which its outcome shows. */
export function epicsExpose(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Outcome> {
  return runProgram(process.execPath, [CLI, ...args], options);
}

export function runProgram(
  program: string,
  args: readonly string[],
  { env = process.env, signal, deadlineMs = 40_000 }: CommandOptions = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...ALONE, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const deadline = setTimeout(() => child.kill('SIGKILL'), 6 * deadlineMs);
    const texts = { stdout: '', stderr: '' };
    let isSignalled = false;
    const sendSignal = (): void => {
      if (!isSignalled && signal) child.kill(signal.name);
      isSignalled = true;
    };
    const after = signal?.after;
    if (after instanceof Promise) void after.then(sendSignal, sendSignal);
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        texts[name] += text;
        if (typeof after === 'string' && texts[name].includes(after)) sendSignal();
      });
    }
    child.once('error', reject).once('close', (code, ending) => {
      clearTimeout(deadline);
      resolve({ exitCode: code ?? undefined, signal: ending ?? undefined, ...texts });
    });
  });
}
