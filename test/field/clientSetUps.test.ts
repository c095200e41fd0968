/** What `env --client` prints is what the client needs: run as it is, it reads a PV. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CLIENT_NAMES, type ClientName } from '../../src/model/diagnosis/clients';
import { Brokers } from '../support/brokers';
import { cajGetWith, likePhoebus } from '../support/clients';
import { epicsExpose, type Outcome, runProgram } from '../support/command';
import { Exposed } from '../support/exposed';
import { needsIocs, needsJava, needsOwnNetwork } from '../support/lab/needs';
import { skip } from '../support/skip';

const PV = 'DEMO:TEMPERATURE';
const VENV = resolve(__dirname, '../../.cache/venv/bin/python');
const PROGRAMS = resolve(__dirname, '../../.cache/programs/bin/python');
const NUMBER = /^(?:\w{3} .*\d{4} )?\[?(-?\d+(?:\.\d+)?)\]?$/m;
/** No broadcast, so that only what is printed leads anywhere. */
const QUIET = { EPICS_CA_AUTO_ADDR_LIST: 'NO', EPICS_PVA_AUTO_ADDR_LIST: 'NO' };
/** Of the clients whose lines are a program; they are run as they are. */
const PYTHON: Readonly<Partial<Record<ClientName, string>>> = {
  pyepics: PROGRAMS,
  aioca: VENV,
  caproto: VENV,
  p4p: VENV,
  pvapy: VENV,
  'ophyd-async': PROGRAMS,
  pydm: PROGRAMS,
};
/** A window is shown until it is closed: in place of that, what it shows. */
const PYDM_LOOP = [
  'import time',
  'end = time.monotonic() + 60',
  'while label.text().startswith(("ca:", "pva:")) and time.monotonic() < end:',
  '    app.processEvents()',
  'print(label.text())',
].join('\n');

