/** The ports that clients know without being told answer for every server, while there is one. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { run } from '../bench/peers';
import { caget, nameServers, p4pGet, searchAddresses } from '../support/clients';
import type { Exposed } from '../support/exposed';
import { needsEngine, needsOwnNetwork } from '../support/lab/needs';
import { listenersOf } from '../support/lab/process';
import { pvxsProgram } from '../support/pvxsProgram';
import { exposedServers, Scene } from '../support/scene';
import { until } from '../support/until';

const PATIENCE_MS = 15_000;
const WELL_KNOWN = nameServers({ ca: ['127.0.0.1:5064'], pva: ['127.0.0.1:5075'] });

describe('well-known ports', () => {
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

  async function read(get: typeof caget, name: string, environment = WELL_KNOWN): Promise<void> {
    const [result] = await get([name], environment, PATIENCE_MS);
    assert.equal(result?.ok && result.value, 21.5, JSON.stringify(result));
  }

  const ports = (exposed: Exposed): string[] =>
    listenersOf(exposed.pid).map(({ host, port }) => `${host}:${port}`);

  for (const [first, missing, get] of [
    ['p4p', '127.0.0.1:5064', caget],
    ['softIocCa', '127.0.0.1:5075', p4pGet],
  ] as const) {
    it(`answer although the oldest container speaks one protocol only: ${first}`, async () => {
      const oldest = await scene.ioc({ ioc: first, macros: 'P=OLD:' });
      const both = await scene.ioc({ macros: 'P=BOTH:' });
      const exposed = scene.expose([oldest, both]);
      await exposed.untilReachable(both.name, 2, 30_000);
      await exposed.until(() => ports(exposed).includes(missing), 10_000, missing);
      await read(get, 'BOTH:TEMPERATURE');
      assert.equal(exposed.snapshot.notices, undefined);
    });
  }

  it('say who has them where that is somebody else, and hold nothing when nothing is exposed', async () => {
    const own = await scene.ioc({ ioc: 'softIocCa', macros: 'P=OWN:', network: 'host' });
    const box = await scene.ioc({ macros: 'P=BOX:' });
    const exposed = scene.expose([box]);
    await exposed.untilReachable(box.name, 2, 30_000);
    const notices = (): string => JSON.stringify(exposed.snapshot.notices ?? []);
    await exposed.until(() => notices().includes('5064'), 10_000, 'the notice');
    assert.match(
      notices(),
      /127\.0\.0\.1:5064 is held by softIocCa \(pid \d+\).*EPICS_CA_NAME_SERVERS/,
    );
    await read(caget, 'OWN:TEMPERATURE');
    await read(caget, 'BOX:TEMPERATURE', exposed.environment);
    await own.remove();
    await exposed.until(() => ports(exposed).includes('127.0.0.1:5064'), 15_000, 'the port');
    await exposed.until(() => exposed.snapshot.notices === undefined, 5000, 'no notice');
    await box.remove();
    await until(
      () => ports(exposed).join() === '127.0.0.1:5063,127.0.0.1:5074',
      10_000,
      'the name servers of our own numbers alone',
    );
    assert.equal(exposed.snapshot.search, undefined);
  });

  it('tell all servers to who asks for servers by UDP', async () => {
    const [a, b] = [await scene.ioc({ macros: 'P=A:' }), await scene.ioc({ macros: 'P=B:' })];
    const exposed = scene.expose([a, b]);
    await exposedServers(exposed, a.name, 2);
    await exposedServers(exposed, b.name, 2);
    await exposed.until(() => exposed.snapshot.search?.pva?.local !== undefined, 5000, 'UDP 5076');
    const source = join(__dirname, '../support/clients/pvxDiscover.cpp');
    const said = await run(
      pvxsProgram(source),
      ['2', '15'],
      searchAddresses({ pva: ['127.0.0.1'] }),
    );
    assert.deepEqual(said.trim().split('\n').sort(), ['127.0.0.1:5075', '127.0.0.2:5075']);
  });

  it('and those that IOCs were told to use answer searches, too', async () => {
    const box = await scene.ioc({
      macros: 'P=TOLD:',
      env: { EPICS_CAS_SERVER_PORT: '8064', EPICS_PVAS_BROADCAST_PORT: '8076' },
    });
    const exposed = scene.expose([box]);
    await exposedServers(exposed, box.name, 2);
    const isTold = (): boolean => {
      const { ca, pva } = exposed.snapshot.search ?? {};
      return ca?.alsoAt?.[0]?.port === 8064 && pva?.alsoAt?.[0]?.port === 8076;
    };
    await exposed.until(isTold, 10_000, 'UDP 8064 and 8076');
    const here = searchAddresses({ ca: ['127.0.0.1'], pva: ['127.0.0.1'] });
    await read(caget, 'TOLD:TEMPERATURE', { ...here, EPICS_CA_SERVER_PORT: '8064' });
    await read(p4pGet, 'TOLD:TEMPERATURE', { ...here, EPICS_PVA_BROADCAST_PORT: '8076' });
    // And still where clients search that are told nothing.
    await read(caget, 'TOLD:TEMPERATURE', here);
  });
});
