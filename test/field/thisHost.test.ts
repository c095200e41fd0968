/** Clients with no environment at all, which broadcast, find the PVs of containers. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  caget,
  caprotoGet,
  foundTwice,
  p4pGet,
  pvaPyGet,
  searchAddresses,
} from '../support/clients';
import type { Exposed } from '../support/exposed';
import type { EngineKind } from '../support/lab/engine';
import { needsEngine, needsOwnNetwork } from '../support/lab/needs';
import { exposedServers, Scene } from '../support/scene';

const NOTHING = {};
/** As ownNetwork.sh has it. */
const NETWORK = '198.51.100.255';

for (const kind of ['rootless', 'docker'] as EngineKind[]) {
  describe(`searches by broadcast: ${kind}`, () => {
    let scene: Scene;

    before(async function () {
      this.timeout(180_000);
      needsOwnNetwork(this);
      await needsEngine(this, kind);
    });
    beforeEach(async function () {
      scene = new Scene(await needsEngine(this, kind));
    });
    afterEach(() => scene?.end());

    async function read(
      get: typeof caget,
      names: string[],
      environment: Record<string, string>,
    ): Promise<unknown[]> {
      const results = await get(names, environment, 10_000);
      return results.map((result) =>
        result.ok ? result.value : `${result.name}: ${result.error}`,
      );
    }

    async function heard(exposed: Exposed): Promise<void> {
      await exposed.until(
        () =>
          (['ca', 'pva'] as const).every((protocol) =>
            exposed.snapshot.search?.[protocol]?.broadcasts?.includes(NETWORK),
          ),
        5000,
        'broadcasts to be heard',
      );
    }

    it('every client without any environment', async () => {
      const boxes = await Promise.all([
        scene.ioc({ macros: 'P=HOSTA:' }),
        scene.ioc({ ioc: 'softIocPva', macros: 'P=HOSTB:' }),
      ]);
      const exposed = scene.expose(boxes, ['--search', 'thishost']);
      for (const { name } of boxes) await exposedServers(exposed, name, 2);
      await heard(exposed);
      const names = ['HOSTA:TEMPERATURE', 'HOSTB:TEMPERATURE'];
      for (const get of [caget, caprotoGet, p4pGet, pvaPyGet]) {
        assert.deepEqual(await read(get, names, NOTHING), [21.5, 21.5], get.name);
      }
    });

    it('an IOC of this machine that starts later is found at 127.0.0.1', async () => {
      const box = await scene.ioc({ macros: 'P=BOX:' });
      const exposed = scene.expose([box]);
      await exposedServers(exposed, box.name, 2);
      const loopback = searchAddresses({ ca: ['127.0.0.1'] });
      assert.deepEqual(await read(caget, ['BOX:TEMPERATURE'], loopback), [21.5]);
      await scene.ioc({ ioc: 'softIocCa', macros: 'P=LATER:', network: 'host' });
      const problem = (): string => exposed.snapshot.search?.ca?.problem?.message ?? '';
      await exposed.until(() => /held by softIocCa/.test(problem()), 10_000, 'us to give route');
      assert.deepEqual(await read(caget, ['LATER:TEMPERATURE'], loopback), [21.5]);
    });

    it('an IOC of this machine keeps its own clients, and is not found twice', async () => {
      foundTwice.length = 0;
      const host = await scene.ioc({ macros: 'P=OWN:', network: 'host' });
      const box = await scene.ioc({ ioc: 'softIocPva', macros: 'P=BOX:', env: PORTS });
      const exposed = scene.expose([host, box], ['--search', 'thishost']);
      for (const { name } of [host, box]) await exposedServers(exposed, name, 2);
      await heard(exposed);
      assert.match(exposed.snapshot.search?.ca?.problem?.message ?? '', /held by softIocPvx/);
      const names = ['OWN:TEMPERATURE', 'BOX:TEMPERATURE'];
      assert.deepEqual(await read(caget, names, NOTHING), [21.5, 21.5]);
      assert.deepEqual(await read(p4pGet, names, NOTHING), [21.5, 21.5]);
      assert.deepEqual(await read(pvaPyGet, names, NOTHING), [21.5, 21.5]);
      const onlyHost = searchAddresses({ ca: ['127.0.0.1'], pva: ['127.0.0.1'] });
      assert.deepEqual(await read(caget, ['OWN:TEMPERATURE'], onlyHost), [21.5]);
      const both = searchAddresses({ ca: ['127.255.255.255'] });
      assert.deepEqual(await read(caget, names, both), [21.5, 21.5]);
      assert.deepEqual(foundTwice, []);
    });
  });
}

describe('searches by broadcast: others', () => {
  let scenes: Scene[] = [];
  afterEach(() => Promise.all(scenes.map((scene) => scene.end())));

  it('who is not of this machine gets no answer', async function () {
    needsOwnNetwork(this);
    const scene = new Scene(await needsEngine(this, 'rootless'));
    const beside = new Scene(await needsEngine(this, 'docker'));
    scenes = [scene, beside];
    const box = await scene.ioc({ macros: 'P=OURS:' });
    // Its network is a bridge of this machine, where its broadcasts are heard.
    const other = await beside.ioc({ ioc: 'caproto', macros: 'P=THEIRS:' });
    const exposed = scene.expose([box], ['--search', 'thishost']);
    await exposedServers(exposed, box.name, 2);
    const broadcast = (await other.address()).replace(/\.\d+$/, '.255');
    await exposed.until(
      () => exposed.snapshot.search?.ca?.broadcasts?.includes(broadcast) === true,
      15_000,
      'broadcasts of the other network to be heard',
    );
    const ask = ['-c', ASK, broadcast];
    const { stdout } = await other.exec(['python3', ...ask]);
    assert.equal(stdout.trim(), 'silence');
    assert.equal(execFileSync('python3', ask, { encoding: 'utf8' }).trim(), 'answer');
  });
});

/** Searches for OURS:TEMPERATURE by a broadcast of Channel Access. */
const ASK = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.settimeout(1.5)
name = b"OURS:TEMPERATURE".ljust(24, bytes(1))
version = bytes.fromhex("000000000001000d0000000100000000")
s.sendto(version + bytes.fromhex("000600180005000d0000000100000001") + name, (sys.argv[1], 5064))
try:
    s.recvfrom(1000)
    print("answer")
except socket.timeout:
    print("silence")
`;

const PORTS = { EPICS_CAS_SERVER_PORT: '6064', EPICS_PVAS_SERVER_PORT: '6075' };
