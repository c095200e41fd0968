import { release } from 'node:os';

/** Whether this Linux is one of Windows, whose programs reach our ports by localhost forwarding. */
export function isInWsl(kernel = release()): boolean {
  return process.platform === 'linux' && /microsoft/i.test(kernel);
}
