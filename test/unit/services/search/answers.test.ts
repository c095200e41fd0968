/** Which address clients that search are told: the server's own where that is proved, or a relay. */
import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { formatEndpoint } from '../../../../src/model/endpoint';
import { isInWsl } from '../../../../src/node/isInWsl';
import { safestAnswers } from '../../../../src/model/coreApi';
import { CoreScene } from '../../../support/coreScene';
import { DROPPED, type FakeContainer, type FakeIoc } from '../../../support/fakeEngine';
import { openSearching, type SearchingClient } from '../../../support/searchingClient';

const ADDRESS = '172.17.0.2';
const PORTS = { ca: 5064, pva: 5075 } as const;
const NAME_SERVERS = { ca: 5063, pva: 5074 } as const;
const PROTOCOLS = ['ca', 'pva'] as const;

describe('the address that a search is answered with', () => {
  let scene: CoreScene;
  let dev: FakeContainer;
  let ioc: FakeIoc;
  let client: SearchingClient | undefined;
  beforeEach(() => {
    scene = new CoreScene();
    dev = scene.engine.run('dev');
    dev.routeKinds = ['address', 'entered'];
    dev.setAddress(ADDRESS);
    ioc = dev.start({ name: 'IOC' });
  });
  afterEach(async () => {
    client?.stream.destroy();
    await scene.end();
  });

  /** What a new client is told there. */
  async function told(protocol: 'ca' | 'pva', port: number): Promise<string> {
    const searching = await openSearching(scene, protocol, port);
    client = searching;
    searching.ask(1, 'DEMO:MOTOR');
    await scene.until(() => searching.found.size === 1, 'an answer');
    searching.stream.destroy();
    return searching.found.get(1) ?? '';
  }

  const direct = (): string[] =>
    PROTOCOLS.map((protocol) => {
      const { direct: endpoint } = scene.server('dev', protocol);
      return endpoint ? formatEndpoint(endpoint) : 'none';
    });

  for (const protocol of PROTOCOLS) {
    const own = `${ADDRESS}:${PORTS[protocol]}`;
    const relay = `127.0.0.1:${PORTS[protocol]}`;

    it(`is its own by the name server, and the relay's on a relay, over ${protocol}`, async () => {
      await scene.open();
      await scene.clock.advance(100);
      assert.equal(await told(protocol, NAME_SERVERS[protocol]), own);
      assert.equal(await told(protocol, PORTS[protocol]), relay);
      assert.equal(scene.line('dev', protocol), `exposed ${relay} 12/12`);
      assert.deepEqual(direct(), [`${ADDRESS}:5064`, `${ADDRESS}:5075`]);
    });

    it(`is the relay's as soon as one front end wants that, over ${protocol}`, async () => {
      await scene.open({ answers: 'direct' });
      const other = await scene.open({ answers: 'relay' });
      await scene.clock.advance(100);
      assert.equal(await told(protocol, NAME_SERVERS[protocol]), relay);
      assert.deepEqual(direct(), ['none', 'none']);
      other.dispose();
      await scene.clock.advance(100);
      assert.equal(await told(protocol, NAME_SERVERS[protocol]), own);
    });

    it(`is the relay's where the address refuses, over ${protocol}`, async () => {
      dev.blocked.set('address', 'connect ECONNREFUSED');
      const frontEnd = await scene.open();
      await scene.clock.advance(100);
      assert.equal(await told(protocol, NAME_SERVERS[protocol]), relay);
      assert.equal(scene.server('dev', protocol).route, 'entered');
      // A packet filter is changed.
      dev.blocked.clear();
      // That clients go another way is no trouble, and is shown as none.
      const shown = new Set<string | undefined>();
      frontEnd.onDidChange(() => shown.add(scene.server('dev', protocol).problem?.code));
      await scene.until(() => !direct().includes('none'), 'its own address', 60_000);
      assert.equal(await told(protocol, NAME_SERVERS[protocol]), own);
      await scene.untilLine('dev', protocol, `exposed ${relay} 12/12`);
      assert.ok(!shown.has('disconnected'));
    });
  }

  it('shows what clients get who are sent there', async () => {
    await scene.open();
    await scene.clock.advance(100);
    // Our own circuits go there, too; relays carry nothing.
    assert.deepEqual([...new Set(dev.dialled)], ['address']);
    for (const port of [5064, 5075]) {
      assert.equal(scene.machine.relay(`127.0.0.1:${port}`).connectionCount, 0);
    }
  });

  it("is the relay's from the moment on in which the address leads there no more", async () => {
    await scene.open();
    await scene.clock.advance(100);
    dev.blocked.set('address', 'connect EHOSTUNREACH');
    ioc.dropCircuits();
    await scene.until(() => direct().every((one) => one === 'none'), 'no direct way', 1000);
  });

  const cuts = ['connect ECONNREFUSED', 'connect EHOSTUNREACH', DROPPED];
  for (const [cut, answers] of cuts.flatMap((why) => [
    [why, 'direct'] as const,
    [why, 'relay'] as const,
  ])) {
    it(`leads elsewhere when a VPN takes it, and its relay does (${cut}, ${answers})`, async () => {
      await scene.open({ answers });
      await scene.clock.advance(100);
      const before = direct();
      dev.blocked.set('address', cut);
      ioc.dropCircuits();
      for (const protocol of PROTOCOLS) {
        const line = `exposed 127.0.0.1:${PORTS[protocol]} 12/12`;
        await scene.until(
          () =>
            scene.server('dev', protocol).route === 'entered' &&
            scene.line('dev', protocol) === line,
          'another route',
          30_000,
        );
        assert.equal(await told(protocol, NAME_SERVERS[protocol]), `127.0.0.1:${PORTS[protocol]}`);
      }
      dev.blocked.clear();
      await scene.until(() => direct().join() === before.join(), 'its own address', 60_000);
    });
  }

  const befores: readonly (readonly [string, () => Promise<void>])[] = [
    [
      'pause',
      async () => {
        dev.setPaused(true);
        await scene.clock.advance(1000);
        dev.setPaused(false);
      },
    ],
    ['move', async () => dev.setAddress('172.17.0.7')],
    [
      'suspension',
      async () => {
        dev.setSuspended(ioc, true);
        await scene.clock.advance(6000);
        dev.setSuspended(ioc, false);
      },
    ],
  ];
  for (const [before, happen] of befores) {
    it(`leads elsewhere when a VPN takes it after a ${before}, too`, async () => {
      await scene.open({ answers: 'relay' });
      await scene.clock.advance(100);
      await happen();
      await scene.clock.advance(20_000);
      await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 12/12');
      assert.equal(scene.server('dev', 'ca').route, 'address');
      dev.blocked.set('address', 'connect EHOSTUNREACH');
      ioc.dropCircuits();
      await scene.until(
        () =>
          scene.server('dev', 'ca').route === 'entered' &&
          scene.line('dev', 'ca') === 'exposed 127.0.0.1:5064 12/12',
        'another route',
        60_000,
      );
    });
  }

  for (const hangMs of [110_800, 111_800, 112_800, 113_800]) {
    for (const gapMs of [300, 1200, 2500, 4000]) {
      it(`leads elsewhere when a VPN takes it ${gapMs} ms after a hang of ${hangMs} ms`, async () => {
        await scene.open({ answers: 'relay' });
        await scene.clock.advance(100);
        for (const kind of ['address', 'entered'] as const) dev.blocked.set(kind, DROPPED);
        ioc.dropCircuits();
        await scene.clock.advance(hangMs);
        dev.blocked.clear();
        await scene.clock.advance(gapMs);
        dev.blocked.set('address', 'connect EHOSTUNREACH');
        ioc.dropCircuits();
        await scene.until(
          () => scene.line('dev', 'ca') === 'exposed 127.0.0.1:5064 12/12',
          'another route',
          120_000,
        );
        assert.equal(scene.server('dev', 'ca').route, 'entered');
      });
    }
  }

  it('is told as the reason where its relay cannot connect', async () => {
    await scene.open({ answers: 'relay' });
    for (const kind of ['address', 'entered'] as const) dev.blocked.set(kind, 'connect EMFILE');
    ioc.dropCircuits();
    const why = (): unknown => scene.server('dev', 'ca').problem;
    const detail = 'its relay cannot connect: connect EMFILE';
    const isTold = (): boolean => JSON.stringify(why()).includes(detail);
    await scene.until(isTold, 'why', 30_000);
    dev.blocked.clear();
    await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 12/12');
    // What it is once connected, the server itself ends.
    ioc.dropCircuits();
    await scene.until(() => why() !== undefined, 'the next reason');
    assert.match(JSON.stringify(why()), /the server closed the circuit/);
  });

  it('stays where the server hangs, and so do the circuits of its relay', async () => {
    await scene.open();
    await scene.clock.advance(100);
    for (const kind of ['address', 'entered'] as const) dev.blocked.set(kind, DROPPED);
    ioc.dropCircuits();
    const held = await scene.machine.dial({ host: '127.0.0.1', port: 5064 });
    await scene.clock.advance(300_000);
    assert.equal(scene.server('dev', 'ca').problem?.code, 'disconnected');
    assert.equal(held.destroyed, false);
    dev.blocked.delete('address');
    await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 12/12');
    await scene.clock.advance(60_000);
    assert.equal(scene.server('dev', 'ca').route, 'address');
    assert.equal(held.destroyed, false);
    held.destroy();
  });

  it('follows the container to another network, or none', async () => {
    await scene.open();
    await scene.clock.advance(100);
    dev.setAddress(undefined);
    await scene.clock.advance(100);
    assert.deepEqual(direct(), ['none', 'none']);
    for (const protocol of PROTOCOLS) {
      await scene.untilLine('dev', protocol, `exposed 127.0.0.1:${PORTS[protocol]} 12/12`);
      assert.equal(scene.server('dev', protocol).route, 'entered');
      const value = await scene.get('DEMO:COUNTER', `127.0.0.1:${PORTS[protocol]}`);
      assert.equal(typeof value.value, 'number');
    }
    dev.setAddress('172.18.0.9');
    await scene.until(() => direct()[0] === '172.18.0.9:5064', 'the new address', 1000);
    assert.equal(await told('pva', NAME_SERVERS.pva), '172.18.0.9:5075');
  });

  it('is not that of another container that has the address now', async () => {
    const other = scene.engine.run('other', { startedAt: '2026-01-02T00:00:00Z' });
    other.routeKinds = ['address', 'entered'];
    await scene.open();
    await scene.clock.advance(100);
    dev.setAddress(undefined);
    other.setAddress(ADDRESS);
    other.start({ name: 'OTHER' });
    await scene.clock.advance(40_000);
    assert.deepEqual(direct(), ['none', 'none']);
    const { direct: theirs } = scene.server('other', 'ca');
    assert.deepEqual(theirs, { host: ADDRESS, port: 5064 });
  });

  it('is not its own while the container is paused', async () => {
    await scene.open();
    await scene.clock.advance(100);
    dev.setPaused(true);
    await scene.clock.advance(100);
    assert.deepEqual(direct(), ['none', 'none']);
    dev.setPaused(false);
    await scene.until(() => !direct().includes('none'), 'its own address');
  });

  it("stays the engine's where it publishes the port under the same number", async () => {
    dev.routeKinds = ['published', 'address', 'entered'];
    for (const port of [5064, 5075]) {
      scene.machine.take(`127.0.0.1:${port}`, {
        command: 'docker-proxy',
        serve: (stream) => void ioc.serve(port, stream),
      });
    }
    await scene.open();
    await scene.clock.advance(100);
    assert.equal(await told('ca', NAME_SERVERS.ca), '127.0.0.1:5064');
    assert.deepEqual(direct(), ['none', 'none']);
  });

  it('is that of the program that forwards it already, until that ends', async () => {
    const serve = (stream: Duplex): void => void ioc.serve(5075, stream);
    scene.machine.take('127.0.0.1:5075', { command: 'epics-expose', serve });
    await scene.open();
    await scene.clock.advance(100);
    assert.equal(scene.server('dev', 'pva').status, 'shared');
    assert.equal(await told('pva', NAME_SERVERS.pva), '127.0.0.1:5075');
    assert.equal(direct()[1], 'none');
    scene.machine.free('127.0.0.1:5075');
    await scene.until(() => direct()[1] !== 'none', 'its own address');
    assert.equal(scene.server('dev', 'pva').status, 'exposed');
  });

  it('is the safest of what front ends want', () => {
    assert.equal(safestAnswers([], 'direct'), 'direct');
    assert.equal(safestAnswers([{}, { answers: 'direct' }], 'direct'), 'direct');
    assert.equal(safestAnswers([{}, { answers: 'relay' }], 'direct'), 'relay');
    assert.equal(safestAnswers([{ answers: 'auto' }, { answers: 'direct' }], 'relay'), 'relay');
    assert.equal(safestAnswers([{ answers: 'direct' }], 'relay'), 'direct');
    assert.ok(isInWsl('5.15.167.4-microsoft-standard-WSL2') && !isInWsl('6.12.0-amd64'));
  });
});
