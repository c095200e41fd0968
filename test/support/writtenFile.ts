import { existsSync, readFileSync } from 'node:fs';
import { until } from './until';

/**
 * What another program has written to a file, once it has. A file is there, and empty, before its
 * bytes are; it is whole when two looks see the same.
 */
export async function writtenFile(file: string): Promise<Buffer> {
  let seen = Buffer.alloc(0);
  const isWhole = (): boolean => {
    const before = seen;
    if (existsSync(file)) seen = readFileSync(file);
    return seen.length > 0 && seen.equals(before);
  };
  await until(isWhole, 20_000, file);
  return seen;
}
