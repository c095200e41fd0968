import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { messageOf } from '../base/errors';
import type { Log } from '../base/log';
import { LAST_LOOPBACK_INDEX } from '../model/loopbackPlan';
import type { AddressMemory } from '../services/localPorts/localPorts';

const MAX_CONTAINERS = 500;
const MAX_KEY = 512;
const MAX_BYTES = 2 * MAX_CONTAINERS * MAX_KEY;

/**
 * The loopback address that each container had, kept over restarts of the broker because clients
 * have it in their settings. The values are the last number of 127.0.0.N, most recently used last.
 * Best effort: what cannot be read or written counts as never written; that is logged.
 */
export function openAddressFile(path: string, log: Log): AddressMemory {
  const known = read(path, log);
  return {
    indexOf: (containerKey) => known.get(containerKey),
    remember(containerKey, index) {
      if (containerKey.length > MAX_KEY || known.get(containerKey) === index) return;
      known.delete(containerKey);
      known.set(containerKey, index);
      for (const key of [...known.keys()].slice(0, -MAX_CONTAINERS)) known.delete(key);
      write(path, known, log);
    },
  };
}

function read(path: string, log: Log): Map<string, number> {
  try {
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size === undefined) return new Map();
    if (size > MAX_BYTES) throw new Error('it is too long');
    return new Map(checked(JSON.parse(readFileSync(path, 'utf8'))));
  } catch (error) {
    log('info', 'session', `${path} is not used: ${messageOf(error)}`);
    return new Map();
  }
}

function checked(data: unknown): [string, number][] {
  if (!Array.isArray(data)) throw new Error('it does not contain a list');
  return data.slice(-MAX_CONTAINERS).map((entry: unknown) => {
    const [key, index] = Array.isArray(entry) ? (entry as unknown[]) : [];
    const isKey = typeof key === 'string' && key.length <= MAX_KEY;
    const isIndex = Number.isInteger(index) && Number(index) >= 1;
    if (!isKey || !isIndex || Number(index) > LAST_LOOPBACK_INDEX) throw new Error('an odd entry');
    return [key, Number(index)];
  });
}

/** Writes the whole file or nothing. */
function write(path: string, known: ReadonlyMap<string, number>, log: Log): void {
  try {
    const fresh = `${path}.${process.pid}`;
    writeFileSync(fresh, JSON.stringify([...known]), { mode: 0o600 });
    renameSync(fresh, path);
  } catch (error) {
    log('info', 'session', `${path} cannot be written: ${messageOf(error)}`);
  }
}
