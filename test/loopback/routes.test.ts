/** Routes that need nothing in the container, and the engine `here:`, on sockets of our own. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { silentLog } from '../../src/base/log';
import { DialledRoute } from '../../src/node/containers/dialledRoute';
import {
  addressDialer,
  hostNetworkDialer,
  publishedDialer,
} from '../../src/node/containers/directDialers';
import { expectConnection } from '../../src/node/containers/expectConnection';
import { createHereEngine } from '../../src/node/engines/ownContainerEngine';
import { connectTcp } from '../../src/node/relay/connectTcp';
import { systemClock } from '../../src/node/systemClock';
import type { Route } from '../../src/services/host/connection';
import type { SocketReport } from '../../src/services/host/socketReport';
import { freePort } from '../support/freePort';
import { skip } from '../support/skip';
import { until } from '../support/until';

const { signal } = new AbortController();

describe('routes on this machine', () => {
  let server: Server;
  let port: number;
  let route: Route | undefined;
  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(async () => {
    route?.dispose();
    route = undefined;
    server.close();
    await once(server, 'close');
  });

  const open = (dialer: ConstructorParameters<typeof DialledRoute>[0]): Route =>
    (route = new DialledRoute(dialer, silentLog));

  /** What comes back of a word that is sent there. */
  async function echoed(by: Route, host: string, at = port): Promise<string> {
    const connection = await by.dial({ host, port: at }, signal);
    let text = '';
    connection.on('data', (bytes) => (text += Buffer.from(bytes).toString()));
    connection.resume();
    connection.write(Buffer.from('hello'));
    await until(() => text === 'hello', 5000, 'the echo');
    connection.destroy();
    return text;
  }

  it('the network of this machine: its loopback, by IPv4 first', async () => {
    open(hostNetworkDialer());
    for (const host of ['0.0.0.0', '::', '127.0.0.1']) {
      assert.equal(await echoed(open(hostNetworkDialer()), host), 'hello');
    }
    const found = open(hostNetworkDialer());
    assert.deepEqual(found.directEndpoint({ host: '::', port }), { host: '127.0.0.1', port });
    assert.equal(found.ownEndpoint({ host: '0.0.0.0', port }), undefined);
    assert.equal(found.directEndpoint({ host: '::1', port }), undefined);
    const refused = found.dial({ host: '::', port: await freePort() }, signal);
    await assert.rejects(refused, { code: 'transport' });
  });

  it('a published port: where the engine listens for it', async () => {
    const other = await freePort();
    const published = publishedDialer([
      { transport: 'tcp', containerPort: port, hostIp: '', hostPort: other },
      { transport: 'tcp', containerPort: port, hostIp: '0.0.0.0', hostPort: port },
      { transport: 'udp', containerPort: 1, hostIp: '', hostPort: port },
      { transport: 'tcp', containerPort: 2, hostIp: '::', hostPort: 2 },
    ]);
    const by = open(published);
    assert.equal(await echoed(by, '0.0.0.0'), 'hello');
    const target = { host: '0.0.0.0', port };
    assert.deepEqual(by.directEndpoint(target), { host: '127.0.0.1', port });
    // Clients are told IPv4 addresses.
    assert.equal(by.directEndpoint({ host: '0.0.0.0', port: 2 }), undefined);
    // No published port leads to the container's own loopback.
    assert.equal(by.directEndpoint({ host: '127.0.0.1', port }), undefined);
    for (const end of [
      { host: '127.0.0.1', port },
      { host: '0.0.0.0', port: 1 },
    ]) {
      await assert.rejects(by.dial(end, signal), { code: 'transport' });
    }
  });

  it("a container's address: the first that takes the connection, and it is remembered", async () => {
    let addresses: string[] | undefined = ['127.0.0.77', '127.0.0.1'];
    const by = open(
      addressDialer('addresses', {
        known: () => addresses,
        find: async () => addresses ?? [],
        expectPeer: () => expectConnection(process.pid),
      }),
    );
    const target = { host: '0.0.0.0', port };
    assert.equal(by.ownEndpoint(target), undefined);
    assert.equal(await echoed(by, '0.0.0.0'), 'hello');
    assert.deepEqual(by.ownEndpoint(target), { host: '127.0.0.1', port });
    await assert.rejects(by.dial({ host: '127.0.0.1', port }, signal), { code: 'transport' });
    // It has been given another network.
    const other = createServer((socket) => socket.destroy()).listen(port, '127.0.0.78');
    await once(other, 'listening');
    addresses = ['127.0.0.78', '127.0.0.1'];
    assert.equal(await echoed(by, '0.0.0.0'), 'hello');
    assert.deepEqual(by.ownEndpoint(target), { host: '127.0.0.1', port });
    other.close();
    // It has left that network, or the engine does not say which it has.
    addresses = ['127.0.0.77'];
    assert.equal(by.ownEndpoint(target), undefined);
    addresses = undefined;
    assert.equal(by.ownEndpoint(target), undefined);
    const none = open(
      addressDialer('none', {
        known: () => [],
        find: async () => [],
        expectPeer: async () => async () => true,
      }),
    );
    await assert.rejects(none.dial(target, signal), { code: 'transport' });
  });

  it('lead nowhere else: not to an address that the network has not, nor to another machine', async () => {
    const known = ['127.0.0.1', '198.51.100.7'];
    const elsewhere = open(
      addressDialer('elsewhere', {
        known: () => known,
        find: async () => known,
        // What this machine reaches at 127.0.0.1 is not in the container.
        expectPeer: async () => async () => false,
      }),
    );
    const target = { host: '0.0.0.0', port };
    await assert.rejects(elsewhere.dial(target, signal), {
      message: /leads from here to something other than the container/,
    });
    assert.equal(elsewhere.ownEndpoint(target), undefined);
    // A listener there (IP_FREEBIND) is not reached by anybody but who has that address.
    const foreign = { host: '198.51.100.99', port };
    for (const by of [elsewhere, open(hostNetworkDialer())]) {
      await assert.rejects(by.dial(foreign, signal), {
        message: /has no address 198\.51\.100\.99/,
      });
      assert.equal(by.ownEndpoint(foreign), undefined);
      assert.equal(by.directEndpoint(foreign), undefined);
    }
    await assert.rejects(connectTcp({ host: '127.999.1.1', port }, signal), {
      message: /no numeric address/,
    });
  });

  it('know whether a connection ends in a network, by the table of its kernel', async () => {
    const isHere = await expectConnection(process.pid);
    // A process that has ended has none.
    const isNowhere = await expectConnection(2 ** 22 + 1);
    const socket = await connectTcp({ host: '127.0.0.1', port }, signal);
    try {
      assert.equal(await isHere(socket), true);
      assert.equal(await isNowhere(socket), false);
      // One that a program there had before may be made up.
      assert.equal(await (await expectConnection(process.pid))(socket), false);
    } finally {
      socket.destroy();
    }
    await once(socket, 'close');
    assert.equal(await isHere(socket), false);
  });

  it('carry relays, and end all that they have opened', async () => {
    const by = open(hostNetworkDialer());
    const local = { host: '127.0.0.1', port: await freePort() };
    const opened = await by.openRelay(local, { host: '0.0.0.0', port });
    assert.ok(opened.kind === 'listening');
    const client = connect(local);
    client.on('error', () => undefined);
    client.write('hello');
    const [bytes] = (await once(client, 'data')) as [Buffer];
    assert.equal(bytes.toString(), 'hello');
    const connection = await by.dial({ host: '0.0.0.0', port }, signal);
    const ends = [client, connection].map(
      (one) => new Promise<void>((end) => one.on('close', end)),
    );
    by.dispose();
    await Promise.all(ends);
    await assert.rejects(by.dial({ host: '0.0.0.0', port }, signal), { code: 'disposed' });
    await assert.rejects(by.openRelay(local, local), { code: 'disposed' });
  });

  it('give up a connection that nobody waits for any more', async () => {
    const abort = new AbortController();
    abort.abort();
    const dialling = open(hostNetworkDialer()).dial({ host: '0.0.0.0', port }, abort.signal);
    await assert.rejects(dialling, { code: 'cancelled' });
  });

  describe('of the engine here:', () => {
    it('lead to what listens beside us, which is seen with its process', async function () {
      if (process.platform !== 'linux') skip(this, 'needs Linux', 'platform');
      const engine = createHereEngine({ clock: systemClock, log: silentLog });
      const [container] = engine.containers;
      assert.ok(container);
      const access = engine.open(container.id);
      let report: SocketReport | undefined;
      const watch = access.watchSockets({
        report: (newer) => (report = newer),
        failed: (error) => assert.fail(error),
        ended: () => assert.fail('we are still here'),
      });
      try {
        const inode = (): number | undefined =>
          report?.sockets.find((socket) => socket.port === port)?.inode;
        await until(() => inode() !== undefined, 10_000, 'our listener');
        const owner = report?.processes.find(({ socketInodes }) =>
          socketInodes.includes(inode() ?? 0),
        );
        assert.equal(owner?.pid, process.pid);
        assert.ok(owner.startedAt !== undefined && Date.parse(owner.startedAt) <= Date.now());
        const [way] = access.routes;
        assert.ok(way);
        assert.equal(await echoed(way, '127.0.0.1'), 'hello');
        const text = Buffer.from(await access.readFile(__filename, 100_000, signal)).toString();
        assert.match(text, /of the engine here:/);
        await assert.rejects(access.readFile(__filename, 100, signal), { code: 'container' });
      } finally {
        watch.dispose();
        access.dispose();
        engine.dispose();
      }
    });
  });
});
