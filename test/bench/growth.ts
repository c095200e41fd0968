/**
 * How the command's costs grow with containers, with IOCs and with PVs: linearly or better. With
 * EPICS_EXPOSE_BENCH_WRITE in the environment, the pictures of docs/images are drawn anew.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_NAMES_PER_IOC } from '../../src/model/pvTable';
import { runIoc, runKeeper, type LabContainer } from '../support/lab/container';
import { sharedEngine, type LabEngine } from '../support/lab/engine';
import type { IocOptions } from '../support/lab/ioc';
import { runBigIoc, type BigIoc } from './bigIoc';
import { chartOf, type Line } from './chart';
import { median, round, type Figure } from './figure';
import { measureCosts, type Costs, type Expected } from './growthRun';

const CONTAINERS = [1, 5, 10, 25, 50];
const IOCS = [1, 20, 50, 100, 200];
const PVS = [100, 1000, 10_000, 100_000, 500_000];
/** Of the sizes that are judged, and of nothing, in a new process each; of others one is enough. */
const ROUNDS = 3;
/** For the IOCs, which take turns. */
const KEEPERS = 4;
/** The first of them; each IOC has its own. */
const FIRST_PORT = 6100;
/** IOCs are started so many at once. */
const AT_ONCE = 4;
/** One that speaks CA alone, with few records. */
const SMALL: IocOptions = { ioc: 'softIocCa', db: ['alarms.db'] };
const SMALL_PVS = 4;
const IMAGES = join(__dirname, '../../docs/images');

/** Something that there can be more and more of. */
interface Scene {
  /** Makes so many from however many there are: never fewer, and 0 first. */
  grow(size: number): Promise<Expected>;
  remove(): Promise<void>;
}

interface Series {
  /** Also the name of its picture. */
  readonly things: string;
  /** Of what is around them. */
  readonly setting: string;
  readonly sizes: readonly number[];
  readonly open: (engine: LabEngine) => Promise<Scene>;
}

const ALL_SERIES: readonly Series[] = [
  {
    things: 'containers',
    setting: 'with a small CA IOC in each',
    sizes: CONTAINERS,
    open: (engine) => Promise.resolve(new Containers(engine)),
  },
  {
    things: 'IOCs',
    setting: `small ones with CA in ${KEEPERS} containers`,
    sizes: IOCS,
    open: (engine) => openIocs(engine),
  },
  {
    things: 'PVs',
    setting: `over CA and PVA, at most ${MAX_NAMES_PER_IOC.toLocaleString('en')} in an IOC`,
    sizes: PVS,
    open: (engine) => Promise.resolve(new Pvs(engine)),
  },
];

export async function measureGrowth(): Promise<Figure[]> {
  const engine = await sharedEngine('docker');
  const figures: Figure[] = [];
  for (const series of ALL_SERIES) {
    const measured = await measureSeries(engine, series);
    if (process.env['EPICS_EXPOSE_BENCH_WRITE']) draw(series, measured);
    figures.push(...figuresOf(series, measured));
  }
  return figures;
}

/** By size, 0 included: what an empty command costs, which is no growth. */
type Measured = ReadonlyMap<number, Costs>;

async function measureSeries(engine: LabEngine, { sizes, open }: Series): Promise<Measured> {
  const measured = new Map<number, Costs>();
  const scene = await open(engine);
  try {
    for (const size of [0, ...sizes]) {
      const expected = await scene.grow(size);
      const runs: Costs[] = [];
      const isJudged = size === 0 || sizes.indexOf(size) >= sizes.length - 2;
      const rounds = isJudged ? ROUNDS : 1;
      while (runs.length < rounds) runs.push(await measureCosts(engine.endpoint, expected));
      const middle = (cost: keyof Costs): number => median(runs.map((run) => run[cost]));
      measured.set(size, {
        memory: middle('memory'),
        processor: middle('processor'),
        first: middle('first'),
        all: middle('all'),
        status: middle('status'),
      });
    }
  } finally {
    await scene.remove();
  }
  return measured;
}

class Containers implements Scene {
  readonly #boxes: LabContainer[] = [];

  constructor(readonly engine: LabEngine) {}

  async grow(size: number): Promise<Expected> {
    await eachOf(this.#boxes.length, size, async (index) => {
      const name = `bench-growth-${index}`;
      this.#boxes.push(await runIoc(this.engine, { ...SMALL, macros: `P=G${index}:`, name }));
    });
    return { servers: size, pvs: size * SMALL_PVS };
  }

  async remove(): Promise<void> {
    await Promise.all(this.#boxes.map((box) => box.remove()));
  }
}

