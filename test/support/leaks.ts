import type { Context, RootHookObject } from 'mocha';
import type { Disposable } from '../../src/base/disposable';
import { runEndings } from './atEnd';

/**
 * Every test ends what it has begun: no socket, server, pipe or child process may be left. Sockets
 * take a turn or two to close, hence a short drain. A leak does not stop the run; all of them are
 * listed at its end, where they make it fail.
 */
const kinds = /^(TCP|UDP|Pipe|Process|TLS|FSEvent|StatWatcher|Worker|MessagePort)/;
const drainMs = 5000;

type Counts = Map<string, number>;

const leaks: string[] = [];
let atStart: Counts = new Map();
let beforeTest: Counts = new Map();
const lasting = new Set<Lasting>();

interface Lasting {
  readonly kind: string;
  readonly isOpen: () => boolean;
}

/**
 * Names one socket or pipe that outlives single tests and is opened anew when it is lost: lost
 * between two tests, it is back after the second and no leak of it.
 */
export function outlivesTests(kind: string, isOpen: () => boolean): Disposable {
  const one = { kind, isOpen };
  lasting.add(one);
  return { dispose: () => void lasting.delete(one) };
}

export const mochaHooks: RootHookObject = {
  beforeAll() {
    atStart = count();
    process.on('warning', ({ name, message }) => {
      if (name === 'MaxListenersExceededWarning') leaks.push(`listeners: ${message}`);
    });
  },
  beforeEach() {
    beforeTest = count();
    for (const { kind, isOpen } of lasting) {
      if (!isOpen()) beforeTest.set(kind, (beforeTest.get(kind) ?? 0) + 1);
    }
  },
  async afterEach(this: Context) {
    this.timeout(2 * drainMs);
    const left = await drained(beforeTest);
    if (left) leaks.push(`${this.currentTest?.fullTitle() ?? '?'}: ${left}`);
  },
  async afterAll(this: Context) {
    this.timeout(120_000);
    await runEndings();
    const left = await drained(atStart);
    if (left && leaks.length === 0) leaks.push(`the run as a whole: ${left}`);
    if (leaks.length > 0) throw new Error(`left open by\n  ${leaks.join('\n  ')}`);
  },
};

function count(): Counts {
  const counts: Counts = new Map();
  for (const kind of process.getActiveResourcesInfo()) {
    if (kinds.test(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** What is more than before, after waiting for it to go; undefined when nothing is. */
async function drained(before: Counts): Promise<string | undefined> {
  const endMs = performance.now() + drainMs;
  for (;;) {
    const more = [...count()].filter(([kind, now]) => now > (before.get(kind) ?? 0));
    if (more.length === 0) return undefined;
    if (performance.now() > endMs) {
      return more.map(([kind, now]) => `${now - (before.get(kind) ?? 0)} ${kind}`).join(', ');
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
