/** One series of reconnect.ts, in a network of its own; prints a line of JSON for each sample. */
import { setTimeout as wait } from 'node:timers/promises';
import { networkInterfaces } from 'node:os';
import { exitAfter } from '../../support/atEnd';
import {
  camonitor,
  type EpicsEnvironment,
  type Monitor,
  nameServers,
  p4pMonitor,
} from '../../support/clients';
import type { LabContainer } from '../../support/lab/container';
import { type EngineKind, sharedEngine } from '../../support/lab/engine';
import { exposedServers, Scene } from '../../support/scene';
import { until } from '../../support/until';
import { seeListening, type Times } from '../listen';
import type { Restarted, Sample, Series, Way } from '../reconnect';

const RESTARTS = 20;
/** Of clients that take much longer, and with long outages. */
const FEW_RESTARTS = 5;
/** From the IOC's end to its start, as somebody who starts it anew takes. */
const OUTAGE_MS = 2000;
const LONG_OUTAGE_MS = 45_000;
/** Between a value and the next end, so that no restart meets the clients' timers as the one before. */
const LEAST_LIFE_MS = 500;
const MOST_LIFE_MS = 2000;
const DEADLINE_MS = 150_000;
const NAME = 'REC:TEMPERATURE';
const IOC = { macros: 'P=REC:' };
/** As ownNetwork.sh has it. */
const INTERFACE = 'desk';
const BROADCAST = '198.51.100.255';

interface Plan {
  /** Words of the command; undefined: it does not run, and the containers have the clients' network. */
  readonly args: readonly string[] | undefined;
  readonly engine: EngineKind;
  readonly restarted: readonly Restarted[];
  readonly restarts: number;
  readonly outageMs: number;
}

const usual = {
  engine: 'rootless',
  restarted: ['ioc', 'container'],
  restarts: RESTARTS,
  outageMs: OUTAGE_MS,
} as const;
const long = {
  engine: 'rootless',
  restarted: ['ioc'],
  restarts: FEW_RESTARTS,
  outageMs: LONG_OUTAGE_MS,
} as const;
const PLANS: Readonly<Record<Series, Plan>> = {
  host: { ...usual, args: undefined },
  names: { ...usual, args: [] },
  docker: { ...usual, engine: 'docker', args: [] },
  'docker-relay': { ...usual, engine: 'docker', args: ['--answers', 'relay'] },
  thishost: { ...usual, args: ['--search', 'thishost'] },
  long: { ...long, args: [] },
  'long-silent': { ...long, args: ['--search', 'off'] },
};

/** A client that watches the PV. */
interface Watching {
  readonly route: Way;
  readonly protocol: 'ca' | 'pva';
  readonly monitor: Monitor;
}

/** Ends the IOC, starts it again, and tells when it listened, by this process's clock. */
type Restart = () => Promise<Times>;

async function measure(series: Series, restarted: Restarted): Promise<void> {
  const plan = PLANS[series];
  const scene = new Scene(await sharedEngine(plan.engine));
  const clients: Watching[] = [];
  try {
    const network = plan.args ? {} : { network: 'host' };
    const box =
      restarted === 'ioc' ? await scene.keeper(network) : await scene.ioc({ ...network, ...IOC });
    const restart =
      restarted === 'ioc' ? await iocRestart(box, plan.outageMs) : containerRestart(box);
    const environment = plan.args ? await expose(scene, box, series, plan.args) : {};
    clients.push(...watch(series, environment));
    const ownRelay = nameServers({ ca: ['127.0.0.1:5064'], pva: ['127.0.0.1:5075'] });
    if (series === 'names') clients.push(...watch('own-relay', ownRelay));
    await Promise.all(clients.map(({ monitor }) => monitor.next((update) => update.ok)));
    for (let round = 0; round < plan.restarts; round++) {
      if (round === FEW_RESTARTS) await closeThose(clients, ({ route }) => route === 'own-relay');
      await wait(LEAST_LIFE_MS + Math.random() * (MOST_LIFE_MS - LEAST_LIFE_MS));
      const values = clients.map(({ monitor }) => seeValueAfterEnd(monitor));
      const listening = await restart();
      for (const [index, { route, protocol }] of clients.entries()) {
        const milliseconds = ((await values[index]) ?? NaN) - (listening.get(protocol) ?? NaN);
        const sample: Sample = { route, restarted, protocol, seconds: milliseconds / 1000 };
        console.log(JSON.stringify(sample));
      }
    }
  } finally {
    await closeThose(clients, () => true);
    await scene.end();
  }
}

