/** The broker as a real process, with the demo IOC: what front ends and clients notice of it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { once, setMaxListeners } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isErrorCode } from '../../src/base/errors';
import { clientEnvironment, nameServersOf } from '../../src/present/clientEnvironment';
import { snapshotJson } from '../../src/cli/snapshotJson';
import type { LiveUpdate, PvUpdate } from '../../src/model/coreApi';
import { brokerPaths, preparePlace } from '../../src/node/broker/brokerPaths';
import { isOlder } from '../../src/node/broker/brokerVersion';
import type { BrokerLoss } from '../../src/node/broker/connectBroker';
import { connectTcp } from '../../src/node/relay/connectTcp';
import { systemClock } from '../../src/node/systemClock';
import { SharedCircuit } from '../../src/services/upstream/sharedCircuit';
import { ALONE, CLI, Exposed } from '../support/exposed';
import { BROKER, Brokers, DEMO, isRunning, localOf, settled } from '../support/brokers';
import { epicsExpose } from '../support/command';
import { freePort } from '../support/freePort';
import { skip } from '../support/skip';
import { until } from '../support/until';

const never = new AbortController().signal;

describe('the broker', function () {
  this.timeout(40_000);
  let brokers: Brokers;
  beforeEach(function () {
    if (process.platform === 'win32') this.skip();
    brokers = new Brokers();
  });
  afterEach(() => brokers.end());

  it('is started by the first front end, shared by the second, and ends after the last', async () => {
    const first = await brokers.connect();
    const second = await brokers.connect();
    assert.equal(second.broker.pid, first.broker.pid);
    await first.setRequest(DEMO);
    await settled(second);
    assert.deepEqual(second.snapshot, first.snapshot);
    assert.deepEqual(await second.listRequests(never), [DEMO]);
    await second.close();
    await settled(first);
    await first.close();
    await brokers.untilGone();
    assert.match(brokers.log, /no front end is left/);
  });

  it('keeps nothing of 25,000 names that were asked for', async function () {
    if (process.platform !== 'linux') this.skip();
    this.timeout(180_000);
    const frontEnd = await brokers.connect();
    await frontEnd.setRequest(DEMO);
    await settled(frontEnd);
    const counts = (): unknown =>
      frontEnd.snapshot.containers.flatMap(({ iocs }) =>
        iocs.flatMap(({ servers }) => servers.map(({ pvs }) => pvs)),
      );
    const memoryKilobytes = (): number =>
      Number(
        /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${frontEnd.broker.pid}/status`, 'utf8'))?.[1],
      );
    let next = 0;
    const many = new AbortController().signal;
    setMaxListeners(0, many);
    const ask = async (count: number): Promise<void> => {
      for (const end = next + count; next < end; next += 500) {
        const ends = await Promise.allSettled(
          Array.from({ length: 500 }, (_, index) =>
            frontEnd.readPv(
              { name: `NONE:${next + index}`, protocol: index % 2 ? 'ca' : 'pva' },
              many,
            ),
          ),
        );
        assert.ok(
          ends.every((one) => one.status === 'rejected' && isErrorCode(one.reason, 'not-found')),
        );
      }
    };
    const before = counts();
    // The first ones fill what is as large as it gets, such as buffers and the heap itself.
    await ask(10_000);
    const grownFrom = memoryKilobytes();
    await ask(15_000);
    // A busy machine collects garbage late; what is kept would stay, and grow with more names.
    let grownKilobytes = memoryKilobytes() - grownFrom;
    while (grownKilobytes >= 15_000 && next < 60_000) {
      await ask(5000);
      grownKilobytes = memoryKilobytes() - grownFrom;
    }
    assert.ok(grownKilobytes < 15_000, `${grownKilobytes} kB more`);
    assert.deepEqual(counts(), before);
    assert.equal(
      (await frontEnd.listPvs({ pattern: 'NONE', offset: 0, limit: 1 }, never)).total,
      0,
    );
  });

  it('ends each time it is asked to, also when its answer is lost to its end', async () => {
    for (let round = 0; round < 6; round++) {
      const frontEnd = await brokers.connect();
      await frontEnd.stop(AbortSignal.timeout(5000));
      await frontEnd.close();
    }
    await brokers.untilGone();
  });

  it('is one, however many front ends start it at once', async () => {
    const all = await Promise.all(Array.from({ length: 6 }, () => brokers.connect()));
    assert.equal(new Set(all.map(({ broker }) => broker.pid)).size, 1);
  });

  it('listens for its user alone', async () => {
    await brokers.connect();
    assert.equal(lstatSync(brokers.folder).mode & 0o777, 0o700);
    assert.equal(lstatSync(brokers.socket).mode & 0o777, 0o600);
    assert.ok(lstatSync(brokers.socket).isSocket());
  });

  it('ends what nobody wants any more at once, and what others want not at all', async () => {
    const [first, second] = [await brokers.connect(), await brokers.connect()];
    await first.setRequest(DEMO);
    await second.setRequest(DEMO);
    await settled(first);
    const client = await openClient(localOf(first, 'ca'));
    await first.setRequest(undefined);
    await client.hasUpdate();
    assert.equal(client.ended, undefined);
    assert.equal(second.snapshot.containers.length, 1);
    await second.setRequest(undefined);
    assert.deepEqual(second.snapshot.containers, []);
    await until(() => client.ended !== undefined, 2000, 'the circuit to end');
  });

  it('keeps a circuit open while a window reloads, with its request', async () => {
    const window = await brokers.connect({ clientId: 'window' });
    await window.setRequest(DEMO);
    await settled(window);
    const client = await openClient(localOf(window, 'ca'));
    window.leave();
    await client.hasUpdate();
    const reloaded = await brokers.connect({ clientId: 'window' });
    assert.deepEqual(reloaded.request, DEMO);
    assert.equal(reloaded.snapshot.containers[0]?.name, 'demo');
    await until(() => brokers.log.includes('is back'), 1000, 'the return in the log');
    // Longer than the grace that began when the window left.
    const endMs = performance.now() + 2000;
    while (performance.now() < endMs) await client.hasUpdate();
    assert.equal(client.ended, undefined);
    client.close();
  });

  it('ends the request of a front end that vanished and does not come back', async () => {
    const other = await brokers.connect();
    const window = await brokers.connect();
    await window.setRequest(DEMO);
    await settled(other);
    window.leave();
    assert.equal((await other.listRequests(never)).length, 1);
    await until(() => other.snapshot.containers.length === 0, 4000, 'the request to end');
    assert.ok(isRunning(other.broker.pid));
  });

  it('is replaced when it is killed: requests and monitors go on, and it is said once', async () => {
    const frontEnd = await brokers.connect();
    const losses: BrokerLoss[] = [];
    frontEnd.onDidLose((loss) => losses.push(loss));
    await frontEnd.setRequest(DEMO);
    await settled(frontEnd);
    const updates: PvUpdate[] = [];
    frontEnd.monitorPv({ name: 'DEMO:BEAM:CURRENT', protocol: 'ca' }, (update) =>
      updates.push(update),
    );
    const lastIs = (kind: string) => () => updates.at(-1)?.kind === kind;
    await until(lastIs('value'), 5000, 'a first value');
    let news: LiveUpdate[] = [];
    const follower = frontEnd.followPvs((batch) => news.push(...batch));
    const followed = { name: 'DEMO:BEAM:CURRENT', protocol: 'pva' } as const;
    follower.change({ add: [{ id: 4, ...followed }], remove: [] });
    const hasReading = (id: number) => () => news.some((one) => one.id === id && 'reading' in one);
    await until(hasReading(4), 5000, 'a first value in a row');
    const { pid } = frontEnd.broker;
    process.kill(pid, 'SIGKILL');
    await until(() => losses.length > 0, 5000, 'the loss');
    assert.equal(updates.at(-1)?.kind, 'interrupted');
    assert.deepEqual(news.at(-1), { id: 4, problem: { code: 'broker-gone' } });
    news = [];
    follower.change({ add: [{ id: 5, ...followed }], remove: [4] });
    // Asked while there is none, it waits for the next.
    const page = frontEnd.listPvs({ offset: 0, limit: 1 }, never);
    await settled(frontEnd);
    await page;
    assert.notEqual(frontEnd.broker.pid, pid);
    await until(lastIs('value'), 5000, 'a value from the new one');
    await until(hasReading(5), 5000, 'a value in a row from the new one');
    assert.ok(!hasReading(4)());
    assert.equal(losses.length, 1);
    assert.equal(losses[0]?.logFile, join(brokers.folder, 'broker.log'));
  });

  it('is said not to answer while it hangs, and values come again when it goes on', async () => {
    const frontEnd = await brokers.connect();
    await frontEnd.setRequest(DEMO);
    await settled(frontEnd);
    const name = 'DEMO:SHUTTER';
    const updates: PvUpdate[] = [];
    frontEnd.monitorPv({ name, protocol: 'ca' }, (update) => updates.push(update));
    let news: LiveUpdate[] = [];
    const follower = frontEnd.followPvs((batch) => news.push(...batch));
    follower.change({ add: [{ id: 4, name, protocol: 'pva' }], remove: [] });
    const hasValues = (): boolean =>
      updates.at(-1)?.kind === 'value' && news.some((one) => 'reading' in one);
    await until(hasValues, 5000, 'first values');
    const { pid } = frontEnd.broker;
    process.kill(pid, 'SIGSTOP');
    try {
      await until(() => frontEnd.problem !== undefined, 20_000, 'the silence to be noticed');
      const silent = { code: 'broker-silent', pid, isSuspended: true };
      assert.deepEqual(updates.at(-1), { kind: 'interrupted', problem: silent });
      assert.deepEqual(news.at(-1), { id: 4, problem: silent });
      assert.ok(frontEnd.isConnected);
      assert.notEqual(frontEnd.snapshot.containers.length, 0);
      news = [];
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    // This one never changes, and is told again all the same.
    await until(hasValues, 10_000, 'values again');
    assert.equal(frontEnd.problem, undefined);
    assert.equal(frontEnd.broker.pid, pid);
    process.kill(pid, 'SIGSTOP');
    await until(() => frontEnd.problem !== undefined, 20_000, 'the second silence');
    await frontEnd.restart(never);
    assert.notEqual(frontEnd.broker.pid, pid);
    await until(hasValues, 10_000, 'values of another one');
  });

  it('makes room for a newer version, and keeps the circuits of its own front ends', async () => {
    const older = { ...brokers.env, EPICS_EXPOSE_TEST_VERSION: '0.0.9' };
    const first = await brokers.connect({ env: older, version: '0.0.9' });
    await first.setRequest(DEMO);
    await settled(first);
    const client = await openClient(localOf(first, 'ca'));
    const second = await brokers.connect();
    assert.notEqual(second.broker.pid, first.broker.pid);
    assert.equal(first.broker.version, '0.0.9');
    await second.setRequest(DEMO);
    await settled(second);
    await client.hasUpdate();
    assert.equal(client.ended, undefined);
    client.close();
    await first.close();
    await until(() => !isRunning(first.broker.pid), 3000, 'the older one to end');
    assert.ok(lstatSync(brokers.socket).isSocket());
    assert.equal((await brokers.connect()).broker.pid, second.broker.pid);
  });

  it('is used as it is where the program that can be started is no newer', async () => {
    const env = { ...brokers.env, EPICS_EXPOSE_TEST_VERSION: '0.0.9' };
    const first = await brokers.connect({ env, version: '0.1.0' });
    assert.equal(first.broker.version, '0.0.9');
    assert.doesNotMatch(brokers.log, /makes room/);
    await first.setRequest(DEMO);
    await settled(first);
    // Another one does not know yet what it would start, and finds out once.
    const second = await brokers.connect({ env, version: '0.1.0' });
    assert.equal(second.broker.version, '0.0.9');
    assert.equal(brokers.log.match(/makes room/g)?.length, 1);
    // A command starts none, so it takes nobody's place.
    const status = await epicsExpose(['broker', 'status'], { env });
    assert.match(status.stdout, /^version 0\.0\.9$/m);
    assert.equal(brokers.log.match(/makes room/g)?.length, 1);
  });

  it('is not asked for ever where the program speaks an older protocol', async () => {
    const program = join(brokers.folder, 'past.js');
    const starts = join(brokers.folder, 'broker.log.starts');
    const pid = join(brokers.folder, 'broker.log.pid');
    writeFileSync(
      program,
      `require('node:fs').appendFileSync(${JSON.stringify(starts)}, '.');
      require('node:fs').writeFileSync(${JSON.stringify(pid)}, String(process.pid));
      ${otherBroker(brokers.socket, { protocol: 0, version: '0.0.1' })}`,
    );
    try {
      await assert.rejects(
        brokers.connect({ program }),
        (error) =>
          isErrorCode(error, 'usage') && /broker-older.*0\.0\.1.*past\.js/.test(String(error)),
      );
    } finally {
      // It is nobody's child, and would outlive this test where an assertion fails.
      if (existsSync(pid)) brokers.adopt(Number(readFileSync(pid, 'utf8')));
    }
    assert.equal(readFileSync(starts, 'utf8'), '.', 'started once');
    // What is not understood can be ended.
    const stop = await epicsExpose(['broker', 'stop'], { env: brokers.env });
    assert.equal(stop.exitCode, 0, stop.stderr);
    const none = await epicsExpose(['broker', 'stop'], { env: brokers.env });
    assert.equal(none.exitCode, 4, none.stderr);
  });

  it('sends away what is newer than it and cannot be understood', async () => {
    const place = brokerPaths(brokers.env);
    assert.ok(place);
    preparePlace(place);
    // Not a broker at all, but what one of the future might answer.
    const program = join(brokers.folder, 'future.js');
    writeFileSync(program, otherBroker(place.socket, { protocol: 99, version: '9.0.0' }));
    const child = spawn(process.execPath, [program]);
    try {
      await until(() => existsSync(place.socket), 10_000, 'the other broker');
      await assert.rejects(
        brokers.connect(),
        (error) => isErrorCode(error, 'usage') && /9\.0\.0/.test(String(error)),
      );
    } finally {
      child.kill();
      await once(child, 'close');
    }
  });

  it('replaces the socket and the lock of a killed one', async () => {
    const first = await brokers.connect();
    first.leave();
    process.kill(first.broker.pid, 'SIGKILL');
    await until(() => !isRunning(first.broker.pid), 2000, 'its end');
    assert.ok(lstatSync(brokers.socket).isSocket());
    const second = await brokers.connect();
    assert.notEqual(second.broker.pid, first.broker.pid);
  });

  it('is not kept away by a lock that somebody left, whatever time that tells', async () => {
    const lock = join(dirname(brokers.socket), 'broker.lock');
    for (const hours of [-2, 2]) {
      mkdirSync(dirname(lock), { recursive: true, mode: 0o700 });
      writeFileSync(lock, '');
      const at = new Date(Date.now() + hours * 3_600_000);
      utimesSync(lock, at, at);
      const frontEnd = await brokers.connect();
      assert.equal(existsSync(lock), false);
      await frontEnd.stop(new AbortController().signal);
    }
  });

  it('outlives garbage, silence and requests that make no sense', async () => {
    const frontEnd = await brokers.connect();
    await frontEnd.setRequest(DEMO);
    const talk = async (bytes: string): Promise<string> => {
      const socket = connect(brokers.socket);
      let text = '';
      socket.on('data', (data) => (text += String(data)));
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(bytes);
      await until(
        () => socket.destroyed || text.includes('\r\n\r\n{'),
        8000,
        'an answer or the end',
      );
      socket.destroy();
      return text;
    };
    const request = (method: string, params: unknown): string => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
      return `Content-Length: ${body.length}\r\n\r\n${body}`;
    };
    assert.equal(await talk('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), '');
    assert.equal(await talk('x'.repeat(200_000)), '');
    assert.equal(await talk('Content-Length: 5\r\n\r\n{"a":'), '');
    assert.equal(await talk('Content-Length: 99999999999\r\n\r\n'), '', 'sent away after a while');
    assert.match(await talk(request('listPvs', { offset: 0, limit: 1 })), /hello comes first/);
    assert.match(await talk(request('nonsense', {})), /-32601/);
    assert.match(
      await talk(request('hello', { protocol: 'x' })),
      /whole number in hello\.protocol/,
    );
    assert.match(await talk(request('hello', [1])), /an object in hello/);
    await settled(frontEnd);
  });

  it('refuses an engine that makes no sense, and keeps the former request', async () => {
    const frontEnd = await brokers.connect();
    await frontEnd.setRequest(DEMO);
    await assert.rejects(frontEnd.setRequest({ ...DEMO, engines: ['gopher://x'] }), (error) =>
      isErrorCode(error, 'usage'),
    );
    assert.deepEqual(frontEnd.request, DEMO);
    assert.deepEqual(await frontEnd.listRequests(never), [DEMO]);
    await settled(frontEnd);
  });

  it('is not held up, nor filled, by a front end that does not read', async () => {
    const frontEnd = await brokers.connect();
    await frontEnd.setRequest(DEMO);
    await settled(frontEnd);
    const { pid } = frontEnd.broker;
    const slow = connect(brokers.socket);
    await once(slow, 'connect');
    slow.on('error', () => undefined);
    const send = (id: number, method: string, params: unknown): void => {
      const body = JSON.stringify({ jsonrpc: '2.0', id, method, params });
      slow.write(`Content-Length: ${body.length}\r\n\r\n${body}`);
    };
    send(0, 'hello', { protocol: 1, version: '0.1.0', clientId: 'slow', clientName: 'slow' });
    // Enough, if it were all kept, to see it: arrays, many times over.
    for (let id = 1; id <= 200; id++) {
      send(id, 'startMonitor', { monitorId: id, name: 'DEMO:SPECTRUM', protocol: 'pva' });
    }
    slow.pause();
    const beforeKb = residentKb(pid);
    const updates: PvUpdate[] = [];
    frontEnd.monitorPv({ name: 'DEMO:SPECTRUM', protocol: 'pva' }, (update) =>
      updates.push(update),
    );
    await until(() => updates.length >= 8, 15_000, 'updates for the one who reads');
    const grownKb = residentKb(pid) - beforeKb;
    assert.ok(grownKb < 60_000, `${grownKb} kB more`);
    slow.destroy();
  });

  it('ends in order on SIGTERM, with everything it had open', async () => {
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      const frontEnd = await brokers.connect();
      await frontEnd.setRequest(DEMO);
      await settled(frontEnd);
      const local = localOf(frontEnd, 'ca');
      frontEnd.leave();
      process.kill(frontEnd.broker.pid, name);
      await brokers.untilGone(3000);
      await assert.rejects(connectTcp(local, never));
    }
  });

  it('says why it cannot be, where its folder is not to be had', async () => {
    const file = join(brokers.folder, 'file');
    writeFileSync(file, '');
    const env = { ...brokers.env, EPICS_EXPOSE_BROKER_DIR: file };
    await assert.rejects(brokers.connect({ env }));
    const long = { ...brokers.env, EPICS_EXPOSE_BROKER_DIR: `/tmp/${'x'.repeat(120)}` };
    await assert.rejects(brokers.connect({ env: long }), /too long/);
    await assert.rejects(brokers.connect({ env: { ...brokers.env, ...ALONE } }), /off/);
    await assert.rejects(
      brokers.connect({ program: join(brokers.folder, 'missing.js') }),
      /did not start.*broker\.log/,
    );
    mkdirSync(join(brokers.folder, 'open'), { mode: 0o777 });
    const open = { ...brokers.env, EPICS_EXPOSE_BROKER_DIR: join(brokers.folder, 'open') };
    await brokers.connect({ env: open });
    assert.equal(lstatSync(join(brokers.folder, 'open')).mode & 0o777, 0o700);
  });

  describe('and the command', () => {
    it('is served by the demo that is there because there is no IOC', async () => {
      // No engine of this machine is found.
      const [engine, other] = ['a', 'b'].map((name) => `unix://${brokers.folder}/${name}.sock`);
      const env = { ...brokers.env, DOCKER_HOST: engine, CONTAINER_HOST: other };
      const empty = Exposed.start(['--demo-when-empty'], { env });
      await empty.untilReachable('demo', 2);
      const get = await epicsExpose(['get', 'DEMO:TEMPERATURE'], { env });
      assert.equal(get.exitCode, 0, get.stderr);
      assert.match(get.stdout, /^DEMO:TEMPERATURE +ca .*\nDEMO:TEMPERATURE +pva /);
      assert.equal(await empty.stop(), 0);
    });

    it('is served by the demo in another terminal, and by nobody after', async () => {
      const demo = Exposed.start(['demo'], { env: brokers.env });
      await demo.untilReachable('demo', 2);
      const run = (...args: string[]): ReturnType<typeof epicsExpose> =>
        epicsExpose(args, { env: brokers.env });
      const get = await run('get', 'pva://DEMO:COUNTER');
      assert.equal(get.exitCode, 0, get.stderr);
      assert.match(get.stdout, /^DEMO:COUNTER {2}pva/);
      assert.match(
        (await run('pvs', 'DEMO:BEAM:?')).stdout,
        /^DEMO:BEAM:X\tca\treachable\tDEMO_IOC\tdemo\n/,
      );
      const fields = ['DEMO:MOTOR.EGU', 'ca://DEMO:MOTOR.DESC$', 'pva://DEMO:MOTOR.EGU'];
      assert.match(
        (await run('get', ...fields)).stdout,
        /^DEMO:MOTOR\.EGU +ca +mm .*\nDEMO:MOTOR\.EGU +pva +mm .*\nDEMO:MOTOR\.DESC\$ +ca +built-in demo /,
      );
      const record = await run('pvs', 'ca://DEMO:MOTOR.EGU');
      assert.equal(record.stdout, 'DEMO:MOTOR\tca\treachable\tDEMO_IOC\tdemo\n');
      assert.match((await run('env')).stdout, /EPICS_CA_NAME_SERVERS=127\.0\.0\.\d+:\d+/);
      const exec = await run(
        'exec',
        '--engine',
        'demo:',
        '--',
        'sh',
        '-c',
        'echo $EPICS_PVA_NAME_SERVERS',
      );
      assert.equal(exec.stdout.trim(), demo.printedEnvironment['EPICS_PVA_NAME_SERVERS']);
      assert.match((await run('broker', 'status')).stdout, /^a command in a terminal, pid \d+\n/);
      assert.equal(await demo.stop(), 0);
      assert.deepEqual(brokers.files, []);
      assert.equal((await run('broker', 'status')).exitCode, 4);
    });

    it('tells one environment, the same from the first line on', async () => {
      const demo = await epicsExpose(['demo', '--json'], {
        env: brokers.env,
        signal: { name: 'SIGINT', after: 'EPICS_PVA_NAME_SERVERS' },
      });
      const told = demo.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.stringify((JSON.parse(line) as { environment?: object }).environment))
        .filter((environment) => environment !== undefined && environment !== '{}');
      assert.match(
        told[0] ?? '',
        /^\{"EPICS_CA_NAME_SERVERS":"127\.0\.0\.1:\d*5063",.*5074","EPICS_PVA_ADDR_LIST":"127\.0\.0\.1"\}$/,
      );
      assert.equal(new Set(told).size, 1, told.join('\n'));
    });

    it('tells the same as every other command, whatever each was asked for', async () => {
      const window = await brokers.connect();
      // Not what the commands below would select by themselves.
      const selection = { containers: ['demo'], labels: [] };
      await window.setRequest({ ...DEMO, selection });
      const run = (...args: string[]): ReturnType<typeof epicsExpose> =>
        epicsExpose(args, { env: brokers.env });
      const env = await run('env', '--json');
      assert.equal(env.exitCode, 0, env.stderr);
      await settled(window);
      const expected = clientEnvironment(nameServersOf(window.snapshot));
      assert.match(expected['EPICS_CA_NAME_SERVERS'] ?? '', /^127\.0\.0\.1:\d*5063$/);
      assert.deepEqual(JSON.parse(env.stdout), expected);
      const chosen = await run('env', '--json', '--engine', 'demo:');
      assert.deepEqual(JSON.parse(chosen.stdout), expected, chosen.stderr);
      const status = await run('status', '--json', '--engine', 'demo:');
      assert.deepEqual(JSON.parse(status.stdout).environment, expected);
      const show = 'process.stdout.write(JSON.stringify(process.env))';
      const node = ['--', process.execPath, '-e', show];
      for (const words of [[], ['--engine', 'demo:'], ['--container', 'demo']]) {
        const exec = await run('exec', ...words, ...node);
        const seen = JSON.parse(exec.stdout) as Record<string, string>;
        for (const [name, value] of Object.entries(expected)) assert.equal(seen[name], value);
      }
      const table = await run('status', '--engine', 'demo:');
      for (const [name, value] of Object.entries(expected)) {
        assert.ok(table.stdout.includes(`export ${name}=${value}\n`), table.stdout);
      }
    });

    it('gives clients no dead entry of ours, and names a dead one of their own', async () => {
      const own = `127.0.0.1:${await freePort()}`;
      const alive = createServer((socket) => socket.on('error', () => undefined));
      alive.listen(0, '127.0.0.1');
      await once(alive, 'listening');
      const tunnel = `127.0.0.1:${(alive.address() as { port: number }).port}`;
      const env = {
        ...brokers.env,
        EPICS_CA_NAME_SERVERS: `127.0.0.1:35063 ${own} 127.0.0.9:5064 ${tunnel}`,
        EPICS_PVA_NAME_SERVERS: '127.0.0.1:35074',
      };
      const unset = 'unset EPICS_PVA_NAME_SERVERS';
      const nothing = await epicsExpose(['env', '--engine', 'unix:///nonexistent'], { env });
      assert.equal(nothing.exitCode, 3);
      assert.equal(nothing.stdout, `export EPICS_CA_NAME_SERVERS='${own} ${tunnel}'\n${unset}\n`);
      const window = await brokers.connect();
      await window.setRequest(DEMO);
      await settled(window);
      const ours = clientEnvironment(nameServersOf(window.snapshot));
      const print = ['printenv', 'EPICS_CA_NAME_SERVERS', 'EPICS_PVA_NAME_SERVERS'];
      const words = ['exec', '--engine', 'demo:', '--', ...print];
      const { stdout, stderr } = await epicsExpose(words, { env });
      const [ca = '', pva = ''] = stdout.trim().split('\n');
      assert.equal(ca, `${ours['EPICS_CA_NAME_SERVERS']} ${own} ${tunnel}`);
      assert.equal(pva, ours['EPICS_PVA_NAME_SERVERS']);
      const cost = `! ${own} in EPICS_CA_NAME_SERVERS refuses; libca clients wait up to 30 s`;
      assert.ok(stderr.includes(cost), stderr);
      assert.equal(stderr.match(/refuses/g)?.length, 1, stderr);
      const given = await epicsExpose(['env'], { env });
      assert.ok(given.stdout.includes(`'${ca}'`) && given.stderr.includes(cost), given.stdout);
      // After the end, in the shell that was given it.
      const ended = await epicsExpose(['env', '--unset'], {
        env: { ...brokers.env, EPICS_CA_NAME_SERVERS: ca, EPICS_PVA_NAME_SERVERS: pva },
      });
      assert.equal(ended.stdout, `export EPICS_CA_NAME_SERVERS='${own} ${tunnel}'\n${unset}\n`);
      alive.close();
    });

    it('uses the broker of a window, and leaves it as it was', async () => {
      const window = await brokers.connect();
      await window.setRequest(DEMO);
      await settled(window);
      const status = await epicsExpose(['status', '--json', '--engine', 'demo:'], {
        env: brokers.env,
      });
      assert.equal(status.exitCode, 0, status.stderr);
      const told = snapshotJson(window.snapshot, {});
      assert.deepEqual(JSON.parse(status.stdout).containers, told.containers);
      const exposed = Exposed.start(['demo'], { env: brokers.env });
      await exposed.untilReachable('demo', 2);
      assert.deepEqual(exposed.snapshot.containers, told.containers);
      assert.equal((await window.listRequests(never)).length, 2);
      assert.equal(await exposed.stop(), 0);
      assert.equal((await window.listRequests(never)).length, 1);
      assert.equal(localOf(window, 'ca').port, 5064);
    });

    it('is one of commands that start in the same moment, for all of them', async () => {
      for (let round = 0; round < 3; round++) {
        const demos = [1, 2, 3].map(() => Exposed.start(['demo'], { env: brokers.env }));
        for (const demo of demos) await demo.untilReachable('demo', 2);
        const window = await brokers.connect();
        assert.equal((await window.listRequests(never)).length, demos.length);
        const { pid } = window.broker;
        await window.close();
        demos.sort((a, b) => Number(a.pid === pid) - Number(b.pid === pid));
        for (const demo of demos) assert.equal(await demo.stop(), 0);
      }
    });

    it('hands over to a real broker when it leaves while a window uses it', async () => {
      const demo = Exposed.start(['demo'], { env: brokers.env });
      await demo.untilReachable('demo', 2);
      const window = await brokers.connect();
      assert.ok(window.broker.isForeground);
      await window.setRequest(DEMO);
      assert.equal(await demo.stop(), 0);
      await until(() => window.isConnected && !window.broker.isForeground, 5000, 'another broker');
      await settled(window);
    });

    it('stops and restarts it', async () => {
      const window = await brokers.connect();
      await window.setRequest(DEMO);
      const { pid } = window.broker;
      const restart = await epicsExpose(['broker', 'restart'], { env: brokers.env });
      assert.equal(restart.exitCode, 0, restart.stderr);
      await until(() => window.isConnected && window.broker.pid !== pid, 5000, 'another broker');
      await settled(window);
      await window.close();
      const stop = await epicsExpose(['broker', 'stop'], { env: brokers.env });
      assert.equal(stop.exitCode, 0, stop.stderr);
      await brokers.untilGone(1000);
    });

    it('ends one that does not answer, and says what it is before that', async () => {
      const window = await brokers.connect();
      const { pid } = window.broker;
      process.kill(pid, 'SIGSTOP');
      const sentence =
        `the background process (pid ${pid}) is suspended: its relays and name servers stand still. ` +
        `Let it go on: fg in the terminal where it was started, or kill -CONT ${pid}.`;
      const status = await epicsExpose(['status', '--engine', 'demo:'], { env: brokers.env });
      assert.ok(status.stderr.includes(sentence), status.stderr);
      assert.match(status.stdout, /2 servers answer in the container/);
      // Each command that gave it up is still in the queue of its socket, until no more may wait.
      let isFull = false;
      for (let count = 0; count < 2000 && !isFull; count++) {
        isFull = await new Promise<boolean>((resolve) => {
          const socket = connect(brokers.socket);
          socket.once('connect', () => (socket.destroy(), resolve(false)));
          socket.once('error', () => resolve(true));
        });
      }
      assert.ok(isFull);
      const restart = await epicsExpose(['broker', 'restart'], { env: brokers.env });
      assert.equal(restart.exitCode, 0, restart.stderr);
      await until(() => window.isConnected && window.broker.pid !== pid, 20_000, 'another broker');
      assert.ok(!isRunning(pid));
      await window.close();
    });
  });

  describe('that somebody else put there', () => {
    const STRANGER = 54_321;
    let folder: string;
    let strangers: Server[];
    let words: string[];

    before(function () {
      if (process.getuid?.() !== 0) skip(this, 'needs root, to be two users', 'platform');
    });
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'ees-'));
      chmodSync(folder, 0o755);
      strangers = [];
      words = [];
    });
    afterEach(() => {
      for (const server of strangers) server.close();
      rmSync(folder, { recursive: true, force: true });
    });

    /** Says that name servers are wherever it likes, to whoever connects. */
    const plant = async (place: string): Promise<void> => {
      mkdirSync(place, { mode: 0o777 });
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', (data) => words.push(String(data)));
      });
      server.listen(join(place, 'broker.sock'));
      await once(server, 'listening');
      chmodSync(join(place, 'broker.sock'), 0o777);
      chmodSync(place, 0o777);
      strangers.push(server);
    };
    const asStranger = (
      args: readonly string[],
      env: NodeJS.ProcessEnv,
    ): Promise<{ exitCode: number | null; stderr: string }> => {
      const home = join(folder, 'home');
      mkdirSync(home, { recursive: true });
      chownSync(home, STRANGER, STRANGER);
      const child = spawn(process.execPath, [CLI, ...args], {
        env: { PATH: process.env['PATH'], HOME: home, TMPDIR: folder, ...env },
        ...{ uid: STRANGER, gid: STRANGER, cwd: '/' },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const deadline = setTimeout(() => child.kill('SIGKILL'), 20_000);
      let stderr = '';
      child.stderr.on('data', (data) => (stderr += String(data)));
      return once(child, 'close').then(([exitCode]) => {
        clearTimeout(deadline);
        return { exitCode: exitCode as number | null, stderr };
      });
    };

    it('is not talked to where XDG_RUNTIME_DIR is unset', async () => {
      await plant(join(folder, `epics-expose-${STRANGER}`));
      for (const args of [
        ['env', '--engine', 'unix:///nonexistent'],
        ['broker', 'status'],
      ]) {
        await asStranger(args, {});
      }
      assert.deepEqual(words, []);
    });

    it('is not talked to by any command, which says so', async () => {
      const theirs = join(folder, 'theirs');
      await plant(theirs);
      for (const args of [
        ...[['env'], ['status'], ['get', 'X'], ['exec', '--', 'true'], ['demo'], []],
        ...[
          ['broker', 'status'],
          ['broker', 'stop'],
          ['broker', 'restart'],
        ],
      ]) {
        const env = { EPICS_EXPOSE_BROKER_DIR: theirs };
        const { exitCode, stderr } = await asStranger(args, env);
        assert.equal(exitCode, 2, `${args.join(' ')}: ${stderr}`);
        assert.match(stderr, /^epics-expose: .*theirs belongs to another user \(uid 0\)/);
      }
      assert.deepEqual(words, []);
    });
  });

  it('has its program where the command looks for it', () => {
    assert.equal(join(CLI, '../broker.js'), BROKER);
  });
});

