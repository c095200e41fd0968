import { spawn } from 'node:child_process';
import { UsageError } from '../base/errors';

/**
 * Starts a program of the user that outlives us, with these variables in addition to our own.
 * Rejects with UsageError when the system cannot start it.
 */
export function launchProgram(
  executable: string,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(executable, [], {
      env: { ...process.env, ...environment },
      detached: true,
      stdio: 'ignore',
    });
    child.once('spawn', () => {
      child.unref();
      resolve();
    });
    child.once('error', (cause) => {
      reject(new UsageError(`${executable} cannot be started (${cause.message})`, { cause }));
    });
  });
}
