/** Access to real containers: what is seen of their sockets, by which ways bytes get in. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DisposableStore } from '../../src/base/disposable';
import { isErrorCode } from '../../src/base/errors';
import type { Endpoint } from '../../src/model/endpoint';
import type { RouteKind } from '../../src/model/snapshot';
import type { Connection } from '../../src/services/host/connection';
import type { BoundSocket, SocketReport } from '../../src/services/host/socketReport';
import type { ContainerAccess, SocketWatch } from '../../src/services/host/engine';
import { openAs, openEngineApi, type OpenedEngine, type Seen } from '../support/containerAccess';
import { freePort } from '../support/freePort';
import type { ImageName } from '../support/lab/image';
import { runIoc, runKeeper, type LabContainer } from '../support/lab/container';
import type { EngineKind, LabEngine } from '../support/lab/engine';
import { needsEngine } from '../support/lab/needs';
import { isRunning } from '../support/lab/process';
import { until } from '../support/until';

const signal = new AbortController().signal;
/** CA_PROTO_VERSION, as a client says it and a server answers it: command 0, version 13. */
const CA_VERSION = Buffer.from('000000000000000d0000000000000000', 'hex');

for (const kind of ['docker', 'podman', 'rootless'] as EngineKind[]) {
  describe(`containers: ${kind}`, () => {
    let lab: LabEngine;
    let engine: OpenedEngine;
    const store = { current: new DisposableStore() };
    const boxes: LabContainer[] = [];

    before(async function () {
      this.timeout(120_000);
      lab = await needsEngine(this, kind);
      engine = await openEngineApi(lab.endpoint);
    });
    afterEach(async () => {
      store.current.dispose();
      store.current = new DisposableStore();
      // Podman removes no container whose network another one uses.
      for (const box of boxes.splice(0).reverse()) await box.remove();
    });
    after(() => engine?.close());

    async function keeper(
      ...[options]: Parameters<typeof runKeeper> extends [unknown, ...infer R] ? R : never
    ): Promise<LabContainer> {
      const box = await runKeeper(lab, options);
      boxes.push(box);
      return box;
    }

    async function ioc(
      ...[options]: Parameters<typeof runIoc> extends [unknown, ...infer R] ? R : never
    ): Promise<LabContainer> {
      const box = await runIoc(lab, options);
      boxes.push(box);
      return box;
    }

    async function open(box: LabContainer, seen: Seen): Promise<ContainerAccess> {
      return store.current.add(openAs(seen, engine.api, await engine.info(box.id)));
    }

    describe('socket watch', () => {
      for (const seen of ['from here', 'from afar'] as Seen[]) {
        it(`sees an IOC that comes and goes, ${seen}`, async () => {
          const box = await keeper({ image: 'busybox-ioc' });
          const watch = new Watched(await open(box, seen));
          await watch.until((report) => report.sockets.length === 0, 'an empty report');
          const process = await box.startIoc({ ioc: 'softIocPvx', env: { IOC_NAME: 'bl01' } });
          const ports = process.listeners.map(({ port }) => port);
          const report = await watch.until(
            ({ sockets }) => ports.every((port) => listenerOn(sockets, port)),
            'both listeners',
          );
          assert.ok(
            report.sockets.some(({ transport, port }) => transport === 'udp' && port === 5064),
          );
          const [owner, ...others] = report.processes;
          assert.deepEqual(others, []);
          assert.equal(owner?.name, 'softIocPvx');
          assert.equal(owner?.commandLine[0], '/opt/epics/bin/softIocPvx');
          assert.equal(owner?.environment['IOC_NAME'], 'bl01');
          assert.equal(owner?.workingDirectory, '/opt/ioc');
          assert.deepEqual(owner.socketInodes.length, report.sockets.length);
          // Its number inside, where the first process has 1.
          assert.equal(owner.pid, await pidInside(box, 'softIocPvx'));
          await process.kill();
          await watch.until(({ sockets }) => sockets.length === 0, 'nothing');
        });

        it(`sees an IOC that is the first process, ordinary user, read-only, no rights, ${seen}`, async () => {
          const box = await ioc({
            ioc: 'softIocPva',
            user: '1000:1000',
            readOnly: true,
            hardened: true,
          });
          const watch = new Watched(await open(box, seen));
          const report = await watch.until(({ sockets }) => listenerOn(sockets, 5075), 'PVA');
          assert.deepEqual(
            report.processes.map(({ name, pid }) => ({ name, pid })),
            [{ name: 'softIocPva', pid: 1 }],
          );
        });

        it(`sees processes of other users, ${seen}`, async () => {
          const box = await keeper({ image: 'busybox-ioc' });
          const listen = ['sh', '-c', 'nc -l -p 5099 & sleep 1000'];
          await runAs(lab, box, '1000', listen);
          const watch = new Watched(await open(box, seen));
          const report = await watch.until(
            ({ processes }) => processes.some(({ name }) => name === 'nc'),
            'the owner',
          );
          assert.equal(listenerOn(report.sockets, 5099), true);
        });

        it(`ends when the container stops, ${seen}`, async () => {
          const box = await keeper({ image: 'busybox-ioc' });
          const watch = new Watched(await open(box, seen));
          await watch.until(() => true, 'a report');
          await box.kill();
          // From afar it looks like trouble of the moment: that it ended the engine tells.
          const isTold = (): boolean => watch.hasEnded || watch.failure !== undefined;
          await until(isTold, 5_000, 'the end of the watch');
          assert.equal(watch.hasEnded, seen === 'from here');
          watch.watch.dispose();
        });

        it(`tells containers in one network namespace apart, ${seen}`, async () => {
          const lender = await keeper({ image: 'busybox-ioc' });
          const borrower = await keeper({
            image: 'busybox-ioc',
            network: `container:${lender.id}`,
          });
          await lender.startIoc({ ioc: 'softIocCa', env: { EPICS_CAS_SERVER_PORT: '5164' } });
          await borrower.startIoc({ ioc: 'softIocCa', env: { EPICS_CAS_SERVER_PORT: '5264' } });
          for (const [box, own, other] of [
            [lender, 5164, 5264],
            [borrower, 5264, 5164],
          ] as const) {
            const watch = new Watched(await open(box, seen));
            const report = await watch.until(({ sockets }) => listenerOn(sockets, own), 'its own');
            assert.equal(listenerOn(report.sockets, other), false);
            assert.equal(report.processes.length, 1);
          }
        });
      }

      it('sees an IOC where there is no shell, from here', async () => {
        const box = await ioc({ image: 'bare-ioc', ioc: 'softIocPva' });
        const watch = new Watched(await open(box, 'from here'));
        const report = await watch.until(({ sockets }) => listenerOn(sockets, 5064), 'CA');
        assert.equal(report.processes[0]?.pid, 1);
      });

      it('says what is missing where there is no shell, from afar', async () => {
        const box = await ioc({ image: 'bare-ioc', ioc: 'softIocCa' });
        const watch = new Watched(await open(box, 'from afar'));
        await until(() => watch.failure !== undefined, 10_000, 'what is missing');
        watch.watch.dispose();
        assert.ok(isErrorCode(watch.failure, 'container'));
        assert.match(
          String(watch.failure),
          /it has no shell; python3: not in the container; node:/,
        );
      });

      it('sees the sockets where the shell has no tools, from afar', async () => {
        const box = await ioc({ image: 'dash-ioc', ioc: 'softIocCa' });
        const watch = new Watched(await open(box, 'from afar'));
        const report = await watch.until(({ sockets }) => listenerOn(sockets, 5064), 'CA');
        assert.deepEqual(report.processes, []);
      });

      it('sees only the sockets of its own processes on the host network', async () => {
        const port = await freePort();
        const box = await ioc({
          ioc: 'softIocCa',
          network: 'host',
          isLoopbackOnly: true,
          env: { EPICS_CAS_SERVER_PORT: String(port) },
        });
        for (const seen of ['from here', 'from afar'] as Seen[]) {
          const watch = new Watched(await open(box, seen));
          const report = await watch.until(({ sockets }) => listenerOn(sockets, port), 'CA');
          assert.equal(report.sockets.filter(({ transport }) => transport === 'tcp').length, 1);
        }
      });

      // An ordinary user may use Docker through its group, and Podman only as the owner.
      const whereOrdinary = kind === 'docker' ? it : () => undefined;
      whereOrdinary('sees owners as an ordinary user of this machine', async () => {
        const box = await ioc({ ioc: 'softIocCa', user: '1000:1000', hardened: true });
        const access = await open(box, 'from here');
        chmodSync(lab.endpoint.replace('unix://', ''), 0o666);
        process.seteuid?.(65534);
        try {
          assert.throws(() => readdirSync(`/proc/${process.ppid}/fd`), /EACCES/);
          const watch = new Watched(access);
          const report = await watch.until(({ sockets }) => listenerOn(sockets, 5064), 'CA');
          assert.equal(report.processes[0]?.name, 'softIocCa');
        } finally {
          process.seteuid?.(0);
          chmodSync(lab.endpoint.replace('unix://', ''), 0o660);
        }
      });

      // Rootless engines cannot pause without a control group.
      const wherePausing = kind === 'rootless' ? () => undefined : it;
      wherePausing('leaves a paused container alone, and goes on after it', async () => {
        const box = await keeper({ image: 'busybox-ioc' });
        const watches = [
          new Watched(await open(box, 'from here')),
          new Watched(await open(box, 'from afar')),
        ];
        for (const watch of watches) await watch.until(() => true, 'a report');
        await box.pause();
        for (const watch of watches) watch.watch.lookNow();
        await box.unpause();
        const { listeners } = await box.startIoc({ ioc: 'softIocCa' });
        const port = listeners[0]?.port ?? 0;
        for (const watch of watches) {
          await watch.until(({ sockets }) => listenerOn(sockets, port), 'the listener');
        }
      });
    });

    describe('routes in', () => {
      const agents: [ImageName, RouteKind[]][] = [
        ['node-ioc', ['exec-node', 'exec-connector']],
        ['py-ioc', ['exec-python', 'exec-connector']],
        ['busybox-ioc', ['exec-connector']],
        ['socat-ioc', ['exec-connector']],
      ];
      for (const [image, working] of agents) {
        it(`reach the loopback of ${image}`, async () => {
          const box = await ioc({ image, ioc: 'softIocCa', isLoopbackOnly: true });
          const target = { host: '127.0.0.1', port: 5064 };
          const fromAfar = await open(box, 'from afar');
          assert.deepEqual(await workingWays(fromAfar, target), working);
          const fromHere = await open(box, 'from here');
          assert.deepEqual(await workingWays(fromHere, target), ['entered', ...working]);
        });
      }

      it('reach a container without any program by its network namespace', async () => {
        const box = await ioc({ image: 'bare-ioc', ioc: 'softIocCa' });
        const access = await open(box, 'from here');
        const expected = kind === 'rootless' ? ['entered'] : ['address', 'entered'];
        assert.deepEqual(await workingWays(access, { host: '0.0.0.0', port: 5064 }), expected);
      });

      it('say what was tried', async () => {
        const box = await ioc({ image: 'bare-ioc', ioc: 'softIocCa' });
        const access = await open(box, 'from afar');
        const reasons = await Promise.all(
          access.routes.map(async (route) => {
            const error = await failureOfDial(route.dial({ host: '0.0.0.0', port: 5064 }, signal));
            return `${route.kind}: ${error.message}`;
          }),
        );
        assert.deepEqual(reasons, [
          'exec-python: python3: not in the container',
          'exec-node: node: not in the container',
          'exec-connector: the container has none of socat, nc (with sh), bash (with cat)',
        ]);
      });

      it('know a published port by its number', async () => {
        const [same, other] = [await freePort(), await freePort()];
        const box = await ioc({
          ioc: 'softIocCa',
          env: { EPICS_CAS_SERVER_PORT: String(same) },
          publish: [`127.0.0.1:${same}:${same}`, `127.0.0.1:${other}:5075`],
        });
        const access = await open(box, 'from afar');
        const route = access.routes.find((one) => one.kind === 'published');
        const target = { host: '0.0.0.0', port: same };
        assert.deepEqual(route?.directEndpoint(target), { host: '127.0.0.1', port: same });
        assert.equal(route.directEndpoint({ host: '0.0.0.0', port: 5075 }), undefined);
        assert.equal(route.directEndpoint({ host: '127.0.0.1', port: same }), undefined);
        assert.equal(await answersCa(route.dial(target, signal)), true);
        const error = await failureOfDial(route.dial({ host: '0.0.0.0', port: 5064 }, signal));
        assert.equal(error.message, "the container's port 5064 is not published");
      });

      it('relay under the same number', async () => {
        const box = await ioc({ image: 'node-ioc', ioc: 'softIocCa' });
        for (const seen of ['from here', 'from afar'] as Seen[]) {
          const access = await open(box, seen);
          for (const route of access.routes) {
            if (route.kind === 'exec-python') continue;
            const result = await route.openRelay(
              { host: '127.0.0.77', port: 5064 },
              { host: '0.0.0.0', port: 5064 },
            );
            assert.equal(result.kind, 'listening');
            assert.equal(
              await answersCa(Promise.resolve(connect({ host: '127.0.0.77', port: 5064 }))),
              true,
              route.kind,
            );
            result.relay.dispose();
          }
        }
      });

      // Entering takes the owner's rights in the container's user namespace, and no root.
      const whereOwned = kind === 'rootless' ? it : () => undefined;
      whereOwned('open to the owner of a rootless engine', async function () {
        this.timeout(60_000);
        const box = await ioc({ image: 'bare-ioc', ioc: 'softIocCa', isLoopbackOnly: true });
        const child = openEverything(lab, box, [
          'setpriv',
          `--reuid=${lab.user}`,
          `--regid=${lab.user}`,
          '--init-groups',
        ]);
        assert.equal(await child.opened, 'from here: entered; from afar: ');
        child.kill();
      });

      it('need no relay on the host network', async () => {
        const port = await freePort();
        const box = await ioc({
          ioc: 'softIocCa',
          network: 'host',
          isLoopbackOnly: true,
          env: { EPICS_CAS_SERVER_PORT: String(port) },
        });
        const access = await open(box, 'from here');
        const [route] = access.routes;
        assert.equal(route?.kind, 'host-network');
        assert.deepEqual(route.directEndpoint({ host: '0.0.0.0', port }), {
          host: '127.0.0.1',
          port,
        });
        assert.equal(await answersCa(route.dial({ host: '0.0.0.0', port }, signal)), true);
      });
    });

    describe('files', () => {
      it('are read, also where the archive call does not look', async () => {
        const box = await keeper({ image: 'busybox-ioc' });
        await box.exec(['sh', '-c', 'echo one >/tmp/one; echo two >/dev/shm/two']);
        const access = await open(box, 'from here');
        const read = async (path: string): Promise<string> =>
          Buffer.from(await access.readFile(path, 100, signal)).toString();
        assert.equal(await read('/tmp/one'), 'one\n');
        assert.equal(await read('/dev/shm/two'), 'two\n');
        await assert.rejects(read('/tmp/missing'), (error) => isErrorCode(error, 'container'));
        await assert.rejects(read('/opt/epics/bin/softIocCa'), (error) =>
          isErrorCode(error, 'container'),
        );
      });
    });

    describe('what is left', () => {
      it('is nothing after dispose', async () => {
        const box = await ioc({ image: 'node-ioc', ioc: 'softIocCa' });
        const before = await processesIn(box);
        for (const seen of ['from here', 'from afar'] as Seen[]) {
          const access = await open(box, seen);
          await new Watched(access).until(() => true, 'a report');
          await workingWays(access, { host: '127.0.0.1', port: 5064 });
          access.dispose();
        }
        await until(
          async () => same(await processesIn(box), before),
          10_000,
          'the processes to end',
        );
      });

      it('is nothing after we were killed', async function () {
        this.timeout(60_000);
        const box = await ioc({ image: 'node-ioc', ioc: 'softIocCa' });
        const before = await processesIn(box);
        const child = openEverything(lab, box, []);
        assert.match(await child.opened, /entered .*exec-node/);
        assert.notDeepEqual(await processesIn(box), before);
        child.kill();
        await until(
          async () => same(await processesIn(box), before),
          10_000,
          'the processes to end',
        );
      });
    });
  });
}

