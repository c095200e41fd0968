/** Clients that search by TCP, and what the core tells them, whichever of its listeners they ask. */
import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { CaClientCircuit } from '../../../../src/protocol/ca';
import { PvaClientConnection } from '../../../../src/protocol/pva';
import { caHandler } from '../../../../src/services/upstream/caHandler';
import { CoreScene } from '../../../support/coreScene';

/** The part of a client that searches, and where it was sent, by the ids of its questions. */
class SearchingClient {
  readonly found = new Map<number, string>();
  absentCount = 0;

  constructor(
    readonly stream: Duplex,
    readonly ask: (id: number, name: string) => void,
  ) {}
}

async function openCa(
  scene: CoreScene,
  port: number,
  host = '127.0.0.1',
): Promise<SearchingClient> {
  const stream = await scene.machine.dial({ host, port });
  const circuit = new CaClientCircuit(
    caHandler({
      searchFound: (cid, at, address) => void client.found.set(cid, `${address & 255}:${at}`),
      searchNotFound: () => void client.absentCount++,
    }),
    { peer: 'it' },
  );
  const client = new SearchingClient(stream, (cid, name) => {
    circuit.search(cid, name);
    stream.write(circuit.takeOutput());
  });
  stream.on('data', (bytes: Buffer) => circuit.receive(bytes));
  stream.resume();
  circuit.handshake({ clientName: 'tester', hostName: 'testhost' });
  return client;
}

async function openPva(
  scene: CoreScene,
  port: number,
  host = '127.0.0.1',
): Promise<SearchingClient> {
  const stream = await scene.machine.dial({ host, port });
  const connection = new PvaClientConnection({
    onSearchResponse({ isFound, ids, address, port: at }) {
      for (const id of ids) if (isFound) client.found.set(id, `${address[15]}:${at}`);
      if (!isFound) client.absentCount++;
    },
  });
  const client = new SearchingClient(stream, (id, name) => {
    connection.search([{ id, name }], { mustReply: true });
    stream.write(connection.takeOutput());
  });
  stream.on('data', (bytes: Buffer) => {
    connection.receive(bytes);
    stream.write(connection.takeOutput());
  });
  stream.resume();
  await scene.until(() => connection.isValidated, 'validated');
  return client;
}

const protocols = [
  { protocol: 'ca', open: openCa, port: 5064, nameServer: 5063 },
  { protocol: 'pva', open: openPva, port: 5075, nameServer: 5074 },
] as const;

for (const { protocol, open, port, nameServer } of protocols) {
  describe(`a client that searches over ${protocol}`, () => {
    let scene: CoreScene;
    let client: SearchingClient | undefined;
    beforeEach(async () => {
      scene = new CoreScene();
      scene.engine.run('dev').start({ name: 'IOC' });
      await scene.open();
      await scene.clock.advance(100);
    });
    afterEach(async () => {
      client?.stream.destroy();
      await scene.end();
    });

    it('is sent to the relay by the name server, and told what nobody has', async () => {
      client = await open(scene, nameServer);
      client.ask(1, 'DEMO:MOTOR');
      client.ask(2, 'NO:SUCH');
      await scene.until(() => client?.found.size === 1, 'an answer');
      assert.deepEqual([...client.found], [[1, `1:${port}`]]);
      await scene.until(() => client?.absentCount === 1, 'the other one');
    });

    it('is sent to who started first of two, by the other one, too, until that ends', async () => {
      const box = scene.engine.run('box', { startedAt: '2026-01-02T00:00:00Z' });
      box.start({ name: 'BOX' });
      await scene.untilSettled();
      await scene.clock.advance(100);
      client = await open(scene, port, '127.0.0.2');
      client.ask(1, 'DEMO:STATE');
      await scene.until(() => client?.found.size === 1, 'an answer');
      const [dev] = scene.engine.all;
      for (const ioc of dev?.iocs ?? []) dev?.end(ioc);
      // For a minute the name is kept for who had it.
      await scene.clock.advance(70_000);
      client.ask(2, 'DEMO:STATE');
      await scene.until(() => client?.found.size === 2, 'an answer');
      assert.deepEqual([...client.found.values()], [`1:${port}`, `2:${port}`]);
    });

    // Our own CA client takes no other answer after "nowhere".
    if (protocol === 'ca') return;
    it('is told later of a PV whose IOC starts later', async () => {
      const [dev] = scene.engine.all;
      for (const ioc of scene.engine.iocs) dev?.end(ioc);
      await scene.clock.advance(70_000);
      client = await open(scene, nameServer);
      client.ask(1, 'DEMO:STATE');
      await scene.clock.advance(5000);
      assert.equal(client.found.size, 0);
      dev?.start({ name: 'IOC' });
      await scene.until(() => client?.found.size === 1, 'an answer');
    });
  });
}
