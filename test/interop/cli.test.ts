/** The command as a person and a script meet it: words in, text and exit codes out. */
import assert from 'node:assert/strict';
import {
  clientEnvironment as clientVariables,
  serversOf,
} from '../../src/present/clientEnvironment';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { version } from '../../package.json';
import type { Snapshot } from '../../src/model/snapshot';
import { Brokers } from '../support/brokers';
import { type ClientResult, missingForClients } from '../support/clients';
import { epicsExpose, runProgram } from '../support/command';
import { CLI, Exposed } from '../support/exposed';
import type { LabContainer } from '../support/lab/container';
import type { LabEngine } from '../support/lab/engine';
import { needsEngine } from '../support/lab/needs';
import { exposedServers, Scene } from '../support/scene';
import { skip } from '../support/skip';
import { until } from '../support/until';

const python = resolve('.cache/venv/bin/python');
const cagetScript = resolve('test/support/clients/caget.py');
const p4pScript = resolve('test/support/clients/p4pGet.py');
const nothingFound = 'unix:///nonexistent/engine.sock';

/** No message of ours is a stack trace. */
const STACK = /\n\s+at |node:internal|Error:/;

/** What a client would see of the person's own settings is not under test. */
const cleanEnvironment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('EPICS_')),
);
const clientEnvironment = {
  ...cleanEnvironment,
  EPICS_CA_AUTO_ADDR_LIST: 'NO',
  EPICS_PVA_AUTO_ADDR_LIST: 'NO',
};

/** Channel Access as far as VERSION and ECHO, without being asked too. */
const MUTE_SERVER = `
require('net').createServer((socket) => {
  socket.on('error', () => 0);
  const message = (command, count) => {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt16BE(command, 0);
    bytes.writeUInt16BE(count, 6);
    if (!socket.destroyed) socket.write(bytes);
  };
  message(0, 13);
  const greeting = setInterval(() => message(23, 0), 500);
  socket.on('close', () => clearInterval(greeting));
  socket.on('data', (bytes) => {
    for (let at = 0; at + 16 <= bytes.length; at += 16 + bytes.readUInt16BE(at + 2))
      if (bytes.readUInt16BE(at) === 23) message(23, 0);
  });
}).listen(5064);`;

