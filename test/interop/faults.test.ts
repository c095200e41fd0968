/** What the doctor says of containers and IOCs that cannot be reached; its advice cures real clients. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { version as ownVersion } from '../../package.json';
import { formatEndpoint } from '../../src/model/endpoint';
import { tryEndpoints } from '../../src/node/findRefused';
import { caget, camonitor, type Get, p4pGet, p4pMonitor } from '../support/clients';
import { Brokers } from '../support/brokers';
import { epicsExpose, runProgram } from '../support/command';
import { CLI, Exposed } from '../support/exposed';
import { CONTAINER_FAULTS, type ContainerFault, lineOf } from '../support/faultTable';
import type { LabContainer } from '../support/lab/container';
import type { LabEngine } from '../support/lab/engine';
import { epicsFolder, iocFolder } from '../support/lab/image';
import { needsEngine } from '../support/lab/needs';
import { Scene } from '../support/scene';
import { until } from '../support/until';

/** What a client would see of the person's own settings is not under test. */
const clean = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^EPICS_(?!EXPOSE)/.test(name)),
);
/** No broadcast finds anything here. */
const quiet = { EPICS_CA_AUTO_ADDR_LIST: 'NO', EPICS_PVA_AUTO_ADDR_LIST: 'NO' };
/** What we tell clients to set. */
const SET_UP = {
  EPICS_CA_NAME_SERVERS: '127.0.0.1:5063',
  EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074',
};
const PV = 'X:TEMPERATURE';
const never = new AbortController().signal;
/** An ordinary user, who may use the socket of the engine and enter nothing. */
const NOBODY = 65_534;
/** Of clients that find nothing. */
const VAIN_MS = 1000;

type Settings = Record<string, string>;

