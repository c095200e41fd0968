import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { silentLog } from '../../src/base/log';
import type { EngineApi } from '../../src/node/engines/engineApi';
import { openDockerEngines } from '../../src/node/engines/dockerEngines';
import type { EngineSet } from '../../src/services/engines/engineSets';
import { systemClock } from '../../src/node/systemClock';
import type { Engine } from '../../src/services/host/engine';
import { type LabContainer, runKeeper } from '../support/lab/container';
import type { LabEngine } from '../support/lab/engine';
import { needsEngine } from '../support/lab/needs';
import { isRunning } from '../support/lab/process';
import { skip } from '../support/skip';
import { missingForSshd, type Sshd, startSshd } from '../support/sshd';
import { epicsExpose } from '../support/command';
import { until } from '../support/until';
import { said } from '../support/said';

/** How engines are found and reached: contexts, ssh, engines that come later, Podman without a socket. */
type Environment = Record<string, string | undefined>;

const never = new AbortController().signal;
const sets: EngineSet[] = [];
let folder: string;

function open(env: Environment, endpoints?: string[]): EngineSet {
  const set = openDockerEngines({
    ...(endpoints ? { endpoints } : {}),
    env,
    clock: systemClock,
    log: silentLog,
    openContainer: () => assert.fail('no access wanted here'),
  });
  sets.push(set);
  return set;
}

/** Nothing of the person who runs the tests, and no podman. */
function emptyEnvironment(): Environment {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  return { HOME: folder, XDG_RUNTIME_DIR: folder, PATH: bin };
}

/** Engines of the machine itself are none of our business. */
const ours = (set: EngineSet): Engine[] =>
  set.engines.filter(({ key }) => !/\/(var\/)?run\/(docker|podman)/.test(key));

const problemCode = (set: EngineSet): string | undefined => set.engines[0]?.state.problem?.code;

function writeContext(name: string, host: string): void {
  const id = createHash('sha256').update(name).digest('hex');
  const meta = join(folder, '.docker/contexts/meta', id);
  mkdirSync(meta, { recursive: true });
  const content = { Name: name, Metadata: {}, Endpoints: { docker: { Host: host } } };
  writeFileSync(join(meta, 'meta.json'), JSON.stringify(content));
}

