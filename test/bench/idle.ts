/**
 * Processor time while nothing happens: twenty containers, an IOC in each, nobody asks anything.
 * Another epics-expose on this machine does ask: it tries the ports that this one holds.
 */
import { readFileSync } from 'node:fs';
import { Exposed } from '../support/exposed';
import { runIoc, type LabContainer } from '../support/lab/container';
import { sharedEngine } from '../support/lab/engine';
import { median, runsNote, type Figure } from './figure';
import { cpuSeconds, familyOf, seconds } from './processes';

const CONTAINERS = 20;
/** Until what the beginning needs is forgotten. */
const SETTLE_SECONDS = 40;
/** Until V8 has compiled what goes on: with some wakes a second, that takes minutes. */
const LATER_SECONDS = 240;
const ROUNDS = 5;
const ROUND_SECONDS = 10;

export async function measureIdle(): Promise<Figure[]> {
  const engine = await sharedEngine('docker');
  const containers: LabContainer[] = [];
  try {
    for (let index = 0; index < CONTAINERS; index++) {
      const name = `bench-idle-${index}`;
      containers.push(await runIoc(engine, { macros: `P=B${index}:`, name }));
    }
    const exposed = Exposed.start(['--engine', engine.endpoint]);
    try {
      for (const { name } of containers) await exposed.untilReachable(name, 2, 60_000);
      await seconds(SETTLE_SECONDS);
      const soon = await percentsOf(exposed.pid);
      await seconds(LATER_SECONDS);
      const later = await percentsOf(exposed.pid);
      const strangers = await Promise.all(containers.map(countStrangers));
      const what = `processor time while idle, ${CONTAINERS} containers with an IOC each`;
      const unit = '% of a core';
      const goal = { kind: 'below', limit: 0.5 } as const;
      const processes = `processes: ${familyOf(exposed.pid).length}`;
      return [
        {
          ...{ what: `${what}, in the second minute`, unit, ours: median(soon), goal },
          note: `${runsNote(soon)}; ${processes}`,
        },
        {
          ...{ what: `${what}, after five minutes`, unit, ours: median(later), goal },
          note: runsNote(later),
        },
        {
          what: 'processes of ours in those containers (so 0 % of a core in each; goal 0.5 %)',
          unit: 'processes',
          ours: strangers.reduce((sum, count) => sum + count, 0),
        },
      ];
    } finally {
      await exposed.stop();
    }
  } finally {
    await Promise.all(containers.map((container) => container.remove()));
  }
}

async function percentsOf(pid: number): Promise<number[]> {
  const percents: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = cpuSeconds(pid);
    await seconds(ROUND_SECONDS);
    percents.push(((cpuSeconds(pid) - before) / ROUND_SECONDS) * 100);
  }
  return percents;
}

/** Processes in the container's control group beside the IOC that is its first. */
async function countStrangers(container: LabContainer): Promise<number> {
  const pid = await container.pid();
  const group = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1];
  const listed = await container.engine.client.getContainer(container.id).top();
  const processes = (listed as { Processes: string[][] }).Processes;
  if (processes.length === 0) throw new Error(`no process is seen in ${group ?? container.name}`);
  return processes.length - 1;
}
