/**
 * What an IOC pays for it that someone knows its PVs as reachable: the processor time of the IOC's
 * own process, over Channel Access, dialled at the container's address with nothing in between.
 */
import { sharedEngine } from '../support/lab/engine';
import { runBigIoc, type BigIoc } from './bigIoc';
import { median, round, runsNote, type Figure } from './figure';
import { libcaSeconds, type Target } from './peers';
import { ownCpuSeconds, seconds } from './processes';
import { ourSeconds } from './reach';
import { searchEach } from './searchEach';

const COUNT = 100_000;
const ROUNDS = 7;
/** The kernel counts in ticks of 10 ms, so a few turns are measured as one. */
const TURNS = 3;
/** Until the IOC has forgotten the client. */
const FORGET_SECONDS = 0.5;
const GOAL = { kind: 'at-most', factor: 1.2 } as const;

const clients = {
  ours: (target: Target) => ourSeconds('ca', target),
  bare: searchEach,
  libca: libcaSeconds,
};

export async function measureLookUp(): Promise<Figure[]> {
  const ioc = await runBigIoc(await sharedEngine('docker'), COUNT);
  try {
    return figuresOf(await measureIoc(ioc));
  } finally {
    await ioc.remove();
  }
}

type Client = keyof typeof clients;
type Measured = Record<Client, number[]>;

/** In turns, so that what else the machine does meets all alike. */
async function measureIoc({ container, prefix, count }: BigIoc): Promise<Measured> {
  const pid = await container.pid();
  const host = await container.address();
  const target: Target = { host, caPort: 5064, pvaPort: 5075, prefix, count };
  const measured: Measured = { ours: [], bare: [], libca: [] };
  for (let done = 0; done < ROUNDS; done++) {
    for (const client of Object.keys(clients) as Client[]) {
      const before = ownCpuSeconds(pid);
      for (let turn = 0; turn < TURNS; turn++) {
        await clients[client](target);
        await seconds(FORGET_SECONDS);
      }
      measured[client].push((ownCpuSeconds(pid) - before) / TURNS);
    }
  }
  return measured;
}

function figuresOf({ ours, bare, libca }: Measured): Figure[] {
  const what = `processor time of an IOC whose ${COUNT.toLocaleString('en')} PVs become known, CA`;
  const exact = `each the mean of ${TURNS} turns, counted to ${round(0.01 / TURNS)} s`;
  const row = (name: string, theirs: number[]): Figure => ({
    what,
    unit: 's',
    ours: median(ours),
    peer: { name, value: median(theirs) },
    note: `ours ${runsNote(ours)}; peer ${runsNote(theirs)}; ${exact}`,
  });
  return [
    { ...row('a search for each, and no more', bare), goal: GOAL },
    row('libca: search and create', libca),
  ];
}
