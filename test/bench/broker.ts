/** What a window waits for: a broker where none runs, one that runs, and what it costs to have it. */
import { readFileSync } from 'node:fs';
import { Brokers, DEMO, settled } from '../support/brokers';
import { percentile, type Figure } from './figure';

const ROUNDS = 20;
const HOVERS = 100;
const signal = new AbortController().signal;

export async function measureBroker(): Promise<Figure[]> {
  const started: number[] = [];
  const found: number[] = [];
  const hovers: number[] = [];
  let residentMb = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const brokers = new Brokers(100);
    const first = await timed(started, () => brokers.connect());
    const second = await timed(found, () => brokers.connect());
    if (round === 0) {
      await second.setRequest(DEMO);
      await settled(second);
      for (let hover = 0; hover < HOVERS; hover++) {
        await timed(hovers, () =>
          second.describePv({ name: 'DEMO:BEAM:CURRENT', maxWaitMs: 300 }, signal),
        );
      }
      const status = readFileSync(`/proc/${first.broker.pid}/status`, 'utf8');
      residentMb = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
    }
    await brokers.end();
  }
  return [
    { what: 'no broker runs: start to hello, p50', unit: 'ms', ours: percentile(started, 50) },
    {
      what: 'the same, p95',
      unit: 'ms',
      ours: percentile(started, 95),
      goal: { kind: 'below', limit: 300 },
    },
    { what: 'a broker runs: connect to hello, p50', unit: 'ms', ours: percentile(found, 50) },
    {
      what: 'what a hover tells, with a value read anew over CA and PVA, p95',
      unit: 'ms',
      ours: percentile(hovers, 95),
      goal: { kind: 'below', limit: 300 },
    },
    { what: 'resident memory with the demo exposed', unit: 'MB', ours: residentMb },
  ];
}

async function timed<T>(times: number[], work: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  const result = await work();
  times.push(performance.now() - startMs);
  return result;
}
