import assert from 'node:assert/strict';
import type { PortPublisher } from '../../../../src/services/host/engine';
import { CoreScene } from '../../../support/coreScene';
import { DROPPED, FakeIoc, SILENT, WEB_SERVER } from '../../../support/fakeEngine';
import type { Serve } from '../../../support/fakeMachine';

const SOFT_IOC = { command: 'softIoc' };
/** All numbers under which a CA server may be relayed, and whichever the system has left. */
const ALL_NUMBERS = [5064, 15_064, 25_064, 35_064, 45_064, 55_064, 65_064, 0];

describe('a server on its way to this machine', () => {
  let scene: CoreScene;
  beforeEach(() => (scene = new CoreScene()));
  afterEach(() => scene.end());

  it('is relayed under its own number, and clients read its PVs there', async () => {
    scene.engine.run('dev').start({ name: 'IOC' });
    await scene.open();
    assert.equal(scene.line('dev', 'ca'), 'exposed 127.0.0.1:5064 12/12');
    assert.equal(scene.line('dev', 'pva'), 'exposed 127.0.0.1:5075 12/12');
    for (const place of ['127.0.0.1:5064', '127.0.0.1:5075']) {
      assert.equal((await scene.get('DEMO:COUNTER', place)).value, 0);
    }
  });

  it('is used where it is, in the network of this machine', async () => {
    const dev = scene.engine.run('dev');
    dev.routeKinds = ['host-network', 'entered'];
    const ioc = dev.start({ name: 'IOC' });
    for (const port of [5064, 5075]) {
      scene.machine.take(`*:${port}`, {
        ...SOFT_IOC,
        serve: (stream) => void ioc.serve(port, stream),
      });
    }
    await scene.open();
    assert.equal(scene.line('dev', 'ca'), 'exposed 127.0.0.1:5064 12/12');
    assert.equal(scene.server('dev', 'ca').isRelayed, false);
    assert.deepEqual(scene.machine.listening, []);
  });

  describe('whose port is taken', () => {
    it('goes to the next address', async () => {
      scene.machine.take('127.0.0.1:5064', SOFT_IOC);
      scene.engine.run('dev').start({ name: 'IOC' });
      await scene.open();
      assert.equal(scene.line('dev', 'ca'), 'exposed 127.0.0.2:5064 12/12');
    });

    it('goes to another number, awaits its own, and has both then', async () => {
      scene.machine.take('*:5064', SOFT_IOC);
      scene.engine.run('dev').start({ name: 'IOC', servers: { 5064: 'ca' } });
      await scene.open({ names: ['DEMO:MOTOR'] });
      assert.equal(scene.line('dev', 'ca'), 'exposed 127.0.0.1:15064 1/1');
      await scene.clock.advance(20_000);
      assert.equal(scene.line('dev', 'ca'), 'exposed 127.0.0.1:15064 1/1');
      scene.machine.free('*:5064');
      await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 1/1');
      // For clients that know it.
      const { value } = await scene.get('DEMO:MOTOR', '127.0.0.1:5064');
      assert.equal((await scene.get('DEMO:MOTOR', '127.0.0.1:15064')).value, value);
    });

    it('waits where no number is left, and takes its own when that is free', async () => {
      for (const port of ALL_NUMBERS) scene.machine.take(`*:${port}`, SOFT_IOC);
      scene.engine.run('dev').start({ name: 'IOC', servers: { 5064: 'ca' } });
      await scene.open({ names: ['DEMO:MOTOR'] });
      assert.equal(scene.server('dev', 'ca').problem?.code, 'port-taken');
      assert.equal(scene.server('dev', 'ca').status, 'failed');
      scene.machine.free('*:5064');
      await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 1/1');
    });

    it('leaves it to a container that publishes it, and circuits go on', async () => {
      scene.engine.run('dev').start({ name: 'IOC' });
      await scene.open();
      const held = await scene.machine.dial({ host: '127.0.0.1', port: 5064 });
      const publisher = publisherOf(5064);
      scene.engine.publishers = [publisher];
      scene.engine.notify();
      await scene.untilLine('dev', 'ca', 'exposed 127.0.0.2:5064 12/12');
      assert.ok(!scene.machine.listening.includes('127.0.0.1:5064'));
      assert.equal(held.destroyed, false);
      held.destroy();
    });

    it('is back at its own number when the container that published it is gone', async () => {
      scene.engine.publishers = [{ ...publisherOf(5064), ports: [everywhere(5064)] }];
      scene.engine.run('dev').start({ name: 'IOC' });
      await scene.open();
      assert.equal(scene.line('dev', 'ca'), 'exposed 127.0.0.1:15064 12/12');
      scene.engine.publishers = [];
      scene.engine.notify();
      await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 12/12');
    });

    it('moves from its own number to the other one that it still has', async () => {
      scene.machine.take('*:5064', SOFT_IOC);
      scene.engine.run('dev').start({ name: 'IOC' });
      await scene.open();
      scene.machine.free('*:5064');
      await scene.until(() => scene.line('dev', 'ca').includes(':5064'), 'its own number');
      scene.engine.publishers = [{ ...publisherOf(5064), ports: [everywhere(5064)] }];
      scene.engine.notify();
      await scene.until(() => scene.line('dev', 'ca').includes(':15064'), 'the other number');
      scene.engine.publishers = [];
      scene.engine.notify();
      await scene.until(() => scene.line('dev', 'ca').includes(':5064'), 'its own number again');
    });
  });

  describe('that somebody else forwards already', () => {
    const protocols = [
      ['ca', 5064],
      ['pva', 5075],
    ] as const;
    for (const [protocol, port] of protocols) {
      it(`is shared, and looked at again when that circuit ends (${protocol})`, async () => {
        const place = `127.0.0.1:${port}`;
        const ioc = scene.engine.run('dev').start({ name: 'IOC' });
        const serve: Serve = (stream) => void ioc.serve(port, stream);
        scene.machine.take(place, { command: 'ssh', serve });
        await scene.open();
        assert.equal(scene.line('dev', protocol), `shared ${place} 12/12`);
        scene.machine.free(place);
        await scene.untilLine('dev', protocol, `exposed ${place} 12/12`);
      });
    }

    it('is ours when that one listens no more, although our circuit goes on', async () => {
      const ioc = scene.engine.run('dev').start({ name: 'IOC' });
      const serve: Serve = (stream) => void ioc.serve(5075, stream);
      scene.machine.take('127.0.0.1:5075', { command: 'socat', serve });
      await scene.open();
      assert.equal(scene.line('dev', 'pva'), 'shared 127.0.0.1:5075 12/12');
      await scene.clock.advance(30_000);
      assert.equal(scene.line('dev', 'pva'), 'shared 127.0.0.1:5075 12/12');
      scene.machine.stopListening('127.0.0.1:5075');
      await scene.untilLine('dev', 'pva', 'exposed 127.0.0.1:5075 12/12');
    });

    it('is not taken for another IOC that has the same PVs', async () => {
      const twin = new FakeIoc({ name: 'TWIN' }, 1, 1, scene.clock);
      await scene.clock.advance(70);
      scene.machine.take('127.0.0.1:5064', {
        ...SOFT_IOC,
        serve: (stream) => void twin.serve(5064, stream),
      });
      scene.engine.run('dev').start({ name: 'IOC' });
      await scene.open();
      assert.equal(scene.line('dev', 'ca'), 'exposed 127.0.0.2:5064 12/12');
      twin.end();
    });

    it('is not trusted to another user of this machine', async () => {
      const ioc = scene.engine.run('dev').start({ name: 'IOC' });
      const serve: Serve = (stream) => void ioc.serve(5075, stream);
      scene.machine.take('127.0.0.1:5075', { command: 'ssh', isForeign: true, serve });
      await scene.open();
      assert.equal(scene.line('dev', 'pva'), 'exposed 127.0.0.2:5075 12/12');
    });
  });

  describe('in a container that is paused', () => {
    it('is refused to clients, and relayed again when it goes on', async () => {
      const dev = scene.engine.run('dev');
      dev.start({ name: 'IOC' });
      await scene.open();
      const held = await scene.machine.dial({ host: '127.0.0.1', port: 5064 });
      dev.setPaused(true);
      await scene.until(() => scene.server('dev', 'ca').pvs.reachable === 0, 'paused');
      assert.equal(scene.server('dev', 'ca').problem?.code, 'container-paused');
      assert.equal(scene.container('dev').problem?.code, 'container-paused');
      assert.ok(!scene.machine.listening.includes('127.0.0.1:5075'));
      assert.equal(held.destroyed, false);
      // Long enough for attempts to connect to be rare.
      await scene.clock.advance(60_000);
      dev.setPaused(false);
      await scene.clock.advance(500);
      assert.equal(scene.line('dev', 'ca'), 'exposed 127.0.0.1:5064 12/12');
      assert.equal(scene.container('dev').problem, undefined);
      held.destroy();
    });

    it('waits from the start, and is relayed when the container goes on', async () => {
      const dev = scene.engine.run('dev', { status: 'paused' });
      dev.start({ name: 'IOC' });
      await scene.open();
      assert.equal(scene.line('dev', 'ca'), 'failed 0/0 container-paused');
      assert.deepEqual(scene.machine.listening, []);
      dev.setPaused(false);
      await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 12/12');
    });
  });

  describe('of a process that is suspended', () => {
    it('is refused to clients, and relayed again when it goes on', async () => {
      const dev = scene.engine.run('dev');
      const ioc = dev.start({ name: 'IOC' });
      await scene.open();
      const held = await scene.machine.dial({ host: '127.0.0.1', port: 5064 });
      dev.setSuspended(ioc, true);
      await scene.until(() => scene.server('dev', 'ca').pvs.reachable === 0, 'suspended');
      const problem = { code: 'ioc-suspended', pid: ioc.pid };
      assert.deepEqual(scene.server('dev', 'ca').problem, problem);
      assert.deepEqual(scene.server('dev', 'pva').problem, problem);
      assert.equal(scene.container('dev').problem, undefined);
      assert.ok(!scene.machine.listening.includes('127.0.0.1:5064'));
      assert.equal(held.destroyed, false);
      // Its container may be paused, too, and goes on before it.
      dev.setPaused(true);
      await scene.clock.advance(1000);
      assert.equal(scene.server('dev', 'ca').problem?.code, 'container-paused');
      dev.setPaused(false);
      await scene.clock.advance(1000);
      assert.deepEqual(scene.server('dev', 'ca').problem, problem);
      dev.setSuspended(ioc, false);
      await scene.clock.advance(500);
      assert.equal(scene.line('dev', 'ca'), 'exposed 127.0.0.1:5064 12/12');
      held.destroy();
    });

    it('waits from the start, and is relayed when the process goes on', async () => {
      const dev = scene.engine.run('dev');
      const ioc = dev.start({ name: 'IOC' });
      dev.setSuspended(ioc, true);
      await scene.open();
      assert.equal(scene.line('dev', 'ca'), 'failed 0/0 ioc-suspended');
      assert.deepEqual(scene.machine.listening, []);
      dev.setSuspended(ioc, false);
      await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 12/12');
    });
  });

  describe('whose relay ends', () => {
    it('has one again when the system took it', async () => {
      scene.engine.run('dev').start({ name: 'IOC' });
      await scene.open();
      const relay = scene.machine.relay('127.0.0.1:5064');
      relay.fail(new Error('EMFILE'));
      assert.equal(scene.server('dev', 'ca').problem?.code, 'relay-ended');
      await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 12/12');
      assert.notEqual(scene.machine.relay('127.0.0.1:5064'), relay);
    });

    it('keeps its clients when it stops listening, and new ones are refused', async () => {
      const dev = scene.engine.run('dev');
      const ioc = dev.start({ name: 'IOC' });
      await scene.open();
      const relay = scene.machine.relay('127.0.0.1:5075');
      const held = await scene.machine.dial({ host: '127.0.0.1', port: 5075 });
      let hasEnded = false;
      relay.onDidEnd(() => (hasEnded = true));
      dev.closeListener(ioc, 5075);
      await scene.clock.advance(100);
      // An IOC that ends closes its sockets one by one.
      assert.deepEqual(scene.server('dev', 'pva').problem, { code: 'ioc-gone', port: 5075 });
      assert.equal(scene.line('dev', 'ca'), 'exposed 127.0.0.1:5064 12/12');
      assert.equal(relay.connectionCount, 1);
      assert.ok(!scene.machine.listening.includes('127.0.0.1:5075'));
      assert.equal(held.destroyed, false);
      held.destroy();
      await scene.until(() => hasEnded, 'the end of the relay');
      await scene.clock.advance(5000);
      assert.ok(scene.container('dev').iocs[0]?.servers.every(({ protocol }) => protocol === 'ca'));
    });
  });

  describe('to which no route leads', () => {
    it('is said, and tried again', async () => {
      const dev = scene.engine.run('dev');
      dev.routeKinds = ['address'];
      dev.blocked.set('address', 'no route to host');
      dev.start({ name: 'IOC' });
      await scene.open();
      assert.equal(scene.line('dev', 'ca'), 'failed 0/0 no-way-in');
      dev.blocked.clear();
      await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 12/12');
    });

    it('is said of a container that has none', async () => {
      const dev = scene.engine.run('dev');
      dev.routeKinds = [];
      dev.start({ name: 'IOC' });
      await scene.open();
      assert.equal(scene.line('dev', 'pva'), 'failed 0/0 no-way-in');
    });

    it('is reached by the next one', async () => {
      const dev = scene.engine.run('dev');
      dev.routeKinds = ['address', 'exec-python'];
      dev.blocked.set('address', 'no route to host');
      dev.start({ name: 'IOC' });
      await scene.open();
      assert.equal(scene.server('dev', 'ca').route, 'exec-python');
    });

    it('is asked once more by a route that was late, before a slower one is taken', async () => {
      const dev = scene.engine.run('dev');
      dev.routeKinds = ['address', 'exec-python'];
      let asked = 0;
      const ioc = dev.start({
        name: 'IOC',
        servers: {
          5064: (stream) => {
            if (++asked > 1) ioc.serveDemo('ca', stream);
          },
        },
      });
      await scene.open({ names: ['DEMO:MOTOR'] });
      assert.equal(scene.server('dev', 'ca').route, 'address');
    });
  });

  describe('to which connections time out', () => {
    it('has a packet filter before it, as two ways show, or one twice', async () => {
      const two = scene.engine.run('two');
      two.routeKinds = ['address', 'entered'];
      const one = scene.engine.run('one');
      one.routeKinds = ['entered'];
      for (const dev of [one, two]) {
        for (const kind of dev.routeKinds) dev.blocked.set(kind, DROPPED);
        dev.start({ name: 'IOC' });
      }
      await scene.open();
      assert.equal(scene.line('two', 'ca'), 'failed 0/0 packets-dropped');
      assert.equal(scene.line('one', 'ca'), 'failed 0/0 no-way-in');
      await scene.untilLine('one', 'ca', 'failed 0/0 packets-dropped');
      two.blocked.clear();
      await scene.until(() => scene.line('two', 'ca').startsWith('exposed'), 'a way in');
    });

    it('may only be late where one of our programs had to start', async () => {
      const dev = scene.engine.run('dev');
      dev.routeKinds = ['address', 'entered'];
      dev.blocked.set('address', 'no route to host');
      dev.blocked.set('entered', DROPPED);
      dev.start({ name: 'IOC' });
      await scene.open();
      assert.equal(scene.line('dev', 'ca'), 'failed 0/0 no-way-in');
    });
  });

  describe('that listens and does not answer', () => {
    it('is said, and relayed when it answers', async () => {
      const ioc = scene.engine.run('dev').start({ name: 'IOC', servers: { 5064: SILENT } });
      await scene.open({ names: ['DEMO:MOTOR'] });
      assert.equal(scene.line('dev', 'ca'), 'failed 0/0 no-handshake');
      ioc.servers.set(5064, 'ca');
      await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 1/1');
    });

    it('is left alone where nothing says that it is an EPICS server', async () => {
      let asked = 0;
      const web: Serve = (stream) => {
        asked++;
        WEB_SERVER(stream);
      };
      scene.engine.run('dev').start({ name: 'IOC', servers: { 5064: 'ca', 8080: web } });
      await scene.open();
      const { servers } = scene.ioc('dev');
      assert.deepEqual(
        servers.map(({ listening }) => listening.port),
        [5064],
      );
      assert.equal(asked, 1);
      await scene.clock.advance(60_000);
      assert.equal(asked, 1);
      assert.ok(!scene.machine.listening.some((place) => place.endsWith(':8080')));
    });

    it('is looked for again where nobody could be reached', async () => {
      const dev = scene.engine.run('dev');
      dev.blocked.set('entered', 'no descriptor left');
      dev.start({ name: 'IOC', servers: { 40_001: 'pva' } });
      await scene.open();
      dev.blocked.clear();
      await scene.until(
        () => scene.container('dev').iocs[0]?.servers[0]?.status === 'exposed',
        'a server on another port',
      );
      assert.equal(scene.line('dev', 'pva'), 'exposed 127.0.0.1:40001 12/12');
    });
  });
});