/** Starts openEverything.ts, as someone else where `prefix` says so. */
function openEverything(
  lab: LabEngine,
  box: LabContainer,
  prefix: string[],
): { opened: Promise<string>; kill(): void } {
  const script = join(__dirname, '../support/openEverything.ts');
  const [command = '', ...parameters] = [
    ...prefix,
    process.execPath,
    '--import',
    'tsx',
    script,
    lab.endpoint,
    box.id,
    '5064',
  ];
  const child = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = once(createInterface(child.stdout), 'line') as Promise<[string]>;
  return { opened: lines.then(([line]) => line), kill: () => void child.kill('SIGKILL') };
}

/** Collects what a watch tells. */
class Watched {
  readonly watch: SocketWatch;
  last: SocketReport | undefined;
  failure: Error | undefined;
  hasEnded = false;

  constructor(access: ContainerAccess) {
    this.watch = access.watchSockets({
      report: (report) => (this.last = report),
      failed: (error) => (this.failure = error),
      ended: () => (this.hasEnded = true),
    });
  }

  async until(condition: (report: SocketReport) => boolean, what: string): Promise<SocketReport> {
    const last = (): string =>
      `${what}, last ${JSON.stringify(this.last)}, ${String(this.failure)}`;
    await until(() => this.last !== undefined && condition(this.last), 10_000, last);
    return this.last!;
  }
}

