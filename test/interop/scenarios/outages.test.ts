/** What fails for a moment is tried again: nothing that runs is called gone, nothing is lost for good. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { Exposed } from '../../support/exposed';
import type { LabEngine } from '../../support/lab/engine';
import { needsEngine } from '../../support/lab/needs';
import { exposedServers, Scene } from '../../support/scene';

const FAR = ['unshare', '--pid', '--fork', '--mount-proc'];

describe('outages', () => {
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

  /** Leaves a process that many more descriptors than it has now; returns what gives it back its own limit. */
  function takeDescriptors({ pid }: Exposed, spare: number): () => void {
    const limit = (soft: string): void => {
      execFileSync('prlimit', ['--pid', `${pid}`, `--nofile=${soft}:`]);
    };
    const before = execFileSync(
      'prlimit',
      ['--pid', `${pid}`, '--nofile', '--output=SOFT', '--noheadings', '--raw'],
      { encoding: 'utf8' },
    ).trim();
    const highest = Math.max(...readdirSync(`/proc/${pid}/fd`).map(Number));
    limit(`${Math.min(highest + 1, readdirSync(`/proc/${pid}/fd`).length) + spare}`);
    return () => limit(before);
  }

  for (const spare of [0, 1]) {
    it(`a machine short of descriptors, ${spare} left: what is there stays, what came meanwhile is found after`, async () => {
      const box = await scene.keeper();
      await box.startIoc({ ioc: 'softIocCa', macros: 'P=STAYS:' });
      const exposed = scene.expose([box]);
      await exposedServers(exposed, box.name, 1);
      const giveBack = takeDescriptors(exposed, spare);
      const env = { EPICS_CAS_SERVER_PORT: '6064' };
      await box.startIoc({ ioc: 'softIocCa', macros: 'P=COMES:', env });
      // One that is left is enough for a look and a connection, and not for two.
      await exposed.until(
        ({ snapshot }) => /EMFILE/.test(JSON.stringify(snapshot)),
        20_000,
        'the trouble to be told',
      );
      assert.doesNotMatch(JSON.stringify(exposed.snapshot), /gone|something other|not a function/);
      if (spare > 0) {
        // It comes every ten seconds, and is seen only where a descriptor is left for what it finds.
        const begin = performance.now();
        const hasLooked = (): boolean =>
          /UDP ca: answers at .*:6064/.test(exposed.stderr) || performance.now() - begin > 12_000;
        await exposed.until(hasLooked, 30_000, "the next look at this machine's networks");
      }
      giveBack();
      await exposed.until(
        ({ snapshot }) => exposed.iocs(box.name).length === 2 && snapshot.isSettled,
        30_000,
        'both IOCs',
      );
      assert.deepEqual(await exposed.read('STAYS:TEMPERATURE', ['ca']), [21.5]);
      assert.deepEqual(await exposed.read('COMES:TEMPERATURE', ['ca']), [21.5]);
      assert.doesNotMatch(JSON.stringify(exposed.snapshot), /EMFILE|gone/);
    });
  }

  for (const [title, within] of [
    ['', undefined],
    [', in a container seen from afar', FAR],
  ] as const) {
    it(`an IOC that is suspended, and goes on${title}`, async () => {
      const box = await scene.ioc({ image: 'py-ioc', ioc: 'softIocCa', macros: 'P=STOPS:' });
      const words = ['--engine', lab.endpoint, '--container', box.name];
      const exposed = scene.watch(Exposed.start(words, within ? { within } : {}));
      await exposed.untilReachable(box.name, 1, 30_000);
      const pid = await box.pid();
      process.kill(pid, 'SIGSTOP');
      try {
        await exposed.until(
          () => exposed.server(box.name, 'ca').problem?.code === 'ioc-suspended',
          30_000,
          'the suspension to be told',
        );
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      await exposed.untilReachable(box.name, 1, 30_000);
      assert.equal(exposed.server(box.name, 'ca').problem, undefined);
      assert.deepEqual(await exposed.read('STOPS:TEMPERATURE', ['ca']), [21.5]);
    });
  }

  it('a container seen from afar, and an engine that is away for a while', async () => {
    const box = await scene.ioc({ image: 'py-ioc', ioc: 'softIocCa', macros: 'P=FAR:' });
    const route = await Detour.open(lab.endpoint.replace('unix://', ''), lab.folder);
    scene.atEnd(() => route.close());
    const exposed = scene.watch(
      // The processes of the container are hidden from it, as in a virtual machine.
      Exposed.start(['--engine', route.endpoint, '--container', box.name], { within: FAR }),
    );
    await exposed.untilReachable(box.name, 1, 30_000);
    for (let round = 0; round < 2; round++) {
      route.close();
      await exposed.until(
        ({ snapshot }) => snapshot.containers.some(({ problem }) => problem !== undefined),
        30_000,
        'the trouble to be told',
      );
      assert.doesNotMatch(JSON.stringify(exposed.snapshot), /IOC gone|stopped listening/);
      await route.listen();
      await exposed.untilReachable(box.name, 1, 60_000);
      await exposed.until(
        ({ snapshot }) => snapshot.containers.every(({ problem }) => problem === undefined),
        30_000,
        'the trouble to end',
      );
      assert.deepEqual(await exposed.read('FAR:TEMPERATURE', ['ca']), [21.5]);
    }
  });
});

/** Another socket of the engine, which can be away. */
class Detour {
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  private constructor(
    readonly engine: string,
    readonly path: string,
  ) {}

  static async open(engine: string, folder: string): Promise<Detour> {
    const detour = new Detour(engine, join(folder, 'detour.sock'));
    await detour.listen();
    return detour;
  }

  get endpoint(): string {
    return `unix://${this.path}`;
  }

  async listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (near) => {
      const far = connect({ path: this.engine, allowHalfOpen: true });
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket));
      }
      near.pipe(far).pipe(near);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.path, resolve));
  }

  close(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