async function openIocs(engine: LabEngine): Promise<Scene> {
  const boxes: LabContainer[] = [];
  let count = 0;
  while (boxes.length < KEEPERS) {
    boxes.push(await runKeeper(engine, { name: `bench-growth-${boxes.length}` }));
  }
  return {
    async grow(size) {
      await eachOf(count, size, async (index) => {
        const env = { EPICS_CAS_SERVER_PORT: String(FIRST_PORT + index) };
        await boxes[index % KEEPERS]?.startIoc({ ...SMALL, macros: `P=G${index}:`, env });
      });
      count = size;
      return { servers: size, pvs: size * SMALL_PVS };
    },
    async remove() {
      await Promise.all(boxes.map((box) => box.remove()));
    },
  };
}

/** As few IOCs as can have so many, which share them equally. */
class Pvs implements Scene {
  readonly #iocs: BigIoc[] = [];

  constructor(readonly engine: LabEngine) {}

  async grow(size: number): Promise<Expected> {
    await this.remove();
    const iocs = Math.ceil(size / MAX_NAMES_PER_IOC);
    for (let index = 0; index < iocs; index++) {
      const count = Math.floor(((index + 1) * size) / iocs) - Math.floor((index * size) / iocs);
      this.#iocs.push(await runBigIoc(this.engine, count, `${size}-${index}`));
    }
    return { servers: 2 * iocs, pvs: 2 * size };
  }

  async remove(): Promise<void> {
    await Promise.all(this.#iocs.splice(0).map((ioc) => ioc.remove()));
  }
}

async function eachOf(
  from: number,
  to: number,
  make: (index: number) => Promise<void>,
): Promise<void> {
  for (let first = from; first < to; first += AT_ONCE) {
    const count = Math.min(AT_ONCE, to - first);
    await Promise.all(Array.from({ length: count }, (_, index) => make(first + index)));
  }
}

interface CostKind {
  readonly cost: keyof Costs;
  readonly name: string;
  readonly unit: string;
}

const COSTS: readonly CostKind[] = [
  { cost: 'memory', name: 'resident memory', unit: 'MB' },
  { cost: 'processor', name: 'processor time until all are reachable', unit: 's' },
  { cost: 'first', name: 'start to first PV told as reachable', unit: 's' },
  { cost: 'all', name: 'start to all reachable', unit: 's' },
  { cost: 'status', name: 'status beside it', unit: 's' },
];

function figuresOf({ things, setting, sizes }: Series, measured: Measured): Figure[] {
  const [before = 0, last = 0] = sizes.slice(-2);
  return COSTS.flatMap(({ cost, name, unit }) => {
    const of = (size: number): number => measured.get(size)?.[cost] ?? NaN;
    const all = [0, ...sizes].map((size) => `${size.toLocaleString('en')}: ${round(of(size))}`);
    const value: Figure = {
      what: `${last.toLocaleString('en')} ${things}: ${name}`,
      unit,
      ours: of(last),
      note: `${setting}; ${all.join(', ')}`,
    };
    // The first one is to be there as soon, however many there are.
    const what = `${name}, growth to ${last.toLocaleString('en')} ${things}`;
    return cost === 'first' ? [value] : [value, growthOf(what, before, last, of)];
  });
}

/** Of what more than nothing costs, over the largest step: linear, or better. */
function growthOf(
  what: string,
  before: number,
  last: number,
  of: (size: number) => number,
): Figure {
  const [smaller, larger] = [of(before) - of(0), of(last) - of(0)];
  const step = `from ${before.toLocaleString('en')}, without what an empty command costs; medians of ${ROUNDS}`;
  const figure: Figure = { what, unit: 'times', ours: larger / smaller, note: step };
  if (smaller > 0) return { ...figure, goal: { kind: 'below', limit: last / before } };
  return { ...figure, ours: NaN, note: `${step}: cannot be told, the smaller one costs no more` };
}

/** Zero has no place on a logarithmic axis. */
function draw({ things, setting, sizes }: Series, measured: Measured): void {
  const line = ({ cost, name }: CostKind): Line => ({
    name,
    values: sizes.map((size) => measured.get(size)?.[cost] ?? NaN),
  });
  const kinds = (wanted: string): Line[] => COSTS.filter(({ unit }) => unit === wanted).map(line);
  const picture = chartOf({
    title: `What more ${things} cost the command (${setting})`,
    axis: things,
    sizes,
    panels: [
      { axis: 'MB', lines: kinds('MB') },
      { axis: 'seconds', lines: kinds('s') },
    ],
  });
  writeFileSync(join(IMAGES, `growth-${things.toLowerCase()}.svg`), picture);
}