const listenerOn = (sockets: readonly BoundSocket[], port: number): boolean =>
  sockets.some((socket) => socket.transport === 'tcp' && socket.port === port);

async function workingWays(access: ContainerAccess, target: Endpoint): Promise<RouteKind[]> {
  const kinds: RouteKind[] = [];
  for (const route of access.routes) {
    if (await answersCa(route.dial(target, signal)).catch(() => false)) kinds.push(route.kind);
  }
  return kinds;
}

/** Whether a CA server answers: a connection alone proves nothing. */
async function answersCa(dialled: Promise<Connection>): Promise<boolean> {
  const connection = await dialled;
  try {
    return await new Promise<boolean>((resolve) => {
      let received = Buffer.alloc(0);
      connection.on('data', (bytes) => {
        received = Buffer.concat([received, bytes]);
        if (received.length >= CA_VERSION.length) resolve(received.readUInt32BE(0) === 0);
      });
      connection.on('error', () => resolve(false));
      connection.on('close', () => resolve(false));
      connection.resume();
      connection.write(CA_VERSION);
    });
  } finally {
    connection.destroy();
  }
}

async function failureOfDial(dialled: Promise<Connection>): Promise<Error> {
  try {
    (await dialled).destroy();
  } catch (error) {
    return error as Error;
  }
  return assert.fail('it connected');
}

async function runAs(
  lab: LabEngine,
  box: LabContainer,
  User: string,
  Cmd: string[],
): Promise<void> {
  const exec = await lab.client.getContainer(box.id).exec({ Cmd, User });
  await exec.start({ Detach: true });
}

async function pidInside(box: LabContainer, name: string): Promise<number> {
  const { stdout } = await box.exec(['pidof', name]);
  return Number(stdout.trim());
}

/** The command names of all that runs in the container or has entered its network. Needs root. */
async function processesIn(box: LabContainer): Promise<string[]> {
  const pid = await box.pid();
  const namespaces = ['mnt', 'net'].map((name) => readlinkSync(`/proc/${pid}/ns/${name}`));
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && isRunning(Number(entry)))
    .flatMap((entry) => {
      try {
        const own = ['mnt', 'net'].map((name) => readlinkSync(`/proc/${entry}/ns/${name}`));
        if (!own.some((namespace) => namespaces.includes(namespace))) return [];
        return [readFileSync(`/proc/${entry}/comm`, 'utf8').trim()];
      } catch {
        return [];
      }
    })
    .sort();
}

const same = (one: string[], other: string[]): boolean => one.join() === other.join();
