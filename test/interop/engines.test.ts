import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log';
import type { EngineContainer } from '../../src/node/engines/containerInfo';
import type { Engine } from '../../src/services/host/engine';
import type { EngineApi, ExecSession } from '../../src/node/engines/engineApi';
import { openDockerEngines } from '../../src/node/engines/dockerEngines';
import type { EngineSet } from '../../src/services/engines/engineSets';
import { systemClock } from '../../src/node/systemClock';
import { freePort } from '../support/freePort';
import { type LabContainer, runKeeper } from '../support/lab/container';
import { type EngineKind, type LabEngine, startDocker } from '../support/lab/engine';
import { needsEngine, needsIocs } from '../support/lab/needs';
import { isRunning } from '../support/lab/process';
import { skip } from '../support/skip';
import { until } from '../support/until';
import { advised, said } from '../support/said';

const kinds: EngineKind[] = ['docker', 'podman', 'rootless'];
const never = new AbortController().signal;

function open(endpoint: string, env = process.env): { set: EngineSet; engine: Engine & EngineApi } {
  const set = openDockerEngines({
    endpoints: [endpoint],
    env,
    clock: systemClock,
    log: silentLog,
    openContainer: () => assert.fail('no access wanted here'),
  });
  return { set, engine: set.engines[0] as Engine & EngineApi };
}

async function collect(session: ExecSession): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of session.stdio) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