describe('engine endpoints', () => {
  let lab: LabEngine;
  let box: LabContainer;

  before(async function () {
    lab = await needsEngine(this, 'docker');
    box = await runKeeper(lab, { image: 'busybox-ioc' });
  });
  after(() => box?.remove());

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'epics-expose-test-'));
  });
  afterEach(async () => {
    await Promise.all(sets.splice(0).map((set) => set.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  const socket = (): string => lab.endpoint.slice('unix://'.length);
  const hasBox = (engine: Engine | undefined): boolean =>
    engine?.containers.some(({ id }) => id === box.id) === true;

  it('finds the current context, after what DOCKER_HOST says', async () => {
    writeContext('lab', lab.endpoint);
    writeFileSync(join(folder, '.docker/config.json'), '{"currentContext": "lab"}');
    const set = open(emptyEnvironment());
    await set.ready(never);
    assert.deepEqual(
      ours(set).map(({ key }) => key),
      [lab.endpoint],
    );
    assert.ok(hasBox(ours(set)[0]));
    const chosen = open({ ...emptyEnvironment(), DOCKER_HOST: 'tcp://127.0.0.1:1' });
    await chosen.ready(never);
    assert.deepEqual(
      ours(chosen).map(({ key, state }) => `${key} ${state.status}`),
      ['tcp://127.0.0.1:1 unreachable', `${lab.endpoint} connected`],
    );
  });

  it('takes the name of a context for an engine, and says when there is none', async () => {
    writeContext('lab', lab.endpoint);
    const set = open(emptyEnvironment(), ['lab']);
    await set.ready(never);
    assert.ok(hasBox(set.engines[0]));
    assert.throws(() => open(emptyEnvironment(), ['bal']), { code: 'usage' });
  });

  it('shows one engine once, whatever leads to it', async () => {
    const proxy = await startProxy(socket());
    try {
      const { port } = proxy.address() as AddressInfo;
      symlinkSync(socket(), join(folder, 'docker.sock'));
      writeContext('lab', lab.endpoint);
      const set = open({ ...emptyEnvironment(), DOCKER_HOST: `tcp://127.0.0.1:${port}` });
      await set.ready(never);
      await until(() => ours(set).length === 1, 5000, 'the duplicates to go');
      assert.deepEqual(
        ours(set).map(({ key }) => key),
        [`tcp://127.0.0.1:${port}`],
      );
      await until(() => hasBox(ours(set)[0]), 5000, 'the chosen one to serve');
    } finally {
      proxy.close();
    }
  });

  it('finds an engine that starts later', async () => {
    const set = open(emptyEnvironment());
    await set.ready(never);
    assert.deepEqual(ours(set), []);
    let changeCount = 0;
    set.onDidChange(() => changeCount++);
    symlinkSync(socket(), join(folder, 'docker.sock'));
    await until(() => hasBox(ours(set)[0]), 10_000, 'the engine to be found');
    assert.ok(changeCount > 0);
  });

  it('says that nothing listens', async () => {
    const set = open(emptyEnvironment(), [`unix://${folder}/none.sock`, 'tcp://127.0.0.1:1']);
    await set.ready(never);
    assert.deepEqual(
      set.engines.map(({ state }) => state.problem?.code),
      ['engine-not-running', 'engine-not-running'],
    );
  });

  it('says that what answers is no engine, or wants TLS', async () => {
    const server = createServer((peer) => {
      peer.on('error', () => undefined);
      peer.once('data', () => peer.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const set = open(emptyEnvironment(), [
        `http://127.0.0.1:${port}`,
        `https://127.0.0.1:${port}`,
      ]);
      await set.ready(never);
      assert.equal(problemCode(set), 'engine-api');
      const tls = open(emptyEnvironment(), [`https://127.0.0.1:${port}`]);
      await tls.ready(never);
      assert.equal(problemCode(tls), 'engine-tls');
    } finally {
      server.close();
    }
  });

  it('reaches an engine by TLS with the certificates of the environment, and only so', async function () {
    if (!hasOpenssl()) skip(this, 'needs openssl, to make certificates', 'engines');
    const certs = makeCertificates(join(folder, 'certs'));
    const read = (name: string): Buffer => readFileSync(join(certs, name));
    const server = createTlsServer(
      {
        ca: read('ca.pem'),
        cert: read('server.pem'),
        key: read('server-key.pem'),
        requestCert: true,
      },
      (near) => joinTo(near, socket()),
    );
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const uri = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const tls = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certs };
      const set = open({ ...emptyEnvironment(), ...tls }, [uri]);
      await set.ready(never);
      assert.equal(set.engines[0]?.state.status, 'connected', problemCode(set));
      assert.ok(hasBox(set.engines[0]));
      const stranger = makeCertificates(join(folder, 'stranger'));
      for (const path of [stranger, join(folder, 'none')]) {
        const refused = open({ ...emptyEnvironment(), ...tls, DOCKER_CERT_PATH: path }, [uri]);
        await refused.ready(never);
        assert.equal(problemCode(refused), 'engine-tls', path);
      }
    } finally {
      server.close();
    }
  });

  describe('ssh', () => {
    let sshd: Sshd;

    before(async function () {
      const missing = missingForSshd();
      if (missing) skip(this, missing, 'engines');
      sshd = await startSshd();
    });
    after(() => sshd?.stop());

    const sshEnvironment = (options: string): Environment => ({
      ...process.env,
      XDG_RUNTIME_DIR: folder,
      EPICS_EXPOSE_SSH_OPTIONS: options,
    });
    const address = (path: string): string => `ssh://root@127.0.0.1:${sshd.port}${path}`;

    it('reaches an engine, and leaves neither process nor file', async () => {
      const set = open(sshEnvironment(sshd.sshOptions), [address(socket())]);
      await set.ready(never);
      const engine = set.engines[0] as Engine & EngineApi;
      assert.equal(engine.state.status, 'connected', said(engine.state.problem));
      assert.ok(hasBox(engine));
      assert.equal(engine.isLocalSocket, false);
      const session = await engine.exec(box.id, ['cat'], { signal: never });
      session.stdio.end(Buffer.alloc(4 << 20, 7));
      let size = 0;
      for await (const chunk of session.stdio) size += (chunk as Buffer).length;
      assert.equal(size, 4 << 20);
      assert.equal(await session.exitCode(), 0);
      assert.notDeepEqual(processesNaming(folder), []);
      await set.close();
      assert.deepEqual(processesNaming(folder), []);
      assert.deepEqual(readdirSync(folder), []);
    });

    it('comes back when ssh ends', async () => {
      const set = open(sshEnvironment(sshd.sshOptions), [address(socket())]);
      await set.ready(never);
      const pids = processesNaming(`${folder}/`).filter((pid) => commandOf(pid).startsWith('ssh '));
      assert.equal(pids.length, 1);
      process.kill(pids[0] ?? 0, 'SIGKILL');
      const [engine] = set.engines;
      await until(() => engine?.state.status === 'unreachable', 5000, 'the loss');
      await until(() => engine?.state.status === 'connected', 10_000, 'a new tunnel');
    });

    it('says what is wrong', async () => {
      const tries: [string, string, string][] = [
        [sshd.sshOptions, address(`${folder}/none.sock`), 'ssh-no-socket'],
        [sshd.strangerOptions, address(socket()), 'ssh-auth'],
        [sshd.distrustOptions, address(socket()), 'ssh-host-key'],
        [sshd.sshOptions, `ssh://root@127.0.0.1:1${socket()}`, 'ssh-unreachable'],
        [sshd.sshOptions, 'ssh://no-such-host.invalid', 'ssh-unreachable'],
      ];
      for (const [options, endpoint, code] of tries) {
        const set = open(sshEnvironment(options), [endpoint]);
        await set.ready(never);
        assert.equal(problemCode(set), code, said(set.engines[0]?.state.problem));
      }
    });
  });

  describe('Podman without a socket', () => {
    let podman: LabEngine;
    let container: LabContainer;

    before(async function () {
      podman = await needsEngine(this, 'podman');
      container = await runKeeper(podman, { image: 'busybox-ioc' });
    });
    after(() => container?.remove());

    it('leaves a command its exit code, although its service ends last', async () => {
      const env = {
        ...process.env,
        CONTAINERS_CONF: join(podman.folder, 'containers.conf'),
        CONTAINERS_STORAGE_CONF: join(podman.folder, 'storage.conf'),
      };
      for (let round = 0; round < 5; round++) {
        const words = ['status', '--engine', 'podman', '--container', 'nosuch'];
        const { exitCode, stderr } = await epicsExpose(words, { env });
        assert.equal(exitCode, 2, stderr);
      }
    });

    it('is served by a service of ours, which ends with us', async () => {
      const env = {
        ...process.env,
        XDG_RUNTIME_DIR: folder,
        CONTAINERS_CONF: join(podman.folder, 'containers.conf'),
        CONTAINERS_STORAGE_CONF: join(podman.folder, 'storage.conf'),
        DOCKER_HOST: undefined,
      };
      const set = open(env, ['podman']);
      await set.ready(never);
      const [engine] = set.engines;
      assert.equal(engine?.state.status, 'connected', said(engine?.state.problem));
      assert.ok(engine.containers.some(({ id }) => id === container.id));
      await set.close();
      assert.deepEqual(processesNaming(folder), []);
      assert.deepEqual(readdirSync(folder), []);
    });

    it('is noticed when its first container runs, without being asked for', async function () {
      if (existsAnyPodman()) skip(this, 'this machine has a Podman socket of its own', 'platform');
      const env = {
        HOME: folder,
        XDG_RUNTIME_DIR: folder,
        PATH: process.env['PATH'],
        CONTAINERS_CONF: join(podman.folder, 'containers.conf'),
        CONTAINERS_STORAGE_CONF: join(podman.folder, 'storage.conf'),
      };
      const set = open(env);
      await set.ready(never);
      assert.deepEqual(
        ours(set).map(({ key }) => key),
        ['podman-service:'],
      );
    });
  });

  it('ends its children when we are killed', async () => {
    const script = `
      import { GuardedChild } from ${JSON.stringify(join(__dirname, '../../src/node/engines/guardedChild'))};
      const child = new GuardedChild((folder) => ['sleep', '1000', folder], { ...process.env, XDG_RUNTIME_DIR: ${JSON.stringify(folder)} });
      process.kill(process.pid, 'SIGKILL');
    `;
    const file = join(folder, 'main.ts');
    writeFileSync(file, script);
    assert.throws(() =>
      execFileSync(process.execPath, ['--import', require.resolve('tsx'), file], {
        stdio: 'ignore',
      }),
    );
    await until(() => processesNaming(`${folder}/epics`).length === 0, 10_000, 'the child to end');
    await until(() => readdirSync(folder).length === 1, 5000, 'its folder to go');
  });
});

function existsAnyPodman(): boolean {
  try {
    readFileSync('/run/podman/podman.sock');
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // it has just ended
  }
}

function processesNaming(text: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && isRunning(pid))
    .filter((pid) => commandOf(pid).includes(text));
}

async function startProxy(socketPath: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (near) => joinTo(near, socketPath));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function joinTo(near: Socket, socketPath: string): void {
  const far = connect({ path: socketPath, allowHalfOpen: true });
  near.on('error', () => far.destroy());
  far.on('error', () => near.destroy());
  near.on('close', () => far.destroy());
  far.on('close', () => near.destroy());
  near.pipe(far).pipe(near);
}

function hasOpenssl(): boolean {
  return spawnSync('openssl', ['version']).status === 0;
}

/** ca.pem, and cert.pem/key.pem (client) and server.pem/server-key.pem signed by it. */
function makeCertificates(path: string): string {
  mkdirSync(path, { recursive: true });
  const openssl = (...argv: string[]): void => {
    execFileSync('openssl', argv, { cwd: path, stdio: 'pipe' });
  };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...curve, '-subj', '/CN=ca', '-keyout', 'ca-key.pem', '-out', 'ca.pem');
  writeFileSync(join(path, 'names'), 'subjectAltName=IP:127.0.0.1');
  for (const [cert, key] of [
    ['cert.pem', 'key.pem'],
    ['server.pem', 'server-key.pem'],
  ] as const) {
    openssl('req', ...curve, '-subj', '/CN=lab', '-keyout', key, '-out', 'request');
    const signer = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial'];
    openssl('x509', '-req', '-in', 'request', ...signer, '-extfile', 'names', '-out', cert);
  }
  return path;
}
