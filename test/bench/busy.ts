/**
 * What a relay's clients notice of the rest of our work: how long a small get takes by relay while
 * nothing else happens, while 100,000 PVs of another container are found, listed and asked for again
 * and again, and while a window shows 200 of them and scrolls through all; beside the engine's own
 * forwarder at the same time, which has nothing to do but shares the processors.
 */
import type { CoreApi } from '../../src/model/coreApi';
import { Brokers, localOf, settled } from '../support/brokers';
import { runIoc } from '../support/lab/container';
import { sharedEngine } from '../support/lab/engine';
import { runBigIoc } from './bigIoc';
import { percentile, type Figure } from './figure';
import { at, gets, SMALL, type Way } from './roundTrips';

const COUNT = 100_000;
const PUBLISHED = '127.0.0.34';
const ROUNDS = 8;
const GETS = 1500;
const SHOWN_ROWS = 200;
const PAGE_ROWS = 500;
const PROTOCOLS = ['ca', 'pva'] as const;
const { signal } = new AbortController();

/** Does it again and again until it is ended. */
interface Load {
  readonly name: string;
  readonly work: () => Promise<void>;
}

export async function measureBusy(): Promise<Figure[]> {
  const engine = await sharedEngine('docker');
  const plain = await runIoc(engine, { macros: 'P=PLAIN:', name: 'bench-plain' });
  const forwarded = await runIoc(engine, {
    ...{ macros: 'P=FORWARDED:', name: 'bench-forwarded' },
    publish: [5064, 5075].map((port) => `${PUBLISHED}:${port}:${port}`),
  });
  const big = await runBigIoc(engine, COUNT);
  const brokers = new Brokers();
  try {
    const window = await brokers.connect();
    const request = (...containers: string[]): Promise<void> =>
      window.setRequest({
        ...{ selection: { containers, labels: [] }, engines: [engine.endpoint], names: [] },
        answers: 'relay',
      });
    await request(plain.name);
    await settled(window);
    const [ca, pva] = [localOf(window, 'ca'), localOf(window, 'pva')];
    const ways = [
      {
        ...{ name: 'relay', prefix: 'PLAIN:' },
        nameServer: { ca: `${ca.host}:${ca.port}`, pva: `${pva.host}:${pva.port}` },
      },
      at(PUBLISHED, 'docker-proxy', 'FORWARDED:'),
    ];
    const isListed = (): boolean => {
      const all = window.snapshot.containers.find(({ name }) => name === big.container.name);
      const servers = all?.iocs.flatMap((ioc) => ioc.servers) ?? [];
      return servers.length === 2 && servers.every(({ pvs }) => pvs.reachable === COUNT);
    };
    const listed = async (): Promise<void> => {
      await request(plain.name, big.container.name);
      while (!isListed()) await changed(window);
    };
    const loads: Load[] = [
      { name: 'idle', work: () => new Promise((done) => setTimeout(done, 100)) },
      {
        name: '100,000 PVs are found and listed again and again',
        work: async () => {
          await listed();
          await request(plain.name);
        },
      },
    ];
    const figures = await underLoads(ways, loads);
    await listed();
    const follower = window.followPvs(() => undefined);
    const shown = Array.from({ length: SHOWN_ROWS }, (_, id) => ({
      ...{ id, name: `${big.prefix}${id}`, protocol: 'ca' as const },
    }));
    follower.change({ add: shown, remove: [] });
    let offset = 0;
    const scroll = async (): Promise<void> => {
      await window.listPvs({ offset, limit: PAGE_ROWS }, signal);
      offset = (offset + 9973) % COUNT;
    };
    figures.push(
      ...(await underLoads(ways, [{ name: 'a window scrolls through 100,000 PVs', work: scroll }])),
    );
    follower.dispose();
    return figures;
  } finally {
    await brokers.end();
    await big.remove();
    await Promise.all([plain.remove(), forwarded.remove()]);
  }
}

/** Resolves at the next change, or after a while. */
function changed(core: CoreApi): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, 200);
    const listening = core.onDidChange(() => {
      listening.dispose();
      clearTimeout(timer);
      done();
    });
  });
}

async function underLoads(
  ways: readonly Pick<Way, 'name' | 'prefix' | 'nameServer'>[],
  loads: readonly Load[],
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { name, work } of loads) {
    let isOver = false;
    let count = 0;
    const working = (async () => {
      for (; !isOver; count++) await work();
    })();
    for (const protocol of PROTOCOLS) {
      const taken = new Map(ways.map((way) => [way, [] as number[]]));
      for (let round = 0; round <= ROUNDS; round++) {
        for (const [way, times] of taken) {
          const some = await gets(protocol, way, { ...SMALL, count: GETS });
          if (round > 0) times.push(...some);
        }
      }
      figures.push(...figuresOf(`${protocol === 'ca' ? 'libca' : 'PVXS'}, ${name}`, taken));
    }
    isOver = true;
    await working;
    console.error(`${name}: ${count} times`);
  }
  return figures;
}

function figuresOf(
  what: string,
  taken: ReadonlyMap<Pick<Way, 'name'>, readonly number[]>,
): Figure[] {
  const [ours = [], peer = []] = [...taken.values()];
  return [50, 99, 99.9].map((percent) => ({
    what: `one get by relay, ${what}, p${percent}`,
    unit: 'ms',
    ours: percentile(ours, percent) / 1000,
    peer: { name: 'docker-proxy', value: percentile(peer, percent) / 1000 },
    ...(percent !== 99.9 && { goal: { kind: 'at-most', factor: 1 } as const }),
    note: `at most ${(Math.max(...ours) / 1000).toFixed(1)} and ${(Math.max(...peer) / 1000).toFixed(1)} ms`,
  }));
}