for (const kind of kinds) {
  describe(`engines: ${kind}`, () => {
    let lab: LabEngine;
    let box: LabContainer;
    let set: EngineSet;
    let engine: Engine & EngineApi;

    before(async function () {
      needsIocs(this);
      lab = await needsEngine(this, kind);
      box = await runKeeper(lab, {
        image: 'busybox-ioc',
        name: `${kind}-box`,
        labels: { is_ioc: 'yes', empty: '' },
        publish: [`127.0.0.1:${await freePort()}:5064`, `${await freePort()}:5076/udp`],
      });
    });

    beforeEach(async () => {
      ({ set, engine } = open(lab.endpoint));
      await set.ready(never);
    });

    afterEach(() => set.close());
    after(() => box?.remove());

    const infoOf = (container: LabContainer): EngineContainer | undefined =>
      engine.containers.find(({ id }) => id === container.id) as EngineContainer | undefined;

    const run = async (...argv: string[]): Promise<Buffer> => {
      const session = await engine.exec(box.id, argv, { signal: never });
      session.stdio.end();
      const output = await collect(session);
      assert.equal(await session.exitCode(), 0, session.stderrText());
      return output;
    };

    it('says what engine it is and what runs in it', async () => {
      assert.equal(engine.state.status, 'connected');
      assert.equal(engine.state.kind, kind === 'docker' ? 'docker' : 'podman');
      assert.equal(engine.state.isRootless, kind === 'rootless');
      assert.match(engine.state.version, /^\d+\.\d+/);
      const inspected = await box.inspect();
      const info = infoOf(box);
      assert.ok(info);
      assert.equal(info.name, `${kind}-box`);
      assert.match(info.image, /busybox-ioc/);
      assert.deepEqual(info.labels, { is_ioc: 'yes', empty: '' });
      assert.equal(info.status, 'running');
      assert.equal(info.pid, inspected.State.Pid);
      assert.equal(info.networkMode, 'bridge');
      assert.deepEqual(info.addresses.slice(0, 1), [await box.address()]);
      const ports = info.publishedPorts.filter(({ hostIp }) => !hostIp.includes(':'));
      assert.deepEqual(
        ports.map((port) => `${port.hostIp} ${port.containerPort}/${port.transport}`).sort(),
        ['0.0.0.0 5076/udp', '127.0.0.1 5064/tcp'],
      );
      assert.deepEqual(await engine.inspect(box.id, never), info);
    });

    it('carries 8 MiB of anything through an exec and back', async () => {
      const bytes = randomBytes(8 << 20);
      const session = await engine.exec(box.id, ['cat'], { signal: never });
      session.stdio.end(bytes);
      assert.equal(digest(await collect(session)), digest(bytes));
      assert.equal(await session.exitCode(), 0);
    });

    it('takes the bytes of ctrl-p ctrl-q one by one without detaching', async () => {
      const session = await engine.exec(box.id, ['cat'], { signal: never });
      const received: Buffer[] = [];
      session.stdio.on('data', (chunk: Buffer) => received.push(chunk));
      const sent = [0x10, 0x11, 0x10, 0x11, 0x1e, 0x1f, 0x1d, 0x0a];
      for (const [index, byte] of sent.entries()) {
        session.stdio.write(Uint8Array.of(byte));
        // Podman holds back a byte that may begin the detach keys (0x1e) until the next one.
        const isHeldBack = kind !== 'docker' && byte >= 0x1d;
        if (isHeldBack) continue;
        await until(() => Buffer.concat(received).length > index, 5000, `byte ${index}`);
      }
      session.stdio.end();
      await new Promise((resolve) => session.stdio.once('end', resolve));
      assert.deepEqual([...Buffer.concat(received)], sent);
    });

    it('does not collect what nobody reads', async () => {
      const size = 48 << 20;
      const command = `head -c ${size} /dev/zero`;
      const session = await engine.exec(box.id, ['sh', '-c', command], { signal: never });
      const { stdio } = session;
      stdio.end();
      await until(() => stdio.readableLength >= stdio.readableHighWaterMark, 5000, 'a full buffer');
      let total = 0;
      let most = 0;
      for await (const chunk of stdio) {
        total += (chunk as Buffer).length;
        most = Math.max(most, stdio.readableLength);
        await new Promise(setImmediate);
      }
      assert.equal(total, size);
      assert.ok(most <= 2 * stdio.readableHighWaterMark, `${most} bytes were waiting`);
    });

    it('stops writing when the program does not read', async () => {
      const gate = 'mkfifo /tmp/gate; read -r _ </tmp/gate; exec wc -c';
      const session = await engine.exec(box.id, ['sh', '-c', gate], { signal: never });
      const { stdio } = session;
      const piece = Buffer.alloc(1 << 20);
      const pieceCount = 32;
      let written = 0;
      const writing = (async () => {
        for (; written < pieceCount; written++) {
          await new Promise<void>((done) => stdio.write(piece, () => done()));
        }
        stdio.end();
      })();
      await until(() => stdio.writableLength > 0, 5000, 'the first write to wait');
      await run('sh', '-c', 'until [ -p /tmp/gate ]; do sleep 0.1; done');
      assert.ok(written < pieceCount, 'everything was swallowed by a program that does not read');
      await run('sh', '-c', 'echo go >/tmp/gate; rm /tmp/gate');
      await writing;
      assert.equal(String(await collect(session)).trim(), `${pieceCount << 20}`);
    });

    it('tells exit codes, stderr, and that a program is missing', async () => {
      const failing = ['sh', '-c', 'echo to stderr >&2; exit 7'];
      const session = await engine.exec(box.id, failing, { signal: never });
      assert.equal((await collect(session)).length, 0);
      assert.equal(session.stderrText().trim(), 'to stderr');
      assert.equal(await session.exitCode(), 7);
      const missing = await engine.exec(box.id, ['no-such-program'], { signal: never });
      assert.equal((await collect(missing)).length, 0, 'the text is no output of the program');
      assert.match(missing.stderrText(), /no-such-program.*not found/s);
      assert.ok([126, 127].includes((await missing.exitCode()) ?? 0));
    });

    it('runs as another user', async () => {
      const session = await engine.exec(box.id, ['id', '-u'], { user: '65534', signal: never });
      assert.equal(String(await collect(session)).trim(), '65534');
    });

    it('ends an exec that is read from when the session is destroyed', async () => {
      const session = await engine.exec(box.id, ['sh', '-c', 'echo $$; cat'], { signal: never });
      const first = await new Promise<Buffer>((resolve) => session.stdio.once('data', resolve));
      const pid = first.toString().trim();
      assert.match(pid, /^\d+$/);
      session.stdio.destroy();
      const isGone = async (): Promise<boolean> =>
        String(await run('sh', '-c', `[ -d /proc/${pid} ] || echo gone`)).trim() === 'gone';
      await until(isGone, 10_000, 'the program to see the end of its input');
    });

    it('reads files, and follows links as the container does', async () => {
      await run(
        'sh',
        '-c',
        'mkdir -p /tmp/f/deep && cd /tmp/f && printf hello >deep/file && ln -sfn deep d &&' +
          ' ln -sf d/../deep/file relative && ln -sf /tmp/f/relative absolute && ln -sf loop loop &&' +
          ' : >empty',
      );
      const read = async (path: string, cap = 100): Promise<string> =>
        Buffer.from(await engine.readFile(box.id, path, cap, never)).toString();
      assert.equal(await read('/tmp/f/deep/file'), 'hello');
      assert.equal(await read('/tmp/f/d/file'), 'hello');
      assert.equal(await read('/tmp/f/relative'), 'hello');
      assert.equal(await read('/tmp/f/absolute', 5), 'hello');
      assert.equal(await read('/tmp/f/empty', 0), '');
      const isContainerError = { code: 'container' };
      await assert.rejects(read('/tmp/f/deep/file', 4), {
        ...isContainerError,
        message: /5 bytes/,
      });
      const missing = '/tmp/f/missing: no such file';
      await assert.rejects(read('/tmp/f/missing'), { ...isContainerError, message: missing });
      // Without the folders of the engine's machine.
      const inFile = /^\/tmp\/f\/deep\/file\/x: (no such file|not a directory)$/;
      await assert.rejects(read('/tmp/f/deep/file/x'), { ...isContainerError, message: inFile });
      await assert.rejects(read('/tmp/f/deep'), { ...isContainerError, message: /directory/ });
      await assert.rejects(read('/tmp/f/loop'), isContainerError);
      await assert.rejects(engine.readFile('0123456789ab', '/x', 1, never), isContainerError);
    });

    it('notices starts, names, stops and removals', async () => {
      const started = await runKeeper(lab, { image: 'busybox-ioc' });
      try {
        await until(() => infoOf(started)?.status === 'running', 5000, 'the start');
        const firstPid = infoOf(started)?.pid;
        await lab.client.getContainer(started.id).rename({ name: `${kind}-renamed` });
        await until(() => infoOf(started)?.name === `${kind}-renamed`, 5000, 'the new name');
        await started.restart();
        const hasNewPid = (): boolean => ![undefined, firstPid].includes(infoOf(started)?.pid);
        await until(hasNewPid, 5000, 'the restart');
        await started.kill();
        await until(() => infoOf(started) === undefined, 5000, 'the end');
      } finally {
        await started.remove();
      }
      assert.ok(infoOf(box), 'the others stay');
    });

    it('notices a network that a container joins', async () => {
      const network = await lab.client.createNetwork({ Name: `${kind}-net`, CheckDuplicate: true });
      try {
        const addressCount = infoOf(box)?.addresses.length ?? 0;
        await network.connect({ Container: box.id });
        const count = (): number => infoOf(box)?.addresses.length ?? 0;
        await until(() => count() === addressCount + 1, 5000, 'the second address');
        await network.disconnect({ Container: box.id, Force: true });
        await until(() => count() === addressCount, 5000, 'it to go');
      } finally {
        await network.remove();
      }
    });

    it('says of a paused container that it is paused, and why exec fails', async function () {
      if (kind === 'rootless') skip(this, 'rootless pause needs cgroup v2', 'platform');
      await box.pause();
      try {
        await until(() => infoOf(box)?.status === 'paused', 5000, 'the pause');
        await assert.rejects(engine.exec(box.id, ['true'], { signal: never }), {
          code: 'engine',
          message: /paused/,
        });
      } finally {
        await box.unpause();
      }
      await until(() => infoOf(box)?.status === 'running', 5000, 'the end of the pause');
    });

    it('obeys a signal that was or gets aborted', async () => {
      const aborted = AbortSignal.abort();
      const rejection = { code: 'cancelled' };
      await assert.rejects(engine.exec(box.id, ['true'], { signal: aborted }), rejection);
      await assert.rejects(engine.readFile(box.id, '/etc/passwd', 99, aborted), rejection);
      const controller = new AbortController();
      const inspecting = engine.inspect(box.id, controller.signal);
      controller.abort();
      await assert.rejects(inspecting, rejection);
    });

    it('ends its execs and refuses new ones when it is disposed', async () => {
      const session = await engine.exec(box.id, ['cat'], { signal: never });
      const closed = new Promise((resolve) => session.stdio.once('close', resolve));
      engine.dispose();
      await closed;
      await assert.rejects(engine.exec(box.id, ['cat'], { signal: never }), { code: 'disposed' });
    });

    it('is not led astray by DOCKER_HOST and its friends', async () => {
      const kept = { ...process.env };
      Object.assign(process.env, {
        DOCKER_HOST: 'tcp://127.0.0.1:1',
        DOCKER_TLS_VERIFY: '1',
        DOCKER_CERT_PATH: '/nowhere',
        DOCKER_CLIENT_TIMEOUT: '1',
      });
      const astray = open(lab.endpoint);
      try {
        await astray.set.ready(never);
        assert.equal(astray.engine.state.status, 'connected', said(astray.engine.state.problem));
        assert.equal(process.env['DOCKER_HOST'], 'tcp://127.0.0.1:1', 'left as it was');
      } finally {
        await astray.set.close();
        for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
      }
    });

    it('says what to do when one may not use the socket', async () => {
      const refused = await asNobody(async () => {
        const tried = open(lab.endpoint);
        await tried.set.ready(never);
        // Read at once: as root again, the next try may succeed.
        const { state } = tried.engine;
        await tried.set.close();
        return state;
      });
      assert.equal(refused.status, 'unreachable');
      assert.equal(refused.problem?.code, 'engine-permission');
      assert.match(advised(refused.problem), kind === 'docker' ? /usermod/ : /Podman|docker/);
    });
  });
}

