import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Log, LogLevel } from '../base/log';
import { printableLines } from '../base/printable';

/** At this size the file becomes `FILE.1`, replacing the former one. */
const MAX_BYTES = 1024 * 1024;

const RANKS: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/**
 * A log that writes lines of level `least` and above to a file of bounded size. A full disk costs
 * lines and nothing else.
 */
export function openRotatingLog(path: string, least: LogLevel): Log {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  let sizeBytes = sizeOf(path);
  return (level, tag, message) => {
    if (RANKS[level] < RANKS[least]) return;
    const line = `${new Date().toISOString()} ${level} ${tag}: ${printableLines(message)}\n`;
    try {
      if (sizeBytes > MAX_BYTES) {
        renameSync(path, `${path}.1`);
        sizeBytes = 0;
      }
      appendFileSync(path, line, { mode: 0o600 });
      sizeBytes += Buffer.byteLength(line);
    } catch {
      // Nowhere to say so.
    }
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