describe('env --client', function () {
  this.timeout(120_000);
  let brokers: Brokers;
  let folder: string;
  let demo: Exposed | undefined;
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^EPICS_(?!EXPOSE)/.test(name)),
  );

  before(function () {
    needsOwnNetwork(this);
    needsIocs(this);
    needsJava(this);
    if (!existsSync(PROGRAMS)) {
      skip(this, 'needs what people write programs with: node test/support/setup.mjs', 'iocs');
    }
    brokers = new Brokers();
    folder = mkdtempSync(join(tmpdir(), 'ee-setups-'));
  });
  after(async () => {
    await brokers?.end();
    if (folder) rmSync(folder, { recursive: true });
  });
  afterEach(async () => {
    await demo?.stop();
    demo = undefined;
  });

  async function startDemo(...words: string[]): Promise<void> {
    demo = Exposed.start(['demo', ...words], { env: brokers.env });
    await demo.until(
      ({ snapshot: { nameServers } }) => nameServers?.ca !== undefined && !!nameServers.pva,
      20_000,
      'name servers',
    );
  }
  const env = (...words: string[]): Promise<Outcome> =>
    epicsExpose(['env', '--pv', PV, ...words], { env: { ...clean, ...brokers.env } });

  async function lines(client: ClientName): Promise<string> {
    const { exitCode, stdout, stderr } = await env('--client', client);
    assert.equal(exitCode, 0, stderr);
    return stdout;
  }

  /** What the program prints; in an environment with nothing else in it. */
  async function run(client: ClientName, text: string, more: object = QUIET): Promise<number> {
    const file = join(folder, `try_${client}.py`);
    writeFileSync(file, text.replace(/^app\.exec_\(\)$/m, PYDM_LOOP));
    const { stdout, stderr } = await runProgram(PYTHON[client] ?? '', [file], {
      env: { ...clean, ...more, QT_QPA_PLATFORM: 'offscreen', XDG_RUNTIME_DIR: folder },
    });
    const value = client === 'pvapy' ? /double value (\S+)/.exec(stdout) : NUMBER.exec(stdout);
    assert.ok(value, `${client}: ${stdout}${stderr}`);
    return Number(value[1]);
  }

  it('is a program that reads the PV, for every client with a language of its own', async () => {
    await startDemo();
    for (const client of Object.keys(PYTHON) as ClientName[]) {
      const text = await lines(client);
      assert.doesNotMatch(text, /Not tried|Nothing to set/);
      assert.ok(Number.isFinite(await run(client, text)), client);
      // For those that have both.
      if (text.includes('"ca://')) await run(client, text.replace('"ca://', '"pva://'));
    }
  });

  it('is what Java is told, by preferences or by an option', async () => {
    await startDemo();
    const file = join(folder, 'settings.ini');
    writeFileSync(file, await lines('phoebus'));
    for (const protocol of ['ca', 'pva'] as const) {
      const [result] = await likePhoebus(file)[protocol]([PV], QUIET, 10_000);
      assert.equal(result?.ok, true, JSON.stringify(result));
    }
    const options = (await lines('caj')).split('\n').filter((line) => line.startsWith('-D'));
    const [result] = await cajGetWith(...options)([PV], {}, 10_000);
    assert.equal(result?.ok, true, JSON.stringify(result));
  });

  it('says what nobody tried', async () => {
    await startDemo();
    for (const client of CLIENT_NAMES) {
      const isTried = client in PYTHON || client === 'phoebus' || client === 'caj';
      assert.equal(!/^# Not tried with/m.test(await lines(client)), isTried, client);
    }
    // But with their libraries: what is to be set is right.
    const { stdout } = await env('--client', 'caget', '--shell', 'fish');
    assert.equal(stdout, "set -gx EPICS_CA_NAME_SERVERS '127.0.0.1:5063'\n");
  });

  it('is nothing where broadcasts are answered', async () => {
    await startDemo('--search', 'thishost');
    await demo?.until(
      ({ snapshot: { search } }) =>
        [search?.ca, search?.pva].every((one) => (one?.broadcasts ?? []).length > 1),
      20_000,
      'broadcasts to be answered',
    );
    for (const client of ['pyepics', 'caproto', 'p4p', 'pvapy'] as const) {
      const text = await lines(client);
      assert.match(
        text,
        /^# Nothing to set: broadcasts of clients on this machine are answered\.$/m,
      );
      assert.doesNotMatch(text, /EPICS_/);
      await run(client, text, {});
    }
  });

  it('goes with none of what it cannot be', async () => {
    for (const [words, said] of [
      [['--client', 'phoebus', '--shell', 'bash'], /Phoebus is told by preferences/],
      [['--client', 'p4p', '--unset'], /leave out --client/],
      [['--client', 'netscape'], /Allowed choices are caget, /],
    ] as const) {
      const { exitCode, stderr } = await env(...words);
      assert.equal(exitCode, 2);
      assert.match(stderr, said);
    }
  });

  it('as a .env is read by what reads such files', async function () {
    await startDemo();
    const file = join(folder, '.env');
    writeFileSync(file, (await env('--shell', 'dotenv')).stdout);
    const expected = JSON.parse((await env('--json')).stdout) as Record<string, string>;
    assert.equal(Object.keys(expected).length, 3, readFileSync(file, 'utf8'));
    const print = 'import json, os; print(json.dumps(dict(os.environ)))';
    const load = `from dotenv import load_dotenv; load_dotenv(${JSON.stringify(file)}); ${print}`;
    const node = 'console.log(JSON.stringify(process.env))';
    const readers: Record<string, readonly [string, readonly string[]]> = {
      'python-dotenv': [PROGRAMS, ['-c', load]],
      node: [process.execPath, [`--env-file=${file}`, '-e', node]],
      sh: ['sh', ['-c', `set -a; . ${file}; exec ${PROGRAMS} -c '${print}'`]],
    };
    const hasDirenv = !spawnSync('direnv', ['version']).error;
    if (hasDirenv) {
      writeFileSync(join(folder, '.envrc'), 'dotenv\n');
      const env = { ...process.env, HOME: folder };
      spawnSync('direnv', ['allow', folder], { env });
      readers['direnv'] = ['direnv', ['exec', folder, PROGRAMS, '-c', print]];
    }
    for (const [reader, [program, words]] of Object.entries(readers)) {
      const { stdout, stderr } = await runProgram(program, words, {
        env: { ...clean, HOME: folder },
      });
      const read = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, string>;
      for (const [name, list] of Object.entries(expected)) {
        assert.equal(read[name], list, `${reader}: ${stderr}`);
      }
    }
    if (!hasDirenv) skip(this, 'not installed: direnv', 'platform');
  });
});