describe('engines: Docker restarted', () => {
  it('comes back by itself with the containers as they are then', async function () {
    needsIocs(this);
    await needsEngine(this, 'docker');
    const lab = await startDocker();
    const { set, engine } = open(lab.endpoint);
    try {
      const box = await runKeeper(lab, { image: 'busybox-ioc' });
      await until(() => engine.containers.length === 1, 10_000, 'the container');
      const before = engine.containers[0];
      const session = await engine.exec(box.id, ['cat'], { signal: never });
      const ended = new Promise((resolve) => session.stdio.once('close', resolve));
      session.stdio.resume();
      const argv = await stopDaemon(lab);
      await ended;
      await until(() => engine.state.status === 'unreachable', 5000, 'the loss to be noticed');
      assert.equal(engine.state.problem?.code, 'engine-not-running');
      await assert.rejects(engine.exec(box.id, ['true'], { signal: never }), { code: 'engine' });
      const [program = '', ...rest] = argv;
      spawn(program, rest, { detached: true, stdio: 'ignore' }).unref();
      await until(() => engine.state.status === 'connected', 30_000, 'the engine to come back');
      assert.equal(engine.state.problem, undefined);
      assert.equal(engine.containers.length, 0);
      await box.start();
      await until(() => engine.containers.length === 1, 10_000, 'the container again');
      assert.equal(engine.containers[0]?.id, before?.id);
      assert.notEqual(engine.containers[0]?.startedAt, before?.startedAt);
    } finally {
      await set.close();
      lab.stop();
    }
  });
});

/** Ends the daemon, and gives the command that starts it again. */
async function stopDaemon(lab: LabEngine): Promise<string[]> {
  const pid = Number(readFileSync(join(lab.folder, 'engine.pid'), 'utf8'));
  const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  process.kill(pid, 'SIGTERM');
  await until(() => !isRunning(pid), 20_000, 'dockerd to end');
  return argv;
}

/** With the rights of an ordinary user while `work` runs; needs root. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  const groups = process.getgroups?.() ?? [];
  process.setgroups?.([]);
  process.setegid?.(65534);
  process.seteuid?.(65534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.(groups);
  }
}
