/** PVXS ends the circuit of a client that it has not heard for 40 s: of one that is silent, not ours. */
import assert from 'node:assert/strict';
import type { Clock } from '../../src/base/clock';
import { silentLog } from '../../src/base/log';
import { openCore } from '../../src/broker/openCore';
import type { CoreApi } from '../../src/model/coreApi';
import type { Endpoint } from '../../src/model/endpoint';
import type { PvProtocol } from '../../src/model/snapshot';
import { connectTcp } from '../../src/node/relay/connectTcp';
import { systemClock } from '../../src/node/systemClock';
import { PvaClientConnection } from '../../src/protocol/pva';
import type { LabEngine } from '../support/lab/engine';
import { needsEngine } from '../support/lab/needs';
import { Scene } from '../support/scene';
import { until } from '../support/until';

const PV = 'ALIVE:TEMPERATURE';
const PANEL = { width: 100, height: 100 };
const PVA_PORT = 5075;
/** Longer than PVXS waits for a client. */
const SILENCE_MS = 45_000;
/** Of a machine on which twenty programs want to run for each two processors. */
const busyClock: Clock = { ...systemClock, stretch: (timeoutMs) => 10 * timeoutMs };

describe('circuits of ours to a real IOC: docker', () => {
  let lab: LabEngine;
  let scene: Scene;

  before(async function () {
    this.timeout(180_000);
    lab = await needsEngine(this, 'docker');
  });
  beforeEach(() => {
    scene = new Scene(lab);
  });
  afterEach(() => scene?.end());

  it('stay after a restart of the IOC where that of a silent client ends', async function () {
    this.timeout(180_000);
    let box = await scene.ioc({ ioc: 'softIocPvx', macros: 'P=ALIVE:' });
    const frontEnd = await opened(box.name);
    const news = follow(frontEnd);
    await untilNewer(news);
    const before = lengths(news);
    box = await box.restart();
    await untilNewer(news, before);
    const told = lengths(news);

    const silent = await silentClient({ host: await box.address(), port: PVA_PORT });
    await until(
      () => silent.hasEnded(),
      SILENCE_MS,
      'the IOC to end the circuit of a silent client',
    );
    const timeouts = (await box.logs()).split('\n').filter((line) => line.includes('timeout'));
    assert.deepEqual(
      timeouts.map((line) => /Client \S*?:(\d+)/.exec(line)?.[1]),
      [String(silent.port)],
    );
    // What has ended is told within that time, too.
    const later = [...news].map(([what, all], at) => [what, ...all.slice(told[at])]);
    assert.deepEqual(
      later,
      [...news.keys()].map((what) => [what]),
    );
  });

  async function opened(container: string): Promise<CoreApi> {
    const core = openCore({ env: {}, opensRelays: true, clock: busyClock, log: silentLog });
    scene.atEnd(() => core.close());
    const frontEnd = core.openFrontEnd();
    const selection = { containers: [container], labels: [] };
    await frontEnd.setRequest({ selection, engines: [lab.endpoint], names: [] });
    await until(
      () => frontEnd.snapshot.isSettled && frontEnd.snapshot.containers.length === 1,
      20_000,
      () => `a settled snapshot: ${JSON.stringify(frontEnd.snapshot)}`,
    );
    return frontEnd;
  }
});

/** What came, by how and over what a value that stays the same is followed. */
type News = ReadonlyMap<string, ('value' | 'lost')[]>;

function follow(frontEnd: CoreApi): News {
  const news = new Map<string, ('value' | 'lost')[]>();
  for (const protocol of ['ca', 'pva'] as PvProtocol[]) {
    const note = (how: string): ((kind: 'value' | 'interrupted') => void) => {
      const all: ('value' | 'lost')[] = [];
      news.set(`${how} over ${protocol}`, all);
      return (kind) => all.push(kind === 'value' ? 'value' : 'lost');
    };
    const [row, monitor, plot] = [note('row'), note('monitor'), note('plot')];
    const rows = frontEnd.followPvs((updates) => {
      for (const update of updates) row('reading' in update ? 'value' : 'interrupted');
    });
    rows.change({ add: [{ id: 1, name: PV, protocol }], remove: [] });
    frontEnd.monitorPv({ name: PV, protocol }, ({ kind }) => monitor(kind));
    frontEnd.plotPv({ name: PV, protocol, ...PANEL }, ({ kind }) => plot(kind));
  }
  return news;
}

const lengths = (news: News): number[] => [...news.values()].map(({ length }) => length);

/** Waits until something has come of each since then, a value last. */
async function untilNewer(news: News, before: readonly number[] = []): Promise<void> {
  await until(
    () =>
      [...news.values()].every(
        (all, at) => all.length > (before[at] ?? 0) && all.at(-1) === 'value',
      ),
    30_000,
    () => `values everywhere: ${JSON.stringify([...news])}`,
  );
}

/** A client that says what it must to be accepted, and nothing more. */
async function silentClient(
  server: Endpoint,
): Promise<{ readonly port: number; hasEnded(): boolean }> {
  const socket = await connectTcp(server, new AbortController().signal);
  const connection = new PvaClientConnection({});
  let hasEnded = false;
  const end = (): void => {
    hasEnded = true;
    socket.destroy();
  };
  socket.on('end', end).on('error', end);
  socket.on('data', (bytes: Buffer) => {
    connection.receive(bytes);
    socket.write(connection.takeOutput());
  });
  socket.resume();
  await until(() => connection.isValidated, 10_000, 'a handshake');
  return { port: socket.localPort ?? 0, hasEnded: () => hasEnded };
}
