/** The command among the other programs of this machine: taken ports, a second one, what it leaves. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { type Endpoint, formatEndpoint } from '../../../src/model/endpoint';
import { caget, nameServers } from '../../support/clients';
import { freePort } from '../../support/freePort';
import type { LabContainer } from '../../support/lab/container';
import type { EngineKind, LabEngine } from '../../support/lab/engine';
import { needsEngine } from '../../support/lab/needs';
import { isRunning, listenersOf } from '../../support/lab/process';
import { measured } from '../../support/measured';
import { processTree } from '../../support/processTree';
import { exposedServers, Scene } from '../../support/scene';
import { until } from '../../support/until';

describe('ports that somebody has', () => {
  let lab: LabEngine;
  let scene: Scene;
  let port = 0;
  let box: LabContainer;

  before(async function () {
    this.timeout(180_000);
    lab = await needsEngine(this, 'docker');
  });
  beforeEach(async () => {
    scene = new Scene(lab);
    port = await freePort();
    box = await scene.ioc({
      ioc: 'softIocCa',
      macros: 'P=TAKEN:',
      env: { EPICS_CAS_SERVER_PORT: `${port}` },
    });
  });
  afterEach(() => scene?.end());

  it('a stranger on 127.0.0.1: another loopback address, and the stranger is named', async () => {
    const stranger = await Stranger.listen('127.0.0.1', port);
    scene.atEnd(() => stranger.close());
    const exposed = scene.expose([box]);
    const [server] = await exposedServers(exposed, box.name, 1);
    assert.deepEqual(server?.local, { host: '127.0.0.2', port });
    assert.match(server.note ?? '', new RegExp(`127\\.0\\.0\\.1:${port} .*pid ${process.pid}\\b`));
    assert.deepEqual(await exposed.read('TAKEN:TEMPERATURE', ['ca']), [21.5]);
  });

  it('a container that publishes the port on every address: named, and another number', async () => {
    const publisher = await scene.ioc({ macros: 'P=PUB:', publish: [`${port}:5064`] });
    const exposed = scene.expose([box]);
    await exposed.untilReachable(box.name, 1, 30_000);
    const { local, note = '' } = exposed.server(box.name, 'ca');
    assert.notEqual(local?.port, port);
    assert.match(note, new RegExp(`left to container ${publisher.name}, which`));
    assert.deepEqual(await exposed.read('TAKEN:TEMPERATURE', ['ca']), [21.5]);
  });

  it('a stranger on every address: named, and the port is ours soon after it ended', async () => {
    const stranger = await Stranger.listen('0.0.0.0', port);
    scene.atEnd(() => stranger.close());
    const exposed = scene.expose([box]);
    await exposed.untilReachable(box.name, 1, 30_000);
    const { local: other, note = '' } = exposed.server(box.name, 'ca');
    assert.ok(other && other.port !== port);
    assert.match(note, new RegExp(`pid ${process.pid}\\b.*${other.port}`));
    assert.deepEqual(await exposed.read('TAKEN:TEMPERATURE', ['ca']), [21.5]);
    await stranger.close();
    const local = (): Endpoint | undefined => exposed.server(box.name, 'ca').local;
    await measured('port taken over from a stranger', () =>
      exposed.until(() => local()?.port === port, 10_000, 'its own number'),
    );
    assert.deepEqual(await exposed.read('TAKEN:TEMPERATURE', ['ca']), [21.5]);
    const known = nameServers({ ca: [formatEndpoint(other)] });
    const [result] = await caget(['TAKEN:TEMPERATURE'], known);
    assert.equal(result?.ok && result.value, 21.5);
  });

  it('a second epics-expose shares the relay, and takes over when the first ends', async () => {
    const first = scene.expose([box]);
    const [server] = await exposedServers(first, box.name, 1);
    const second = scene.expose([box]);
    await exposedServers(second, box.name, 1);
    assert.equal(second.server(box.name, 'ca').status, 'shared');
    assert.deepEqual(second.server(box.name, 'ca').local, server?.local);
    assert.match(second.server(box.name, 'ca').note ?? '', new RegExp(`pid ${first.pid}\\b`));
    // Each has name servers of its own, so that what it prints does not end with the other.
    const printed = [first, second].map((one) => one.printedEnvironment['EPICS_CA_NAME_SERVERS']);
    assert.deepEqual(printed, ['127.0.0.1:5063', '127.0.0.1:15063']);
    assert.deepEqual(await second.read('TAKEN:TEMPERATURE', ['ca']), [21.5]);
    await first.stop();
    await measured('taken over from another epics-expose', () =>
      second.until(
        () => second.server(box.name, 'ca').status === 'exposed',
        20_000,
        'the second to relay',
      ),
    );
    await exposedServers(second, box.name, 1);
    assert.deepEqual(await second.read('TAKEN:TEMPERATURE', ['ca']), [21.5]);
  });
});

for (const kind of ['docker', 'podman', 'rootless'] as EngineKind[]) {
  describe(`what is left: ${kind}`, () => {
    let lab: LabEngine;
    let scene: Scene;

    before(async function () {
      this.timeout(180_000);
      lab = await needsEngine(this, kind);
    });
    beforeEach(() => {
      scene = new Scene(lab);
    });
    afterEach(() => scene?.end());

    for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
      it(`nothing, after ${signal}`, async () => {
        // One that is entered, and one that is looked into and reached by an agent of ours.
        const boxes = await Promise.all([
          scene.ioc({ macros: 'P=LEFT:', isLoopbackOnly: true }),
          scene.ioc({ macros: 'P=NODE:', image: 'node-ioc', isLoopbackOnly: true }),
        ]);
        const inside = (): Promise<string[]> =>
          Promise.all(boxes.map(async (box) => (await box.exec(['ps', '-o', 'args'])).stdout));
        const before = { inside: await inside(), files: ownFiles() };
        const exposed = scene.expose(boxes);
        for (const box of boxes) await exposedServers(exposed, box.name, 2);
        const started = processTree(exposed.pid);
        // Two for each, and the name servers.
        await until(() => listenersOf(exposed.pid).length === 6, 5000, 'all listeners');
        const exitCode = await exposed.stop(signal);
        assert.equal(exitCode, signal === 'SIGKILL' ? null : 0);
        await until(() => !started.some(isRunning), 10_000, 'our processes to end');
        await until(
          async () => same(await inside(), before.inside),
          10_000,
          'our processes inside to end',
        );
        assert.deepEqual(ownFiles(), before.files);
      });
    }
  });
}

/** Names of ours in the temporary folder; other test runs make theirs with further words. */
function ownFiles(): string[] {
  return readdirSync(tmpdir())
    .filter((name) => /^epics-expose-\d+|^epics-expose-agent|^epics-expose\./.test(name))
    .sort();
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** A program that has nothing to do with EPICS, accepts everybody and says nothing. */
class Stranger {
  readonly #sockets = new Set<Socket>();

  private constructor(readonly server: Server) {
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket));
      socket.resume();
    });
  }

  static listen(host: string, port: number): Promise<Stranger> {
    return new Promise((resolve, reject) => {
      const server = createServer();
      const stranger = new Stranger(server);
      server.once('error', reject).listen(port, host, () => resolve(stranger));
    });
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
