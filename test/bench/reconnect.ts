/**
 * How soon clients that watch a PV have values again after its IOC or its container has restarted:
 * through us, and where the IOC is on the clients' own network. Some of them broadcast, so each series
 * runs in a network of its own (peers/reconnectPeer.ts). There the CA repeater tells every client the
 * beacons of every IOC, and therefore an IOC on that network and ours never share one.
 *
 *     npm run bench -- reconnect      a quarter of an hour
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { PvProtocol } from '../../src/model/snapshot';
import { percentile, round, type Figure } from './figure';

/** Each is what `peers/reconnectPeer.ts` measures in one run. */
export type Series =
  /** The IOC is in a container with the network of the clients, which have no environment. */
  | 'host'
  /** Clients with the environment that the command prints, some with the name server of that IOC alone. */
  | 'names'
  /** As `names`, in Docker, whose containers this machine reaches; and the same by relays. */
  | 'docker'
  | 'docker-relay'
  /** `--search thishost`, and clients have no environment. */
  | 'thishost'
  /** As `names`, after outages so long that libca hardly searches any more; and the same with no beacons. */
  | 'long'
  | 'long-silent';

/** How clients find the server. */
export type Way = Exclude<Series, 'names'> | 'names' | 'own-relay';

/** What restarts. */
export type Restarted = 'ioc' | 'container';

/** A line of the peer's output. */
export interface Sample {
  readonly route: Way;
  readonly restarted: Restarted;
  readonly protocol: PvProtocol;
  /** From the server listening again to the client's first value. */
  readonly seconds: number;
}

/** One after the other, but those together that mostly wait. */
const STAGES: readonly (readonly Series[])[] = [
  ['host'],
  ['names', 'thishost', 'long', 'long-silent'],
  ['docker', 'docker-relay'],
];

const OURS: Readonly<Record<Exclude<Way, 'host'>, string>> = {
  names: 'environment as printed',
  docker: "environment as printed, Docker: the container's address",
  'docker-relay': 'the same with `--answers relay`',
  thishost: 'no environment, `--search thishost`',
  'own-relay': "name server: that IOC's relay alone",
  long: 'environment as printed, 45 s of outage',
  'long-silent': 'the same without our beacons (`--search off`)',
};
const GOAL_WAYS: readonly Way[] = ['names', 'docker'];

export async function measureReconnect(): Promise<Figure[]> {
  const samples: Sample[] = [];
  for (const stage of STAGES) samples.push(...(await Promise.all(stage.map(runSeries))).flat());
  return (['ioc', 'container'] as const).flatMap((restarted) =>
    (['ca', 'pva'] as const).flatMap((protocol) => {
      const timesOf = (route: Way): number[] =>
        samples
          .filter((s) => s.route === route && s.restarted === restarted && s.protocol === protocol)
          .map(({ seconds }) => seconds);
      const what = `${protocol.toUpperCase()}, ${restarted === 'ioc' ? 'IOC' : 'container'} restarted`;
      return Object.entries(OURS).flatMap(([route, name]) => {
        const times = timesOf(route as Way);
        return times.length === 0
          ? []
          : [figureOf(`${what}, ${name}, p95`, route as Way, times, timesOf('host'))];
      });
    }),
  );
}

function figureOf(
  what: string,
  route: Way,
  times: readonly number[],
  host: readonly number[],
): Figure {
  const isLong = route === 'long' || route === 'long-silent';
  return {
    what,
    unit: 's',
    ours: percentile(times, 95),
    ...(!isLong && { peer: { name: 'host network', value: percentile(host, 95) } }),
    ...(GOAL_WAYS.includes(route) && { goal: { kind: 'times-less', factor: 1 } }),
    note: isLong ? spreadOf(times) : `${spreadOf(times)}; host network ${spreadOf(host)}`,
  };
}

function spreadOf(times: readonly number[]): string {
  const [least, half, most] = [0, 50, 100].map((percent) => round(percentile(times, percent)));
  return `p50 ${half} of ${times.length}, ${least} to ${most}`;
}

async function runSeries(series: Series): Promise<Sample[]> {
  const program = join(__dirname, '../support/ownNetwork.sh');
  const peer = join(__dirname, 'peers/reconnectPeer.ts');
  // Ours may be a network of its own already, but it is shared with the other series.
  const { EPICS_EXPOSE_OWN_NETWORK: _, ...environment } = process.env;
  const child = spawn(program, [process.execPath, '--import', 'tsx', peer, series], {
    env: environment,
    // It ends when its input does.
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const samples: Sample[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{')) samples.push(JSON.parse(line) as Sample);
  });
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (exitCode !== 0) throw new Error(`the series ${series} ended with ${exitCode}`);
  return samples;
}