describe('command line', () => {
  it('--version and --help', async () => {
    for (const word of ['--version', '-V']) {
      const { exitCode, stdout, stderr } = await epicsExpose([word]);
      assert.deepEqual(
        { exitCode, stdout, stderr },
        { exitCode: 0, stdout: `${version}\n`, stderr: '' },
      );
    }
    for (const words of [['--help'], ['-h'], ['help']]) {
      const { exitCode, stdout, stderr } = await epicsExpose(words);
      assert.equal(exitCode, 0);
      assert.equal(stderr, '');
      for (const command of ['expose', 'status', 'pvs', 'get', 'env', 'exec', 'demo']) {
        assert.match(stdout, new RegExp(`^  ${command} `, 'm'));
      }
      assert.match(stdout, /Exit codes: 0 /);
    }
    assert.match((await epicsExpose(['get', '--help'])).stdout, /--engine <uri>/);
    const { stdout: ofAll } = await epicsExpose(['--help']);
    const { stdout: ofOne } = await epicsExpose(['status', '--help']);
    for (const [option] of ofOne.matchAll(/--(?!help)[a-z]+(?= )/g)) {
      assert.ok(ofAll.includes(option), `${option} is not in --help`);
    }
  });

  const mistakes: [string[], RegExp][] = [
    [['stauts'], /no command "stauts"\. Did you mean "status"\?/],
    [['--engine', 'foo://bar', 'status'], /"foo:\/\/bar" is no engine address/],
    [['env', '--shell', 'rc'], /One of: bash, fish/],
    [['get'], /missing required argument/],
    [['exec'], /missing required argument/],
    [['--nonsense'], /unknown option/],
    [['-x', 'leftout', '--engine', 'foo://bar'], /"foo:\/\/bar" is no engine address/],
    [['-x', 'leftout', 'get'], /missing required argument/],
    [['status', '--label', '=x'], /--label =x: write KEY=VALUE/],
    [
      ['status', '--workspace', '/nonexistent'],
      /--workspace \/nonexistent: there is no such folder/,
    ],
    [['get', 'ca://'], /"ca:\/\/" is not a PV: write NAME, ca:\/\/NAME or pva:\/\/NAME/],
    [['get', 'http://X'], /"http:\/\/X" is not a PV/],
  ];
  for (const [words, message] of mistakes) {
    it(`says what is wrong with "${words.join(' ')}"`, async () => {
      const { exitCode, stdout, stderr } = await epicsExpose(words);
      assert.equal(exitCode, 2);
      assert.equal(stdout, '');
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, STACK);
    });
  }

  for (const words of [['status'], ['pvs'], ['get', 'X'], ['env'], ['exec', '--', 'true']]) {
    it(`${words[0]} without an engine`, async () => {
      const [command = '', ...rest] = words;
      const { exitCode, stdout, stderr } = await epicsExpose([
        command,
        '--engine',
        nothingFound,
        ...rest,
      ]);
      assert.equal(exitCode, 3);
      assert.equal(stdout, '');
      assert.match(stderr, /no \/nonexistent\/engine\.sock\. Start it/);
      assert.doesNotMatch(stderr, STACK);
    });
  }

  describe('demo', () => {
    before(function () {
      const missing = missingForClients();
      if (missing) skip(this, missing, 'iocs');
    });

    for (const words of [['--demo-when-empty', '--engine', nothingFound], ['demo']]) {
      it(`${words[0]}: all PVs reachable, and read by real clients`, async () => {
        const home = mkdtempSync(join(tmpdir(), 'epics-expose-home-'));
        const exposed = Exposed.start(words, { env: { ...cleanEnvironment, HOME: home } });
        try {
          await exposed.untilReachable('demo', 2);
          for (const server of exposed.iocs('demo').flatMap((ioc) => ioc.servers)) {
            assert.deepEqual(server.pvs, { total: 12, reachable: 12, pending: 0 });
          }
          const [ca, pva] = await exposed.read('DEMO:TEMPERATURE');
          for (const value of [ca, pva]) assert.ok(Number(value) >= 18 && Number(value) <= 26);
        } finally {
          assert.equal(await exposed.stop(), 0);
          rmSync(home, { recursive: true, force: true });
        }
      });
    }

    it('as people see it', async () => {
      const { exitCode, stdout } = await epicsExpose(['demo'], {
        signal: { name: 'SIGINT', after: 'Ctrl-C to stop' },
      });
      assert.equal(exitCode, 0);
      assert.equal(stdout.match(/12 of 12 reachable/g)?.length, 2);
      assert.match(stdout, /^export EPICS_CA_NAME_SERVERS=127\.0\.0\.1:\d*5063$/m);

      assert.doesNotMatch(stdout, /\u001b/, 'no colours outside a terminal');
    });
  });

  describe('with an IOC', () => {
    let lab: LabEngine;
    let scene: Scene;
    let ioc: LabContainer;
    let idle: LabContainer;
    let chosen: string[];
    let exposed: Exposed;

    before(async function () {
      this.timeout(180_000);
      lab = await needsEngine(this, 'docker');
      scene = new Scene(lab);
      ioc = await scene.ioc({ macros: 'P=CLI:', name: 'cli-test-ioc' });
      idle = await scene.keeper({ name: 'cli-test-idle' });
      chosen = ['--engine', lab.endpoint, '--container', ioc.name];
      exposed = scene.expose([ioc]);
      await exposedServers(exposed, ioc.name, 2);
    });
    after(() => scene?.end());

    const run = (command: string, ...rest: string[]) =>
      epicsExpose([command, ...chosen, ...rest], { env: clientEnvironment });

    it('a container that is not there, with names that are near', async () => {
      const words = ['status', '--engine', lab.endpoint, '--container', 'cli-tset-ioc'];
      const { exitCode, stdout, stderr } = await epicsExpose(words);
      assert.equal(exitCode, 2);
      assert.equal(stdout, '');
      assert.match(
        stderr,
        /no running container is called "cli-tset-ioc"; if it is stopped, start it\. Did you mean cli-test-ioc\b/,
      );
      assert.doesNotMatch(stderr, STACK);
    });

    it('a container to leave out that is not there is said, and no mistake', async () => {
      const box = ['--engine', lab.endpoint, '--container', 'cli-test-ioc'];
      const wrong = await epicsExpose([...box, '--except', 'cli-tset-x', 'status']);
      assert.equal(wrong.exitCode, 0);
      assert.match(wrong.stdout, /cli-test-ioc/);
      assert.match(
        wrong.stderr,
        /no running container is called "cli-tset-x", which is left out\. .*Running: .*cli-test-ioc/,
      );
      const right = await epicsExpose(['-x', 'cli-test-ioc', 'status', '--engine', lab.endpoint]);
      assert.doesNotMatch(`${right.stdout}${right.stderr}`, /cli-test-ioc/);
    });

    it('a container without an IOC', async () => {
      for (const command of [['status'], ['pvs'], ['get', 'X'], ['env'], ['exec', '--', 'true']]) {
        const [name = '', ...rest] = command;
        const words = [name, '--engine', lab.endpoint, '--container', idle.name, ...rest];
        const { exitCode, stdout, stderr } = await epicsExpose(words);
        assert.deepEqual({ name, exitCode, stdout }, { name, exitCode: 4, stdout: '' });
        assert.match(stderr, /No IOC listens in the 1 running container/);
      }
    });

    it('status: a table, and JSON with nothing else on stdout', async () => {
      const table = await run('status');
      assert.equal(table.exitCode, 0, table.stderr);
      assert.match(table.stdout, /^CONTAINER +IOC +SERVER +ON THIS MACHINE +PVS$/m);
      assert.match(table.stdout, /^cli-test-ioc .*CA .*:5064 .*10 of 10 reachable$/m);
      assert.equal(table.stderr, '');
      const { exitCode, stdout, stderr } = await run('status', '--json', '--verbose');
      assert.equal(exitCode, 0);
      const state = JSON.parse(stdout) as Snapshot & { environment: Record<string, string> };
      assert.deepEqual(Object.keys(state).sort(), [
        'containers',
        'engines',
        'environment',
        'isSettled',
        'schemaVersion',
        'unknownNames',
      ]);
      assert.equal(state.engines[0]?.status, 'connected');
      const [container] = state.containers;
      assert.equal(container?.name, ioc.name);
      assert.deepEqual(
        container.iocs[0]?.servers.map(({ protocol, status, pvs }) => [protocol, status, pvs]),
        ['ca', 'pva'].map((protocol) => [
          protocol,
          'shared',
          { total: 10, reachable: 10, pending: 0 },
        ]),
      );
      assert.deepEqual(state.environment, clientVariables(serversOf(exposed.model)));
      assert.match(stderr, /^\S+Z (debug|info)/m);
    });

    it('pvs: patterns, columns, JSON lines', async () => {
      const { exitCode, stdout } = await run('pvs', 'CLI:*T');
      assert.equal(exitCode, 0);
      assert.deepEqual(
        stdout
          .trim()
          .split('\n')
          .map((line) => line.split('\t').slice(0, 3).join(' '))
          .sort(),
        ['COUNT', 'SETPOINT', 'T']
          .flatMap((name) => [`CLI:${name} ca reachable`, `CLI:${name} pva reachable`])
          .sort(),
      );
      const all = await run('pvs', '--json');
      const rows = all.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object);
      assert.equal(rows.length, 20);
      assert.deepEqual(Object.keys(rows[0] ?? {}), [
        'name',
        'protocol',
        'state',
        'ioc',
        'container',
        'source',
      ]);
      const none = await run('pvs', 'NOPE?');
      assert.deepEqual([none.exitCode, none.stdout], [4, '']);
      assert.match(none.stderr, /No PV matches "NOPE\?"/);
    });

    it('pvs ends quietly when its reader does', async () => {
      const line = `node '${CLI}' pvs --engine '${lab.endpoint}' -c ${ioc.name} | head -n 1`;
      const { exitCode, stdout, stderr } = await runProgram('sh', ['-c', line]);
      assert.equal(exitCode, 0);
      assert.match(stdout, /^CLI:\w+\t/);
      assert.equal(stderr, '');
    });

    const readings: [string, RegExp][] = [
      ['TEMPERATURE', /^21\.50 C {2}NO_ALARM {2}20\d\d-\d\d-\d\dT[\d:]+\.\d{9}Z$/],
      ['MODE', /^Run {2}NO_ALARM {2}/],
      ['SHOTS', /^-7 {2}NO_ALARM {2}/],
      ['OPERATOR', /^Ada Lovelace {2}NO_ALARM {2}/],
      ['SPECTRUM', /^\[0, 1\.5, 3, 4\.5, 6, 7\.5, 9, 10\.5\] V {2}INVALID UDF {2}no time stamp$/],
      [
        'PATH',
        /^\/data\/2026\/run-17 with a name that is longer than forty characters \(u?byte\[67\], 67 bytes\) {2}INVALID UDF/,
      ],
      // No list has the names of fields.
      ['TEMPERATURE.DESC', /^Temperature of the sample {2}NO_ALARM {2}/],
      ['TEMPERATURE.DESC$', /^Temperature of the sample {2}NO_ALARM {2}/],
    ];
    it('get: scalars, enum, text, waveform, alarm, over both protocols', async () => {
      const { exitCode, stdout } = await run('get', ...readings.map(([name]) => `CLI:${name}`));
      assert.equal(exitCode, 0);
      const lines = stdout.trim().split('\n');
      assert.equal(lines.length, 2 * readings.length);
      for (const [name, expected] of readings) {
        for (const protocol of ['ca', 'pva']) {
          const cells = lines.map((line) => line.split(/ {2,}/));
          const line = cells.find((row) => row[0] === `CLI:${name}` && row[1] === protocol) ?? [];
          assert.match(line.slice(2).join('  '), expected, lines.join('\n'));
        }
      }
    });

    it('get: parts of a structure', async () => {
      const parts = {
        'CLI:TEMPERATURE/valueAlarm/highWarningLimit': 80,
        'CLI:TEMPERATURE/display/units': 'C',
        'CLI:TEMPERATURE/display.units': 'C',
        'CLI:TEMPERATURE/alarm/severity': 0,
        'CLI:TEMPERATURE?request=field(alarm.severity)': 0,
        'CLI:TEMPERATURE?request=field(value)': 21.5,
        'CLI:MODE/value.index': 1,
        'CLI:SPECTRUM/value[3]': 4.5,
        'CLI:SPECTRUM[3]': 4.5,
      };
      for (const [name, value] of Object.entries(parts)) {
        const json = await run('get', '--json', `pva://${name}`);
        const { reading, ...request } = JSON.parse(json.stdout) as Record<string, unknown>;
        assert.deepEqual(request, { name, protocol: 'pva', isEither: false });
        assert.equal((reading as { value: unknown }).value, value, json.stdout);
      }
      const hostless = await run('get', 'pva:///CLI:SHOTS');
      assert.match(hostless.stdout, /^CLI:SHOTS {2}pva {2}-7 /);
      const beyond = await run('get', 'pva://CLI:SPECTRUM/value[8]');
      assert.match(beyond.stderr, /CLI:SPECTRUM has no part value\[8\]/);
      const none = await run('get', 'pva://CLI:TEMPERATURE/valueAlarm/nothing');
      assert.match(none.stderr, /CLI:TEMPERATURE has no part valueAlarm\/nothing/);
      const unknown = await run('get', 'pva://NOPE/value');
      assert.equal(unknown.exitCode, 4);
    });

    it('get: one protocol, JSON, and PVs that are not there', async () => {
      const json = await run('get', '--json', 'pva://CLI:MODE');
      const { reading, ...request } = JSON.parse(json.stdout) as Record<string, unknown>;
      assert.deepEqual(request, { name: 'CLI:MODE', protocol: 'pva', isEither: false });
      assert.equal((reading as { value: unknown }).value, 'Run');
      const none = await run('get', 'NOPE');
      assert.deepEqual([none.exitCode, none.stdout], [4, '']);
      assert.match(none.stderr, /NOPE ca: no IOC here serves it over Channel Access/);
      const some = await run('get', 'ca://CLI:SHOTS', 'ca://NOPE');
      assert.equal(some.exitCode, 5);
      assert.match(some.stdout, /^CLI:SHOTS {2}ca {2}-7 /);
      const many = await run('get', ...Array.from({ length: 20 }, () => 'CLI:SHOTS'), 'NOPE');
      assert.match(many.stderr, /^NOPE ca: .*\nNOPE pva: [^\n]*\n$/, 'and no warning of Node');
    });

    for (const kind of ['softIocCa', 'softIocPva', 'softIocPvx'] as const) {
      it(`get: strings of more than 39 characters, from ${kind}`, async () => {
        const box = await scene.keeper({ name: `cli-test-long-${kind.toLowerCase()}` });
        const link = 'LONG:SOME-RECORD-WITH-A-NAME-OF-MANY-LETTERS.VAL CPP MS';
        const texts = { DESC: 'x'.repeat(40), INP: link, EGU: 'y'.repeat(15) };
        const fields = Object.entries(texts).map(([field, text]) => `field(${field}, "${text}")`);
        const records = `record(ai, "LONG:AI") { ${fields.join(' ')} }
record(stringin, "LONG:FULL") { field(VAL, "${'z'.repeat(39)}") field(PINI, "YES") }`;
        await box.exec(['sh', '-c', `cat >/tmp/long.db <<'END'\n${records}\nEND`]);
        await box.startIoc({ ioc: kind, db: ['/tmp/long.db'] });
        const words = ['--engine', lab.endpoint, '--container', box.name];
        await until(
          async () => (await epicsExpose(['status', ...words])).exitCode !== 4,
          10_000,
          'the IOC',
        );
        const all = { ...texts, 'LONG:FULL': 'z'.repeat(39) };
        const names = Object.keys(all).map((at) => (at.includes(':') ? at : `LONG:AI.${at}`));
        const { stdout, stderr } = await epicsExpose(['get', ...words, '--json', ...names]);
        const values = new Map<string, unknown[]>();
        for (const line of stdout.trim().split('\n')) {
          const { name, reading } = JSON.parse(line) as {
            name: string;
            reading: { value: unknown; isMaybeCut?: true };
          };
          assert.equal(reading.isMaybeCut, undefined);
          values.set(name, [...(values.get(name) ?? []), reading.value]);
        }
        const count = kind === 'softIocCa' ? 1 : 2;
        const expected = names.map((name, at) => [
          name,
          new Array<unknown>(count).fill(Object.values(all)[at]),
        ]);
        assert.deepEqual([...values], expected, stderr);
      });
    }

    it('get: what JSON has no number for', async () => {
      const box = await scene.keeper({ name: 'cli-test-odd' });
      const records = [
        'record(int64in, "ODD:I64") { field(VAL, "9223372036854775807") }',
        'record(ai, "ODD:NAN") { field(VAL, "nan") }',
      ];
      await box.exec(['sh', '-c', `echo '${records.join('\n')}' >/tmp/odd.db`]);
      await box.startIoc({ db: ['/tmp/odd.db'] });
      const chosenOdd = ['--engine', lab.endpoint, '--container', box.name];
      await until(
        async () => (await epicsExpose(['status', ...chosenOdd])).exitCode !== 4,
        10_000,
        'the IOC',
      );
      const words = ['get', ...chosenOdd, '--json', 'pva://ODD:I64', 'pva://ODD:NAN'];
      const { exitCode, stdout, stderr } = await epicsExpose(words);
      assert.deepEqual([exitCode, stderr], [0, '']);
      const values = stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { reading: { value: unknown } }).reading.value);
      assert.deepEqual(values, ['9223372036854775807', 'NaN']);
    });

    it('what comes from a container steers no terminal, and is exact in JSON', async () => {
      const box = await scene.keeper({ name: 'cli-test-hostile' });
      const title = '\u001b]0;owned\u0007';
      const name = 'EVIL:\u202eVP\u200b';
      const records = `record(stringin, "${name}") { field(VAL, "\\x1b]0;owned\\x07") }
record(ai, "EVIL:AI") { field(EGU, "\\x1b[2J\\x9b1m") field(VAL, "1") field(PINI, "YES") }`;
      await box.exec(['sh', '-c', `cat >/tmp/evil.db <<'END'\n${records}\nEND`]);
      const iocName = `${title}x\nforged  row`;
      await box.startIoc({ db: ['/tmp/evil.db'], env: { IOC_NAME: iocName } });
      const words = ['--engine', lab.endpoint, '--container', box.name];
      await until(
        async () => (await epicsExpose(['status', ...words])).exitCode !== 4,
        10_000,
        'the IOC',
      );
      const steering = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
      const runs: string[][] = [
        ['status', ...words],
        ['status', ...words, '--verbose', '--pv', `${title}NOPE`],
        ['pvs', ...words],
        ['get', ...words, name, 'EVIL:AI', `${title}NOPE`],
        ['get', ...words, '--json', name],
        ['status', ...words, '--json'],
        ['exec', ...words, '--verbose', '--', `${title}nothing`],
        ['status', '--engine', lab.endpoint, '--container', `${title}x`],
        [...words],
      ];
      const outputs: string[] = [];
      for (const run of runs) {
        const { stdout, stderr } = await epicsExpose(run, {
          signal: { name: 'SIGINT', after: 'Ctrl-C to stop' },
        });
        for (const text of [stdout, stderr]) {
          assert.doesNotMatch(text.replace(/[\n\t]/g, ''), steering, run.join(' '));
        }
        outputs.push(stdout);
      }
      const [table = '', , pvs = '', get = '', getJson = '', statusJson = ''] = outputs;
      assert.match(table, /\\x1b\]0;owned\\x07x\\x0aforged {2}row/);
      assert.match(pvs, /^EVIL:\\u202eVP\\u200b\t/m);
      assert.match(get, /^EVIL:\\u202eVP\\u200b {2,}ca {2,}\\x1b\]0;owned\\x07 /m);
      assert.match(get, /^EVIL:AI {2,}pva {2,}1 \\x1b\[2J/m);
      for (const line of getJson.trim().split('\n')) {
        const { name: got, reading } = JSON.parse(line) as {
          name: string;
          reading: { value: unknown };
        };
        assert.deepEqual([got, reading.value], [name, title]);
      }
      const { containers } = JSON.parse(statusJson) as Snapshot;
      assert.equal(containers[0]?.iocs[0]?.name, iocName);
    });

    it('a paused container is named, and costs the others no time', async () => {
      const frozen = await scene.ioc({ macros: 'P=FROZEN:', name: 'cli-test-frozen' });
      await frozen.pause();
      try {
        const { exitCode, stderr } = await epicsExpose([
          ...['get', '--engine', lab.endpoint, '--container', frozen.name, 'FROZEN:T'],
        ]);
        assert.equal(exitCode, 4);
        assert.match(stderr, /container cli-test-frozen is paused.* Unpause it/);
        const status = await epicsExpose(['status', '--engine', lab.endpoint]);
        assert.match(status.stdout, /cli-test-frozen .* container paused !/);
        const exec = await epicsExpose(['exec', '--engine', lab.endpoint, '--', 'true']);
        assert.match(exec.stderr, /cli-test-frozen is paused/);
      } finally {
        await frozen.unpause();
      }
    });

    describe('beside a server that greets for ever and answers nothing', () => {
      let both: string[];
      before(async () => {
        const mute = await scene.keeper({ name: 'cli-test-mute', image: 'node-ioc' });
        const exec = await lab.client
          .getContainer(mute.id)
          .exec({ Cmd: ['node', '-e', MUTE_SERVER] });
        await exec.start({ Detach: true });
        both = ['--engine', lab.endpoint, '--container', ioc.name, '--container', mute.name];
      });

      it('get of another PV does not wait for it', async () => {
        // What is waited for everything takes 20 s.
        const outcome = await epicsExpose(['get', ...both, 'ca://CLI:T'], { deadlineMs: 15_000 });
        assert.deepEqual([outcome.exitCode, outcome.signal], [0, undefined], outcome.stderr);
        assert.match(outcome.stdout, /^CLI:T /);
      });

      it('status does not wait for it, and says so', async () => {
        const outcome = await epicsExpose(['status', ...both, '--pv', 'CLI:T'], {
          deadlineMs: 18_000,
        });
        assert.deepEqual([outcome.exitCode, outcome.signal], [5, undefined], outcome.stderr);
        assert.match(outcome.stdout, /cli-test-ioc .*\d reachable/);
        assert.match(outcome.stdout, /cli-test-mute .* asking/);
        assert.match(outcome.stderr, /Not everything has answered yet/);
      });

      it('what is ready is printed where nobody types', async () => {
        const outcome = await epicsExpose(['expose', ...both, '--pv', 'CLI:T'], {
          signal: { name: 'SIGINT', after: 'watching' },
        });
        assert.deepEqual([outcome.exitCode, outcome.signal], [0, undefined], outcome.stderr);
        assert.match(outcome.stdout, /cli-test-ioc .* reachable/);
        assert.match(outcome.stdout, /cli-test-mute/);
      });
    });

    it('exec and get go round a port that somebody else has on every address', async () => {
      const box = await scene.keeper({ name: 'cli-test-taken' });
      await box.startIoc({ macros: 'P=TAKEN:', env: { EPICS_CA_SERVER_PORT: '6464' } });
      const stranger = createServer((socket) => {
        strangers.add(socket.on('error', () => undefined));
      }).listen(6464, '0.0.0.0');
      const strangers = new Set<Socket>();
      await once(stranger, 'listening');
      try {
        const words = ['--engine', lab.endpoint, '--container', box.name];
        await until(
          async () => (await epicsExpose(['status', ...words])).exitCode !== 4,
          10_000,
          'the IOC',
        );
        const show = ['sh', '-c', 'echo $EPICS_CA_NAME_SERVERS'];
        const exec = await epicsExpose(['exec', ...words, '--', ...show]);
        assert.equal(exec.exitCode, 0, exec.stderr);
        assert.match(exec.stdout, /^127\.0\.0\.1:\d+$/m);
        const get = await epicsExpose(['get', ...words, 'ca://TAKEN:TEMPERATURE']);
        assert.equal(get.exitCode, 0, get.stderr);
      } finally {
        for (const socket of strangers) socket.destroy();
        stranger.close();
      }
    });

    it('env: evaluated by the shells', async function () {
      // Who looks alone knows the relays that are there, and not who answers searches.
      const expected = clientVariables(serversOf(exposed.model));
      const show = 'printenv EPICS_CA_NAME_SERVERS; printenv EPICS_PVA_NAME_SERVERS';
      const shells: [string, string, (file: string) => string][] = [
        ['bash', 'bash', (file) => `eval "$(cat ${file})"; ${show}`],
        ['dash', 'bash', (file) => `eval "$(cat ${file})"; ${show}`],
        ['zsh', 'zsh', (file) => `eval "$(cat ${file})"; ${show}`],
        ['fish', 'fish', (file) => `source ${file}; ${show}`],
        ['tcsh', 'csh', (file) => `source ${file}; ${show}`],
        ['pwsh', 'powershell', (file) => `. ${file}; ${show}`],
      ];
      const missing: string[] = [];
      const folder = mkdtempSync(join(tmpdir(), 'epics-expose-env-'));
      try {
        for (const [program, shell, script] of shells) {
          if (spawnSync(program, ['-c', 'exit 0']).error) {
            missing.push(program);
            continue;
          }
          const { exitCode, stdout } = await run('env', '--shell', shell);
          assert.equal(exitCode, 0);
          const file = join(folder, shell);
          writeFileSync(file, stdout);
          const evaluated = await runProgram(program, ['-c', script(file)], {
            env: { ...cleanEnvironment, HOME: folder },
          });
          assert.deepEqual(
            evaluated.stdout.trim().split('\n'),
            [expected['EPICS_CA_NAME_SERVERS'], expected['EPICS_PVA_NAME_SERVERS']],
            `${program}: ${evaluated.stderr}`,
          );
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
      assert.deepEqual(
        (await run('env', '--shell', 'dotenv')).stdout.trim().split('\n'),
        Object.entries(expected).map(([name, value]) => `${name}="${value}"`),
      );
      if (missing.length > 1) skip(this, `not installed: ${missing.join(', ')}`, 'platform');
    });

    it('env keeps what the person had set', async () => {
      const { stdout } = await epicsExpose(['env', ...chosen, '--json'], {
        env: { ...cleanEnvironment, EPICS_CA_NAME_SERVERS: '192.0.2.1:5064' },
      });
      const environment = JSON.parse(stdout) as Record<string, string>;
      const ours = clientVariables(serversOf(exposed.model))['EPICS_CA_NAME_SERVERS'] ?? '';
      assert.equal(environment['EPICS_CA_NAME_SERVERS'], `${ours} 192.0.2.1:5064`);
    });

    it('env where nothing is relayed', async () => {
      const other = await scene.ioc({ macros: 'P=ALONE:', name: 'cli-test-alone' });
      const words = ['--engine', lab.endpoint, '--container', other.name];
      const { exitCode, stdout, stderr } = await epicsExpose(['env', ...words]);
      assert.deepEqual([exitCode, stdout], [5, '']);
      assert.match(stderr, /Nothing is relayed/);
      const pvs = await epicsExpose(['pvs', ...words, 'ALONE:SHOTS']);
      assert.equal(pvs.exitCode, 5);
      assert.match(pvs.stdout, /^ALONE:SHOTS\tca\tnot-relayed\t/);
      const exec = await epicsExpose(
        ['exec', ...words, '--', python, cagetScript, '5', 'ALONE:SHOTS'],
        { env: clientEnvironment },
      );
      assert.equal(exec.exitCode, 0, exec.stderr);
      assert.equal((JSON.parse(exec.stdout) as ClientResult & { value: unknown }).value, -7);
    });

    it('exec: real clients', async () => {
      for (const script of [cagetScript, p4pScript]) {
        const { exitCode, stdout, stderr } = await run(
          'exec',
          '--',
          python,
          script,
          '5',
          'CLI:TEMPERATURE',
        );
        assert.equal(exitCode, 0, stderr);
        assert.equal((JSON.parse(stdout) as ClientResult & { value: unknown }).value, 21.5);
      }
    });

    it('exec: a name that is misspelt', async () => {
      // The client waits until that is told, however long it takes.
      const brokers = new Brokers();
      try {
        const watching = await brokers.connect();
        const isTold = (): boolean =>
          (watching.snapshot.notices ?? []).some(({ code }) => code === 'searched-in-vain');
        const words = ['exec', ...chosen, '--', python, cagetScript, '300', 'CLI:TEMPERATUR'];
        const { stderr } = await epicsExpose(words, {
          env: { ...brokers.env, ...clientEnvironment },
          signal: { name: 'SIGTERM', after: until(isTold, 30_000, 'the name to be told') },
        });
        assert.match(
          stderr,
          /! python\S* caget\.py \(pid \d+\) searches for CLI:TEMPERATUR, .* nearest is CLI:TEMPERATURE/,
        );
      } finally {
        await brokers.end();
      }
    });

    it('exec: exit codes, signals, and a command that does not exist', async () => {
      assert.equal((await run('exec', '--', 'sh', '-c', 'exit 7')).exitCode, 7);
      assert.equal((await run('exec', '--', 'sh', '-c', 'kill -TERM $$')).exitCode, 143);
      const missing = await run('exec', '--', 'no-such-program-here');
      assert.equal(missing.exitCode, 127);
      assert.match(missing.stderr, /no command "no-such-program-here"/);
      const waiting =
        'process.on("SIGTERM", () => process.exit(3)); setInterval(() => {}, 1000); console.log("ready")';
      const passed = await epicsExpose(['exec', ...chosen, '--', process.execPath, '-e', waiting], {
        signal: { name: 'SIGTERM', after: 'ready' },
      });
      assert.equal(passed.exitCode, 3);
    });

    it('colours on a terminal, none with NO_COLOR', async function () {
      if (!existsSync('/usr/bin/script')) skip(this, 'needs script(1)', 'platform');
      const line = `node '${CLI}' status --engine '${lab.endpoint}' -c ${ioc.name}`;
      const inTerminal = async (env: NodeJS.ProcessEnv): Promise<string> =>
        (await runProgram('script', ['-qec', line, '/dev/null'], { env })).stdout;
      // Node itself paints nothing where a CI seems to watch.
      const {
        NO_COLOR: _,
        CI: __,
        ...plain
      }: NodeJS.ProcessEnv = {
        ...cleanEnvironment,
        TERM: 'xterm-256color',
      };

      const colour = /\u001b\[\d+m/;
      assert.match(await inTerminal(plain), colour);
      assert.doesNotMatch(await inTerminal({ ...plain, NO_COLOR: '1' }), colour);
    });
  });
});
