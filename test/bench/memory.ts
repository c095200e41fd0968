/** Memory of the command as built, with a big IOC held over CA and PVA. */
import { Brokers, settled } from '../support/brokers';
import { Exposed } from '../support/exposed';
import { runIoc } from '../support/lab/container';
import { sharedEngine, type LabEngine } from '../support/lab/engine';
import { runBigIoc } from './bigIoc';
import { type Figure, median, runsNote } from './figure';
import { familyMegabytes, memoryMegabytes, seconds } from './processes';

const COUNT = 100_000;
const ROUNDS = 3;
/** Until garbage of the beginning is gone. */
const SETTLE_SECONDS = 8;

export async function measureMemory(): Promise<Figure[]> {
  const engine = await sharedEngine('docker');
  const small = await runIoc(engine, { macros: 'P=BENCH:', name: 'bench-small' });
  const base = await measure(engine, 'bench-small');
  await small.remove();
  const ioc = await runBigIoc(engine, COUNT);
  try {
    const rounds: { now: number; peak: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push(await measure(engine, ioc.container.name));
    }
    const [middle] = rounds.sort((a, b) => a.now - b.now).slice(Math.floor(ROUNDS / 2));
    return [
      { what: 'resident memory with a small IOC', unit: 'MB', ours: base.now },
      {
        what: 'resident memory with 100,000 PVs over CA and PVA',
        unit: 'MB',
        ours: middle?.now ?? NaN,
        goal: { kind: 'below', limit: 150 },
        note: `runs: ${rounds.map(({ now }) => now.toFixed(0)).join(' ')}`,
      },
      { what: 'the most it was meanwhile', unit: 'MB', ours: middle?.peak ?? NaN },
      await measureBroker(engine, ioc.container.name),
      {
        what: 'the command and its carrier with 100,000 PVs, `--answers relay`',
        ...{ unit: 'MB', ours: await measureCarried(engine, ioc.container.name) },
      },
    ];
  } finally {
    await ioc.remove();
  }
}

/** What the windows of a user share. */
async function measureBroker(engine: LabEngine, container: string): Promise<Figure> {
  const runs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const brokers = new Brokers(100);
    const window = await brokers.connect();
    const selection = { containers: [container], labels: [] };
    await window.setRequest({ selection, engines: [engine.endpoint], names: [] });
    await settled(window);
    await seconds(SETTLE_SECONDS);
    runs.push(memoryMegabytes(window.broker.pid).now);
    await brokers.end();
  }
  return {
    what: 'broker: resident memory with 100,000 PVs over CA and PVA',
    unit: 'MB',
    ours: median(runs),
    goal: { kind: 'below', limit: 100 },
    note: runsNote(runs),
  };
}

/** Our own circuits go by the relays then. */
async function measureCarried(engine: LabEngine, container: string): Promise<number> {
  return whileExposed(engine, container, familyMegabytes, '--answers', 'relay');
}

function measure(engine: LabEngine, container: string): Promise<{ now: number; peak: number }> {
  return whileExposed(engine, container, memoryMegabytes);
}

/** What `read` says of the command after it has exposed the container, and settled. */
async function whileExposed<T>(
  engine: LabEngine,
  container: string,
  read: (pid: number) => T,
  ...words: string[]
): Promise<T> {
  const exposed = Exposed.start(['--engine', engine.endpoint, '--container', container, ...words]);
  try {
    await exposed.untilReachable(container, 2, 60_000);
    await seconds(SETTLE_SECONDS);
    return read(exposed.pid);
  } finally {
    await exposed.stop();
  }
}