describe('isOlder', () => {
  it('compares numbers, not text', () => {
    assert.ok(isOlder('0.9.0', '0.10.0'));
    assert.ok(isOlder('1.2.3', '1.2.4'));
    assert.ok(!isOlder('1.2.3', '1.2.3'));
    assert.ok(!isOlder('2.0.0', '1.9.9'));
    assert.ok(!isOlder('unknown', '1.0.0'));
  });
});

interface Client {
  /** Resolves at the next update. */
  hasUpdate(): Promise<void>;
  readonly ended: string | undefined;
  close(): void;
}

/** A CA client on one TCP circuit that never connects again. */
async function openClient(local: { host: string; port: number }): Promise<Client> {
  let socket: Socket | undefined;
  let count = 0;
  let ended: string | undefined;
  const circuit = new SharedCircuit({
    protocol: 'ca',
    dial: async (signal) => (socket = await connectTcp(local, signal)),
    identity: { clientName: 'test', hostName: 'test' },
    clock: systemClock,
    onEnd: () => undefined,
  });
  const watch = circuit.watch('DEMO:BEAM:CURRENT', {
    onValue: () => count++,
    onStall: (reason) => (ended = reason),
    onEnd: (reason) => (ended = reason),
  });
  const hasUpdate = async (): Promise<void> => {
    const before = count;
    await until(() => count > before || ended !== undefined, 5000, 'an update');
  };
  await hasUpdate();
  return {
    hasUpdate,
    get ended() {
      return ended;
    },
    close() {
      watch.dispose();
      socket?.destroy();
    },
  };
}

function residentKb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
}

/** A program that listens as a broker of another time would: it says hello, makes room and ends. */
function otherBroker(socket: string, broker: object): string {
  return `const server = require('node:net').createServer((s) => {
    let text = '';
    s.on('error', () => undefined);
    s.on('data', (data) => {
      text += data;
      for (let m; (m = /^Content-Length: (\\d+)\\r\\n\\r\\n/.exec(text)); ) {
        const end = m[0].length + Number(m[1]);
        if (text.length < end) return;
        const { id, method } = JSON.parse(text.slice(m[0].length, end));
        text = text.slice(end);
        if (id === undefined) continue;
        if (method !== 'hello') server.close();
        const result = method === 'hello' ? { broker: ${JSON.stringify(broker)} } : null;
        const body = JSON.stringify({ jsonrpc: '2.0', id, result });
        s.write('Content-Length: ' + body.length + '\\r\\n\\r\\n' + body);
        if (method === 'stop') process.exit(0);
      }
    });
  }).listen(${JSON.stringify(socket)});`;
}