describe('unreachable', () => {
  let lab: LabEngine;
  let brokers: Brokers;
  let folder: string;
  /** For all tests: an IOC that is well, and the command that exposes everything. */
  let base: Scene;
  let well: LabContainer;
  let scene: Scene;
  const tried = new Set<string>();

  before(async function () {
    this.timeout(180_000);
    lab = await needsEngine(this, 'docker');
    folder = mkdtempSync(join(tmpdir(), 'ee-faults-'));
    brokers = new Brokers();
    base = new Scene(lab);
    well = await base.ioc({ macros: 'P=WELL:', name: 'well' });
  });
  beforeEach(() => {
    scene = new Scene(lab);
  });
  afterEach(() => scene?.end());
  after(async () => {
    await base?.end();
    await brokers?.end();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  let exposed: Exposed;

  const doctor = async (words: readonly string[], settings: Settings): Promise<string[]> => {
    const env = { ...clean, ...ofBroker(brokers.env), ...quiet, ...settings };
    const given = words.includes('--engine') ? [] : ['--engine', lab.endpoint];
    const { stdout, stderr } = await epicsExpose(['doctor', ...given, ...words], { env });
    return `${stdout}${stderr}`.trim().split('\n');
  };

  /** Asks until the first line names the fault: it may take a while until that is there. */
  const names = async (
    fault: ContainerFault,
    words: readonly string[] = [PV],
    settings: Settings = SET_UP,
  ): Promise<string[]> => {
    tried.add(fault);
    const line = lineOf(CONTAINER_FAULTS[fault]);
    let lines: string[] = [];
    await until(
      async () => line.test((lines = await doctor(words, settings))[0] ?? ''),
      40_000,
      () => `${line}\n${lines.join('\n')}`,
    );
    return lines;
  };

  const readsNothing = async (get: Get, settings: Settings = SET_UP): Promise<void> => {
    const [result] = await get([PV], { ...quiet, ...settings }, VAIN_MS);
    assert.equal(result?.ok, false, JSON.stringify(result));
  };
  const reads = async (get: Get, settings: Settings = SET_UP, pv = PV): Promise<void> => {
    const [result] = await get([pv], { ...quiet, ...settings }, 15_000);
    assert.equal(result?.ok && result.value, 21.5, JSON.stringify(result));
  };
  /** Starts a softIoc with a script of lines, which `files` stand beside. */
  const scripted = (lines: readonly string[], name = 'ioc-a'): Promise<LabContainer> => {
    write(lines);
    const command = [`${epicsFolder}/bin/softIocCa`, '/work/st.cmd'];
    return scene.program(command, {
      name,
      binds: [`${folder}:/work`],
      tty: true,
      env: { IOC_NAME: name },
    });
  };
  const write = (lines: readonly string[]): void =>
    writeFileSync(join(folder, 'st.cmd'), `${lines.join('\n')}\n`);
  const LOAD = `dbLoadRecords("${iocFolder}/demo.db", "P=X:")`;

  function fault(title: ContainerFault, run: () => Promise<void>): void {
    it(title, function () {
      this.timeout(150_000);
      return run();
    });
  }

  fault('nothing is exposed', async () => {
    await readsNothing(p4pGet);
    await names('nothing is exposed', ['WELL:TEMPERATURE']);
  });

  describe('although it is exposed', () => {
    before(async function () {
      this.timeout(60_000);
      exposed = base.watch(Exposed.start(['--engine', lab.endpoint], { env: brokers.env }));
      await exposed.untilReachable('well', 2, 30_000);
    });

    it('nothing is wrong where nothing is', async function () {
      this.timeout(60_000);
      await reads(p4pGet, SET_UP, 'WELL:TEMPERATURE');
      const one = await doctor(['WELL:TEMPERATURE'], SET_UP);
      assert.match(one[0] ?? '', /^WELL:TEMPERATURE is reachable: 21\.50 C/);
      const rungs = one.filter((line) => line.startsWith('  '));
      assert.deepEqual(
        rungs.filter((line) => !/^ {2}(fine |not checked: its log$)/.test(line)),
        [],
      );
      const all = await doctor([], SET_UP);
      assert.match(all[0] ?? '', /^Nothing is wrong: \d+ PVs of 2 servers/);
    });

    fault('the engine is not running', async () => {
      await names('the engine is not running', ['--engine', `unix://${folder}/none.sock`, PV]);
    });

    fault('a container ended', async () => {
      const box = await scene.ioc({ macros: 'P=X:', ioc: 'softIocCa', name: 'ioc-a' });
      await exposed.untilReachable('ioc-a', 1, 30_000);
      await box.kill();
      const [, advice = ''] = await names('a container ended');
      await readsNothing(caget);
      const [, name = ''] = /\(docker start (\S+) or/.exec(advice) ?? [];
      await lab.cli('start', name);
      await reads(caget);
    });

    fault('a container restarts again and again', async () => {
      await scene.program(['sh', '-c', 'exit 3', 'st.cmd'], {
        ...{ name: 'ioc-a', restart: 'always', env: { IOC_NAME: 'ioc-a' } },
      });
      await names('a container restarts again and again');
    });

    fault('an IOC ended', async () => {
      const box = await scene.keeper({ name: 'ioc-a' });
      const ioc = await box.startIoc({ macros: 'P=X:' });
      await exposed.untilReachable('ioc-a', 2, 30_000);
      await ioc.kill();
      await names('an IOC ended');
      await readsNothing(caget);
      await box.startIoc({ macros: 'P=X:' });
      await Promise.all([reads(caget), reads(p4pGet)]);
    });

    fault('an IOC hangs before iocInit', async () => {
      const rest = ['iocInit', 'epicsThreadSleep(1000)'];
      const box = await scripted([
        'dbLoadRecords("nowhere.db")',
        'epicsThreadSleep(1000)',
        ...rest,
      ]);
      const [first = ''] = await names('an IOC hangs before iocInit');
      const told = await doctor([PV, '--log'], SET_UP);
      const log = told.slice(told.indexOf('the log of ioc-a ends:'));
      assert.ok(
        log.some((line) => line.includes('nowhere.db')),
        told.join('\n'),
      );
      assert.match(first, /nowhere\.db/);
      write([LOAD, ...rest]);
      await box.restart();
      await reads(caget);
    });

    fault('a program listens that is no IOC', async () => {
      const listen =
        'import socket,time;s=socket.socket();s.bind(("",5064));s.listen();time.sleep(1e5)';
      const box = await scene.program(['python3', '-c', listen], { name: 'ioc-a' });
      await names('a program listens that is no IOC');
      await readsNothing(caget);
      await box.remove();
      await scene.ioc({ macros: 'P=X:', ioc: 'softIocCa', name: 'ioc-a' });
      await reads(caget);
    });

    fault('a packet filter in the container', async () => {
      const box = await scene.keeper({ name: 'ioc-a' });
      const rule = ['INPUT', '-p', 'tcp', '--dport', '5064', '-j', 'DROP'];
      const pid = await box.pid();
      const filter = (action: string): unknown =>
        execFileSync('nsenter', ['-t', `${pid}`, '-n', 'iptables', action, ...rule]);
      filter('-A');
      await box.startIoc({ macros: 'P=X:', ioc: 'softIocCa' });
      const [, advice] = await names('a packet filter in the container');
      assert.match(advice ?? '', /iptables -L/);
      await readsNothing(caget);
      filter('-D');
      await reads(caget);
    });

    fault('access security denies reading', async () => {
      const rules = (of: string): void =>
        writeFileSync(join(folder, 'rules'), `ASG(DEFAULT) { RULE(1, ${of}) }\n`);
      rules('NONE');
      const box = await scripted([
        'asSetFilename("/work/rules")',
        LOAD,
        'iocInit',
        'epicsThreadSleep(1000)',
      ]);
      await names('access security denies reading');
      await readsNothing(caget);
      rules('READ');
      await box.restart();
      await reads(caget);
    });

    fault('the other protocol', async () => {
      await scene.ioc({ macros: 'P=X:', ioc: 'softIocCa', name: 'ioc-a' });
      const [, advice] = await names('the other protocol', [`pva://${PV}`]);
      await readsNothing(p4pGet);
      assert.match(advice ?? '', /Read it over Channel Access/);
      await reads(caget);
    });

    fault('a record that was never processed', async () => {
      writeFileSync(join(folder, 'never.db'), 'record(ai, "X:NEVER") {}\n');
      await scripted(['dbLoadRecords("/work/never.db")', 'iocInit', 'epicsThreadSleep(1000)']);
      await names('a record that was never processed', ['X:NEVER']);
    });

    fault('a record that came after the IOC', async () => {
      const db = (record: string): void =>
        writeFileSync(join(folder, 'own.db'), `record(ai, "X:OLD") {}\n${record}`);
      db('');
      const lines = ['dbLoadRecords("/work/own.db")', LOAD, 'iocInit', 'epicsThreadSleep(1000)'];
      const box = await scripted(lines);
      await reads(caget);
      db('record(ai, "X:NEW") { field(VAL, "21.5") field(PINI, "YES") }\n');
      await names('a record that came after the IOC', ['X:NEW']);
      // Who reads the files first after that knows its name, and that the IOC has it not.
      const alone = { ...clean, EPICS_EXPOSE_BROKER: 'off' };
      const words = ['doctor', '--engine', lab.endpoint, 'X:NEW'];
      const { stdout } = await epicsExpose(words, { env: alone });
      const [first = ''] = stdout.split('\n');
      assert.match(first, lineOf(CONTAINER_FAULTS['a record that came after the IOC']));
      assert.match(stdout, /^ {2}broken +channel/m);
      await box.restart();
      await reads(caget, SET_UP, 'X:NEW');
    });

    fault('the same PVs twice', async () => {
      await scene.ioc({ macros: 'P=X:', ioc: 'softIocCa', name: 'ioc-a' });
      const second = await scene.ioc({ macros: 'P=X:', ioc: 'softIocCa', name: 'ioc-b' });
      await names('the same PVs twice');
      await names('the same PVs twice', []);
      await second.stop();
      await reads(caget);
    });

    fault('an IOC on this machine has the port of searches', async () => {
      const here = { EPICS_CA_ADDR_LIST: '127.0.0.1', EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074' };
      await reads(caget, here, 'WELL:TEMPERATURE');
      await scene.ioc({ macros: 'P=X:', ioc: 'softIocCa', name: 'ioc-a', network: 'host' });
      await names('an IOC on this machine has the port of searches', ['WELL:TEMPERATURE'], here);
      await reads(caget, SET_UP, 'WELL:TEMPERATURE');
    });

    fault('a published port that leads nowhere', async () => {
      const settings = { ...SET_UP, EPICS_CA_NAME_SERVERS: '127.0.0.9:5064' };
      await scene.ioc({
        ...{ macros: 'P=X:', ioc: 'softIocCa', name: 'ioc-a', isLoopbackOnly: true },
        publish: ['127.0.0.9:5064:5064'],
      });
      const [, advice] = await names('a published port that leads nowhere', [PV], settings);
      await readsNothing(caget, settings);
      await reads(caget, { ...settings, EPICS_CA_NAME_SERVERS: written(advice) });
    });

    fault('a published port of another number', async () => {
      const settings = { ...SET_UP, EPICS_PVA_NAME_SERVERS: '127.0.0.1:8075' };
      await scene.ioc({ macros: 'P=X:', name: 'ioc-a', publish: ['127.0.0.1:8075:5075'] });
      const words = [`pva://${PV}`];
      const [, advice] = await names('a published port of another number', words, settings);
      await readsNothing(p4pGet, settings);
      await reads(p4pGet, { ...settings, EPICS_PVA_NAME_SERVERS: written(advice) });
    });

    fault('an address that the container has not', async () => {
      const start = (env: Settings): Promise<LabContainer> =>
        scene.program(
          [`${epicsFolder}/bin/softIocCa`, '-m', 'P=X:', '-d', `${iocFolder}/demo.db`],
          {
            ...{ name: 'ioc-a', env, tty: true },
          },
        );
      const box = await start({ EPICS_CAS_INTF_ADDR_LIST: '10.99.99.99' });
      const [, advice] = await names('an address that the container has not');
      assert.match(advice ?? '', /Leave EPICS_CAS_INTF_ADDR_LIST out/);
      await box.remove();
      await start({});
      await reads(caget);
    });

    fault('an IOC ignores this machine', async () => {
      const here = { EPICS_CA_ADDR_LIST: '127.0.0.1', EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074' };
      await scene.ioc({
        ...{ macros: 'P=X:', ioc: 'softIocCa', name: 'ioc-a', network: 'host' },
        env: { EPICS_CAS_IGNORE_ADDR_LIST: '127.0.0.1' },
      });
      const [, advice = ''] = await names('an IOC ignores this machine', [PV], here);
      await readsNothing(caget, here);
      const [, name = '', value = ''] = /Set (\w+)="([^"]+)"/.exec(advice) ?? [];
      await reads(caget, { [name]: value });
    });

    const leading: readonly [string, Parameters<Scene['ioc']>[0], Settings][] = [
      [
        'its published port',
        { publish: ['127.0.0.1:9064:5064'] },
        { EPICS_CA_NAME_SERVERS: '127.0.0.1:9064' },
      ],
      [
        'searches at its published port',
        { publish: ['5064:5064', '5064:5064/udp'] },
        { EPICS_CA_ADDR_LIST: '127.0.0.1' },
      ],
      [
        'its own port on this machine',
        { network: 'host', env: { EPICS_CAS_SERVER_PORT: '6999' } },
        { EPICS_CA_ADDR_LIST: '127.0.0.1', EPICS_CA_SERVER_PORT: '6999' },
      ],
    ];
    for (const [title, place, settings] of leading) {
      it(`is nothing that ${title} leads to`, async function () {
        this.timeout(90_000);
        await scene.ioc({ macros: 'P=X:', ioc: 'softIocCa', name: 'ioc-a', ...place });
        await reads(caget, settings);
        const words = ['--client', 'caget', PV];
        let lines: string[] = [];
        await until(
          async () =>
            /is reachable/.test((lines = await doctor(words, { ...quiet, ...settings }))[0] ?? ''),
          20_000,
          () => lines.join('\n'),
        );
      });
    }

    fault('the gateway is published elsewhere', async () => {
      await scene.ioc({
        ...{ ioc: 'pvagw', name: 'gateway', behind: await well.address() },
        publish: ['127.0.0.1:5105:5075', '127.0.0.1:5095:5095'],
      });
      const file = join(folder, 'environment.sh');
      writeFileSync(file, 'export EPICS_PVA_NAME_SERVERS=127.0.0.1:5095\n');
      const words = ['--env-from', file, '--client', 'p4p', 'WELL:TEMPERATURE'];
      const [, advice] = await names('the gateway is published elsewhere', words);
      const settings = { EPICS_PVA_NAME_SERVERS: written(advice) };
      await reads(p4pGet, settings, 'WELL:TEMPERATURE');
    });

    /** At 127.0.0.7:5364, until the test ends. */
    const socat = async (to: string): Promise<Settings> => {
      const child = spawn('socat', ['TCP-LISTEN:5364,bind=127.0.0.7,fork,reuseaddr', to], {
        stdio: 'ignore',
      });
      const ended = once(child, 'exit');
      scene.atEnd(async () => {
        child.kill();
        await ended;
      });
      const endpoint = { host: '127.0.0.7', port: 5364 };
      const tried = (): Promise<ReadonlyMap<string, string>> => tryEndpoints([endpoint], never);
      await until(async () => (await tried()).get('127.0.0.7:5364') !== 'refuses', 5000, 'socat');
      return { ...SET_UP, EPICS_CA_NAME_SERVERS: '127.0.0.7:5364' };
    };

    fault('a forwarder that leads to another IOC', async () => {
      await scene.ioc({ macros: 'P=X:', ioc: 'softIocCa', name: 'ioc-a' });
      const settings = await socat(`TCP:${await well.address()}:5064`);
      const [, advice] = await names('a forwarder that leads to another IOC', [PV], settings);
      await readsNothing(caget, settings);
      // What it leads to is found there.
      await reads(caget, settings, 'WELL:TEMPERATURE');
      assert.match((await doctor(['WELL:TEMPERATURE'], settings))[0] ?? '', /is reachable/);
      await reads(caget, { ...settings, EPICS_CA_NAME_SERVERS: written(advice) });
    });

    fault('a stranger that says nothing', async () => {
      const settings = await socat('SYSTEM:sleep 100');
      const pv = 'WELL:TEMPERATURE';
      const [, advice] = await names('a stranger that says nothing', [pv], settings);
      await reads(caget, { ...settings, EPICS_CA_NAME_SERVERS: written(advice) }, pv);
    });

    it('knows a relay of ours, which answers for every IOC', async function () {
      this.timeout(60_000);
      const settings = { ...SET_UP, EPICS_CA_NAME_SERVERS: '127.0.0.1:5064' };
      await scene.ioc({ macros: 'P=X:', ioc: 'softIocCa', name: 'ioc-a' });
      await reads(caget, settings);
      assert.match((await doctor([PV], settings))[0] ?? '', /is reachable/);
    });

    it('an engine of another user', async function () {
      this.timeout(180_000);
      const theirs = new Scene(await needsEngine(this, 'rootless'));
      try {
        await theirs.ioc({ macros: 'P=X:', ioc: 'softIocCa' });
        const [, advice] = await names('an engine of another user', ['--container', 'well', PV]);
        assert.match(advice ?? '', /^ *Run as exlab\d+, or name the engine with --engine/);
        await readsNothing(caget);
        const command = theirs.watch(
          Exposed.start(['--engine', theirs.engine.endpoint], { env: brokers.env }),
        );
        await command.until(() => command.snapshot.isSettled, 30_000, 'their engine');
        await reads(caget);
      } finally {
        await theirs.end();
      }
    });

    fault('a client that is told another name', async () => {
      const words = ['--container', 'well'];
      const waiting = p4pMonitor(['WELL:TEMPRATURE'], { ...quiet, ...SET_UP });
      tried.add('a client that is told another name');
      const line = lineOf(CONTAINER_FAULTS['a client that is told another name']);
      // Clients of the tests before are told for a minute, too.
      let first = '';
      await until(
        async () =>
          (first = (await doctor(words, SET_UP)).find((one) => line.test(one)) ?? '') !== '',
        20_000,
        () => String(line),
      ).finally(() => waiting.close());
      assert.match(first, /^python\S* p4pMonitor\.py/);
      const [, meant = ''] = /the nearest is (\S+) /.exec(first) ?? [];
      await reads(p4pGet, SET_UP, meant);
      // Searches by UDP have a sender, too.
      const here = { EPICS_CA_ADDR_LIST: '127.0.0.1' };
      const byUdp = camonitor(['WELL:TEMPERATUR'], { ...quiet, ...here });
      let lines: string[] = [];
      await until(
        async () =>
          (lines = await doctor(words, SET_UP)).some((line) =>
            /^python\S* camonitor\.py \(pid \d+\) searches for WELL:TEMPERATUR,/.test(line),
          ),
        20_000,
        () => lines.join('\n'),
      ).finally(() => byUdp.close());
    });

    fault('an IOC hangs', async () => {
      // Names of its own: those of former IOCs are kept for them.
      const pv = 'HANGS:TEMPERATURE';
      const options = { macros: 'P=HANGS:', name: 'ioc-a' };
      const box = await scene.ioc({ ...options, image: 'py-ioc', ioc: 'caproto' });
      await reads(caget, SET_UP, pv);
      const pid = await box.pid();
      process.kill(pid, 'SIGUSR1');
      try {
        await names('an IOC hangs', [pv]);
      } finally {
        process.kill(pid, 'SIGUSR2');
      }
      const isBack = (): boolean => exposed.server('ioc-a', 'ca').problem === undefined;
      await exposed.until(isBack, 40_000, 'its circuit');
      await reads(caget, SET_UP, pv);
    });

    fault('an IOC is suspended', async () => {
      const box = await scene.ioc({ macros: 'P=X:', ioc: 'softIocCa', name: 'ioc-a' });
      await exposed.untilReachable('ioc-a', 1, 30_000);
      process.kill(await box.pid(), 'SIGSTOP');
      const [, advice = ''] = await names('an IOC is suspended');
      const [, pid = ''] = /kill -CONT (\d+) in its container/.exec(advice) ?? [];
      await box.exec(['sh', '-c', `kill -CONT ${pid}`]);
      await reads(caget);
    });

    fault('the relays stand still', async () => {
      await scene.ioc({ macros: 'P=X:', ioc: 'softIocCa', name: 'ioc-a' });
      await reads(caget);
      process.kill(exposed.pid, 'SIGSTOP');
      try {
        const [, advice = ''] = await names('the relays stand still');
        await readsNothing(caget);
        const [, pid = ''] = /kill -CONT (\d+)/.exec(advice) ?? [];
        assert.equal(pid, `${exposed.pid}`);
        await runProgram('kill', ['-CONT', pid], {});
        await reads(caget);
      } finally {
        process.kill(exposed.pid, 'SIGCONT');
      }
    });

    fault('no way into the container', async () => {
      const box = await scene.ioc({
        ...{ macros: 'P=X:', ioc: 'softIocCa', name: 'ioc-a' },
        ...{ image: 'bare-ioc', network: 'none' },
      });
      const socket = lab.endpoint.slice('unix://'.length);
      chownSync(socket, 0, NOBODY);
      try {
        tried.add('no way into the container');
        for (const file of ['cli.js', 'agent.js', 'agent.py', 'carrier.js']) {
          copyFileSync(join(dirname(CLI), file), join(folder, file));
        }
        chmodSync(folder, 0o755);
        const words = ['doctor', '--engine', lab.endpoint, '-c', box.name, PV];
        const { stdout } = await runProgram(
          'setpriv',
          [
            ...['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups'],
            ...[process.execPath, join(folder, 'cli.js'), ...words],
          ],
          { env: { PATH: process.env['PATH'], HOME: '/tmp', EPICS_EXPOSE_BROKER: 'off' } },
        );
        assert.match(stdout, lineOf(CONTAINER_FAULTS['no way into the container']));
      } finally {
        chownSync(socket, 0, 0);
      }
    });

    /** What keeps nobody from a PV stands at the end. */
    const notes = async (
      title: ContainerFault,
      command: Exposed,
      env: NodeJS.ProcessEnv,
    ): Promise<void> => {
      tried.add(title);
      const { ca, pva } = command.snapshot.nameServers ?? {};
      assert.ok(ca && pva);
      const lines = await doctor(['WELL:TEMPERATURE'], {
        EPICS_CA_NAME_SERVERS: formatEndpoint(ca),
        EPICS_PVA_NAME_SERVERS: formatEndpoint(pva),
        ...ofBroker(env),
      });
      assert.match(lines[0] ?? '', /is reachable/);
      const line = lineOf(CONTAINER_FAULTS[title]);
      assert.ok(
        lines.some((one) => line.test(one)),
        lines.join('\n'),
      );
    };

    fault('front ends that search differently', async () => {
      const words = ['--engine', lab.endpoint, '--search', 'thishost'];
      const other = scene.watch(Exposed.start(words, { env: brokers.env }));
      await other.until(() => other.snapshot.isSettled, 30_000, 'another front end');
      await notes('front ends that search differently', other, brokers.env);
    });

    fault('front ends that want other addresses told', async () => {
      const words = ['--engine', lab.endpoint, '--answers'];
      for (const answers of ['direct', 'relay']) {
        const other = scene.watch(Exposed.start([...words, answers], { env: brokers.env }));
        await other.until(() => other.snapshot.isSettled, 30_000, 'another front end');
        if (answers === 'direct') continue;
        await notes('front ends that want other addresses told', other, brokers.env);
      }
    });

    fault('a background process of another version', async () => {
      for (const file of ['cli.js', 'agent.js', 'agent.py']) {
        const text = readFileSync(join(dirname(CLI), file), 'utf8');
        const bundled = `version = "${ownVersion}"`;
        writeFileSync(join(folder, file), text.replaceAll(bundled, 'version = "0.0.1"'));
      }
      const others = new Brokers();
      scene.atEnd(() => others.end());
      const cli = join(folder, 'cli.js');
      const command = Exposed.start(['--engine', lab.endpoint], { env: others.env, cli });
      try {
        await command.untilReachable('well', 2, 30_000);
        await notes('a background process of another version', command, others.env);
      } finally {
        await command.stop();
      }
    });

    it('is tried in every way that docs/doctor.md lists', function () {
      if (tried.size > 0) assert.deepEqual([...tried].sort(), Object.keys(CONTAINER_FAULTS).sort());
    });
  });
});

/** What the doctor says to write in place of an entry. */
function written(advice = ''): string {
  const [, entry = ''] = /^ *Write (\S+)/.exec(advice) ?? [];
  return entry;
}

/** Where the broker is. */
function ofBroker(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => name.startsWith('EPICS_EXPOSE')),
  );
}
