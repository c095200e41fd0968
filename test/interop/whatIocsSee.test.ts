/** From which address an IOC sees who comes by each way in: rules by host must not take us for its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { DisposableStore } from '../../src/base/disposable';
import type { Endpoint } from '../../src/model/endpoint';
import type { Route } from '../../src/services/host/connection';
import type { ContainerAccess } from '../../src/services/host/engine';
import { openAs, openEngineApi, type OpenedEngine, type Seen } from '../support/containerAccess';
import { freePort } from '../support/freePort';
import { type LabContainer, runIoc, runKeeper } from '../support/lab/container';
import type { EngineKind, LabEngine } from '../support/lab/engine';
import { needsEngine } from '../support/lab/needs';
import { clientsOf } from '../support/lab/process';
import { skip } from '../support/skip';
import { until } from '../support/until';

const { signal } = new AbortController();

for (const kind of ['docker', 'podman', 'rootless'] as EngineKind[]) {
  describe(`what IOCs see: ${kind}`, () => {
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
      for (const box of boxes.splice(0).reverse()) await box.remove();
    });
    after(() => engine?.close());

    async function ioc(options: Parameters<typeof runIoc>[1]): Promise<LabContainer> {
      const box = await runIoc(lab, options);
      boxes.push(box);
      return box;
    }

    async function open(box: LabContainer, seen: Seen): Promise<ContainerAccess> {
      return store.current.add(openAs(seen, engine.api, await engine.info(box.id)));
    }

    /** By way, what the IOC sees; a way that does not work is left out. */
    async function seenBy(box: LabContainer, target: Endpoint): Promise<Record<string, string>> {
      const result: Record<string, string> = {};
      for (const seen of ['from here', 'from afar'] as Seen[]) {
        for (const route of (await open(box, seen)).routes) {
          const address = await clientOf(box, route, target).catch(() => undefined);
          if (address !== undefined) result[route.kind] = address;
        }
      }
      return result;
    }

    async function clientOf(box: LabContainer, route: Route, target: Endpoint): Promise<string> {
      const pid = await box.pid();
      const before = clientsOf(pid, target.port);
      const stream = await route.dial(target, signal);
      stream.on('error', () => undefined);
      const added = (): string[] => {
        const now = clientsOf(pid, target.port);
        for (const one of before) if (now.includes(one)) now.splice(now.indexOf(one), 1);
        return now;
      };
      try {
        await until(() => added().length > 0, 5000, `a client of ${box.name} by ${route.kind}`);
        return added()[0] ?? '';
      } finally {
        stream.destroy();
        await until(() => added().length === 0, 15_000, 'its end');
      }
    }

    for (const image of ['node-ioc', 'py-ioc', 'socat-ioc', 'bash-ioc'] as const) {
      it(`the container's own address, entered and by what ${image} has`, async function () {
        this.timeout(60_000);
        const box = await ioc({ image, macros: 'P=SEEN:' });
        const known = await box.address();
        for (const { host, port } of box.listeners) {
          const target = { host: host.includes(':') ? '::' : host, port };
          const { address, ...inside } = await seenBy(box, target);
          if (kind !== 'rootless') assert.doesNotMatch(address ?? '127.', /^127\./);
          for (const [route, client] of Object.entries(inside)) {
            // Of rootless networks the engine knows no address, and a connector cannot ask.
            if (known === '' && route === 'exec-connector') assert.equal(client, '127.0.0.1');
            else assert.doesNotMatch(client, /^127\.|^::1$/, `${route} to ${target.port}`);
            if (known !== '') assert.equal(client, known, route);
          }
          assert.ok(inside['entered'], 'entered');
          console.log(
            `      ${kind} ${image} :${target.port}`,
            JSON.stringify({ address, ...inside }),
          );
        }
      });
    }

    it('loopback, where there is nothing else or it listens on nothing else', async function () {
      this.timeout(60_000);
      const alone = await ioc({ image: 'node-ioc', ioc: 'softIocCa', network: 'none' });
      const bound = await ioc({ image: 'py-ioc', ioc: 'softIocCa', isLoopbackOnly: true });
      for (const box of [alone, bound]) {
        const [target = assert.fail()] = box.listeners;
        const { published: _published, ...clients } = await seenBy(box, target);
        assert.ok(Object.keys(clients).length >= 3, JSON.stringify(clients));
        for (const client of Object.values(clients)) assert.equal(client, '127.0.0.1');
      }
    });

    // What a rootless Podman gives a container by itself where it has no other network.
    const whereSlirp = kind === 'rootless' ? it : () => undefined;
    whereSlirp('slirp4netns: its address, but by a connector', async function () {
      this.timeout(60_000);
      if (spawnSync('slirp4netns', ['--version']).error) skip(this, 'needs slirp4netns', 'engines');
      for (const image of ['node-ioc', 'py-ioc'] as const) {
        const box = await ioc({ image, ioc: 'softIocCa', network: 'slirp4netns' });
        const clients = await seenBy(box, box.listeners[0] ?? assert.fail());
        const interpreter = image === 'node-ioc' ? 'exec-node' : 'exec-python';
        assert.deepEqual(clients, {
          entered: '10.0.2.100',
          [interpreter]: '10.0.2.100',
          'exec-connector': '127.0.0.1',
        });
      }
    });

    it('of a container that uses the network of another, the address of that one', async function () {
      this.timeout(60_000);
      const lender = await runKeeper(lab, { image: 'busybox-ioc' });
      boxes.push(lender);
      const box = await ioc({ ioc: 'softIocCa', network: `container:${lender.id}` });
      const known = await lender.address();
      const clients = await seenBy(box, box.listeners[0] ?? assert.fail());
      if (known === '') assert.doesNotMatch(clients['entered'] ?? '127.', /^127\./);
      else assert.deepEqual([clients['entered'], clients['exec-connector']], [known, known]);
    });

    it('a published port: no address of loopback either', async function () {
      this.timeout(60_000);
      const port = await freePort();
      const box = await ioc({
        ioc: 'softIocCa',
        env: { EPICS_CAS_SERVER_PORT: `${port}` },
        publish: [`127.0.0.1:${port}:${port}`],
      });
      const { published = '' } = await seenBy(box, box.listeners[0] ?? assert.fail());
      console.log(`      ${kind} published`, published);
      assert.notEqual(published, '');
    });

    describe('a file that never ends', () => {
      async function shell(box: LabContainer, script: string): Promise<void> {
        const { exitCode, stderr } = await box.exec(['sh', '-c', script]);
        assert.equal(exitCode, 0, stderr);
      }

      /** Of all processes in the container, as this machine sees them. */
      async function commands(box: LabContainer): Promise<string> {
        const namespace = readlinkSync(`/proc/${await box.pid()}/ns/mnt`);
        const lines = readdirSync('/proc').flatMap((pid) => {
          try {
            if (!/^\d+$/.test(pid) || readlinkSync(`/proc/${pid}/ns/mnt`) !== namespace) return [];
            return [readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')];
          } catch {
            return []; // it has just ended
          }
        });
        return lines.join('\n');
      }

      it('is not waited for, and nothing stays behind that reads it', async function () {
        this.timeout(60_000);
        const box = await runKeeper(lab, { image: 'busybox-ioc' });
        boxes.push(box);
        await shell(box, 'cd /dev/shm && mkfifo st.cmd && ln -s st.cmd z.db && echo text >y.db');
        await shell(box, 'mkfifo /opt/st.cmd');
        const access = await open(box, 'from here');
        for (const path of ['/opt/st.cmd', '/dev/shm/st.cmd', '/dev/shm/z.db', '/dev/zero']) {
          await assert.rejects(access.readFile(path, 1000, signal), { code: 'container' });
        }
        const bytes = await access.readFile('/dev/shm/y.db', 1000, signal);
        assert.equal(Buffer.from(bytes).toString(), 'text\n');
        assert.doesNotMatch(await commands(box), /cat|st\.cmd/);
      });

      it('also a cat that hangs ends with who waits for it', async function () {
        this.timeout(60_000);
        const box = await ioc({ image: 'dash-ioc', ioc: 'softIocCa' });
        await shell(box, 'echo text >/dev/shm/y.db');
        const upload = pack();
        upload.entry({ name: 'cat', mode: 0o755 }, '#!/bin/sh\nwhile :; do :; done\n');
        upload.finalize();
        const archive = await buffer(upload);
        await lab.client.getContainer(box.id).putArchive(archive, { path: '/usr/bin' });
        const waiting = new AbortController();
        const access = await open(box, 'from here');
        const reading = access.readFile('/dev/shm/y.db', 1000, waiting.signal);
        const failed = assert.rejects(reading, { code: 'cancelled' });
        await untilCommands(box, (text) => /bin.cat/.test(text), 'the cat');
        waiting.abort();
        await failed;
        await untilCommands(box, (text) => !/cat/.test(text), 'its end');
      });

      async function untilCommands(
        box: LabContainer,
        isSo: (text: string) => boolean,
        what: string,
      ): Promise<void> {
        let last = await commands(box);
        await until(
          async () => {
            last = await commands(box);
            return isSo(last);
          },
          15_000,
          what,
        ).catch((error: unknown) => assert.fail(`${String(error)}: ${last}`));
      }
    });
  });
}
