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
/** Until what the beginning needs is compiled and forgotten. */
const SETTLE_SECONDS = 40;
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
      const percents: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const before = cpuSeconds(exposed.pid);
        await seconds(ROUND_SECONDS);
        percents.push(((cpuSeconds(exposed.pid) - before) / ROUND_SECONDS) * 100);
      }
      const strangers = await Promise.all(containers.map(countStrangers));
      return [
        {
          what: `processor time while idle, ${CONTAINERS} containers with an IOC each`,
          unit: '% of a core',
          ours: median(percents),
          goal: { kind: 'below', limit: 0.5 },
          note: `${runsNote(percents)}; processes: ${familyOf(exposed.pid).length}`,
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

/** Processes in the container's control group beside the IOC that is its first. */
async function countStrangers(container: LabContainer): Promise<number> {
  const pid = await container.pid();
  const group = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1];
  const listed = await container.engine.client.getContainer(container.id).top();
  const processes = (listed as { Processes: string[][] }).Processes;
  if (processes.length === 0) throw new Error(`no process is seen in ${group ?? container.name}`);
  return processes.length - 1;
}