/** Exposes the container, and gives the environment of the clients. */
async function expose(
  scene: Scene,
  box: LabContainer,
  series: Series,
  args: readonly string[],
): Promise<EpicsEnvironment> {
  const exposed = scene.expose([box], args);
  await exposedServers(exposed, box.name, 2);
  if (series !== 'thishost') return exposed.printedEnvironment;
  const isHeard = (protocol: 'ca' | 'pva'): boolean =>
    exposed.snapshot.search?.[protocol]?.broadcasts?.includes(BROADCAST) ?? false;
  await exposed.until(() => isHeard('ca') && isHeard('pva'), 5000, 'broadcasts to be heard');
  return {};
}

function watch(route: Way, environment: EpicsEnvironment): Watching[] {
  return [
    { route, protocol: 'ca', monitor: camonitor([NAME], environment) },
    { route, protocol: 'pva', monitor: p4pMonitor([NAME], environment) },
  ];
}

async function closeThose(
  clients: Watching[],
  isOne: (client: Watching) => boolean,
): Promise<void> {
  const leaving = clients.filter(isOne);
  clients.splice(0, clients.length, ...clients.filter((client) => !isOne(client)));
  await Promise.all(leaving.map(({ monitor }) => monitor.close()));
}

async function iocRestart(box: LabContainer, outageMs: number): Promise<Restart> {
  const pid = await box.pid();
  let ioc = await box.startIoc(IOC);
  return async () => {
    await ioc.kill();
    await wait(outageMs);
    const starting = box.startIoc(IOC);
    const listening = await seeListening(pid);
    ioc = await starting;
    return listening;
  };
}

/** The engine takes two seconds for it: softIoc as a first process does not end when asked to. */
function containerRestart(box: LabContainer): Restart {
  return async () => {
    const formerPid = await box.pid();
    const restarting = box.restart();
    let pid = 0;
    const isAnother = async (): Promise<boolean> => {
      pid = await box.pid();
      return pid > 0 && pid !== formerPid;
    };
    await until(isAnother, DEADLINE_MS, 'the container to be started');
    const listening = await seeListening(pid);
    await restarting;
    return listening;
  };
}

/** When the first value came after the client said, from now on, that it has lost the PV. */
function seeValueAfterEnd({ updates }: Monitor): Promise<number> {
  const untilMs = performance.now() + DEADLINE_MS;
  let seen = updates.length;
  let hasEnded = false;
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const nowMs = performance.now();
      for (; seen < updates.length; seen++) {
        const isOk = updates[seen]?.ok ?? false;
        if (isOk && hasEnded) {
          resolve(nowMs);
          return;
        }
        hasEnded ||= !isOk;
      }
      if (nowMs > untilMs) reject(new Error(`no value after ${JSON.stringify(updates.slice(-3))}`));
      else setTimeout(look, 2);
    };
    look();
  });
}

async function main(series: string | undefined): Promise<void> {
  if (!(INTERFACE in networkInterfaces())) throw new Error('only below ownNetwork.sh');
  if (series === undefined || !(series in PLANS)) throw new Error(`no series ${series}`);
  for (const restarted of PLANS[series as Series].restarted) {
    await measure(series as Series, restarted);
  }
}

// Who has started us is no more.
process.stdin.resume().once('end', () => process.exit(1));
exitAfter(main(process.argv[2]).then(() => 0));