describe('a server that is only looked at', () => {
  it('is where another epics-expose has it, or not relayed', async () => {
    const scene = new CoreScene({ opensRelays: false });
    const ioc = scene.engine.run('dev').start({ name: 'IOC' });
    const serve: Serve = (stream) => void ioc.serve(5064, stream);
    scene.machine.take('127.0.0.3:5064', { command: 'epics-expose', serve });
    await scene.open();
    assert.equal(scene.line('dev', 'ca'), 'shared 127.0.0.3:5064 12/12');
    assert.equal(scene.server('dev', 'pva').problem?.code, 'not-relayed');
    assert.deepEqual(scene.machine.listening, []);
    await scene.end();
  });

  it('is asked once more on a busy machine, where late does not mean another one', async () => {
    for (const [load, line] of [
      [1, 'failed 12/12 not-relayed'],
      [2, 'shared 127.0.0.3:5075 12/12'],
    ] as const) {
      const scene = new CoreScene({ opensRelays: false });
      scene.clock.load = load;
      const ioc = scene.engine.run('dev').start({ name: 'IOC', servers: { 5075: 'pva' } });
      let asked = 0;
      const serve: Serve = (stream) => {
        if (asked++ === 0) SILENT(stream);
        else ioc.serve(5075, stream);
      };
      scene.machine.take('127.0.0.3:5075', { command: 'epics-expose', serve });
      await scene.open();
      assert.equal(scene.line('dev', 'pva'), line);
      await scene.end();
    }
  });
});

function everywhere(port: number): PortPublisher['ports'][number] {
  return { transport: 'tcp', containerPort: port, hostIp: '0.0.0.0', hostPort: port };
}

/** A container that runs and has that port of 127.0.0.1. */
function publisherOf(port: number): PortPublisher {
  return {
    ...{ id: 'gateway', name: 'gateway', state: 'running', restartsAutomatically: false },
    ...{ finishedAt: '', startError: '' },
    ports: [{ ...everywhere(port), hostIp: '127.0.0.1' }],
  };
}
