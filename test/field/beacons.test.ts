/** What tells libca that an IOC is back, beside what an IOC of this machine sends itself. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { caget, camonitor, nameServers, p4pGet, p4pMonitor } from '../support/clients';
import type { LabContainer } from '../support/lab/container';
import { needsEngine, needsOwnNetwork } from '../support/lab/needs';
import { exposedServers, Scene } from '../support/scene';
import { until } from '../support/until';

const REPEATER_PORT = 5065;

describe('IOCs that come back', () => {
  let scene: Scene;

  before(async function () {
    this.timeout(180_000);
    needsOwnNetwork(this);
    await needsEngine(this, 'rootless');
  });
  beforeEach(async function () {
    scene = new Scene(await needsEngine(this, 'rootless'));
  });
  afterEach(() => scene?.end());

  /** In place of the repeater: CA beacons, as they come. */
  async function hear(): Promise<{ beacons: Buffer[]; socket: Socket }> {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    scene.atEnd(() => new Promise<void>((resolve) => socket.close(resolve)));
    const beacons: Buffer[] = [];
    socket.on('message', (datagram) => {
      if (datagram.readUInt16BE(0) === 13) beacons.push(datagram);
    });
    await new Promise<void>((resolve) => socket.bind(REPEATER_PORT, resolve));
    return { beacons, socket };
  }

  it('are told by beacons like those of rsrv, each time, and not with --search off', async () => {
    const { beacons } = await hear();
    const own = await scene.ioc({ ioc: 'softIocCa', macros: 'P=OWN:', network: 'host' });
    await until(() => beacons.length > 0, 10_000, "the IOC's own beacon");
    const [rsrv = assert.fail()] = beacons;
    await own.remove();
    const keeper = await scene.keeper();
    let ioc = await keeper.startIoc({ macros: 'P=BACK:' });
    beacons.length = 0;
    const exposed = scene.expose([keeper]);
    for (let round = 1; round <= 2; round++) {
      await exposedServers(exposed, keeper.name, 2);
      await until(() => beacons.length === 2, 5000, 'two beacons');
      const [first, second] = beacons.splice(0) as [Buffer, Buffer];
      for (const beacon of [first, second]) {
        // Command, minor revision, port; rsrv leaves the address to the repeater.
        assert.equal(beacon.length, rsrv.length);
        assert.equal(beacon.toString('hex', 0, 8), rsrv.toString('hex', 0, 8));
        assert.equal(beacon.toString('hex', 12), '7f000001');
      }
      assert.equal(second.readUInt32BE(8), first.readUInt32BE(8) + 1);
      await ioc.kill();
      ioc = await keeper.startIoc({ macros: 'P=BACK:' });
    }
    await exposed.stop();
    beacons.length = 0;
    const quiet = scene.expose([keeper], ['--search', 'off']);
    await exposedServers(quiet, keeper.name, 2);
    assert.deepEqual(beacons, []);
  });

  it('leave others to be found at 127.0.0.1:5064 and :5075 meanwhile, and are found there again', async () => {
    const boxes = [
      { prefix: 'ONE:', box: await scene.ioc({ macros: 'P=ONE:' }) },
      { prefix: 'TWO:', box: await scene.ioc({ macros: 'P=TWO:' }) },
    ];
    const exposed = scene.expose(boxes.map(({ box }) => box));
    for (const { box } of boxes) await exposedServers(exposed, box.name, 2);
    // Whichever was looked into first is at 127.0.0.1.
    const isFirst = ({ name }: LabContainer): boolean =>
      exposed.server(name, 'ca').local?.host === '127.0.0.1';
    const away = boxes.find(({ box }) => isFirst(box));
    const here = boxes.find(({ box }) => !isFirst(box));
    assert.ok(away && here);
    const { box: first } = away;
    const known = nameServers({ ca: ['127.0.0.1:5064'], pva: ['127.0.0.1:5075'] });
    const read = async (name: string): Promise<void> => {
      for (const get of [caget, p4pGet]) {
        const [result] = await get([name], known, 15_000);
        assert.equal(result?.ok && result.value, 21.5, `${name} by ${get.name}`);
      }
    };
    await read(`${here.prefix}TEMPERATURE`);
    await first.stop();
    await exposed.until(
      () => exposed.servers(first.name, 'ca').every(({ status }) => status !== 'exposed'),
      10_000,
      'the first to be gone',
    );
    await read(`${here.prefix}TEMPERATURE`);
    await first.start();
    await exposedServers(exposed, first.name, 2);
    const { local } = exposed.server(first.name, 'ca');
    assert.deepEqual(local, { host: '127.0.0.1', port: 5064 });
    await read(`${away.prefix}TEMPERATURE`);
    await read(`${here.prefix}TEMPERATURE`);
  });

  it('are found at the same name server when another epics-expose that had it was killed', async () => {
    const box = await scene.ioc({ macros: 'P=KILL:' });
    const first = scene.expose([box]);
    await exposedServers(first, box.name, 2);
    const { environment } = first;
    const second = scene.expose([box]);
    await exposedServers(second, box.name, 2);
    await first.stop('SIGKILL');
    const at = (): unknown => second.snapshot.nameServers?.ca;
    await second.until(
      () => JSON.stringify(at()) === '{"host":"127.0.0.1","port":5063}',
      20_000,
      'the name server of the first',
    );
    const [result] = await caget(['KILL:TEMPERATURE'], environment, 10_000);
    assert.equal(result?.ok && result.value, 21.5);
  });

  it('are found by clients that know only the name servers, also when no other IOC is there', async () => {
    const keeper = await scene.keeper();
    const exposed = scene.expose([keeper]);
    let ioc = await keeper.startIoc({ macros: 'P=ONLY:' });
    await exposedServers(exposed, keeper.name, 2);
    const { environment } = exposed;
    const monitors = [camonitor, p4pMonitor].map((monitor) =>
      monitor(['ONLY:TEMPERATURE'], environment),
    );
    try {
      for (const monitor of monitors) await monitor.next(({ ok }) => ok);
      for (let round = 1; round <= 2; round++) {
        await ioc.kill();
        for (const monitor of monitors) await monitor.next(({ ok }) => !ok);
        ioc = await keeper.startIoc({ macros: 'P=ONLY:' });
        for (const monitor of monitors) await monitor.next(({ ok }) => ok);
        assert.deepEqual(exposed.environment, environment);
      }
    } finally {
      await Promise.all(monitors.map((monitor) => monitor.close()));
    }
  });
});
