/** What the doctor says of real faults; its advice, applied, cures a real client. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  caget,
  caprotoGet,
  type Get,
  likePhoebus,
  missingForClients,
  p4pGet,
  pvaPyGet,
  pvGet,
} from '../support/clients';
import { Brokers } from '../support/brokers';
import { epicsExpose } from '../support/command';
import type { Exposed } from '../support/exposed';
import { lineOf, OTHER_FAULTS, PHOEBUS_FAULTS, SETTINGS_FAULTS } from '../support/faultTable';
import type { LabContainer } from '../support/lab/container';
import type { LabEngine } from '../support/lab/engine';
import { needsEngine, needsJava } from '../support/lab/needs';
import { exposedServers, Scene } from '../support/scene';
import { skip } from '../support/skip';

/** What a client would see of the person's own settings is not under test. */
const clean = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^EPICS_(?!EXPOSE)/.test(name)),
);
/** No broadcast finds anything: an engine's bridge carries them to the IOC. */
const quiet = { EPICS_CA_AUTO_ADDR_LIST: 'NO', EPICS_PVA_AUTO_ADDR_LIST: 'NO' };
const PV = 'SICK:TEMPERATURE';
/** Of clients that find nothing. */
const CLIENT_MS = 1500;

interface Fault {
  readonly title: keyof typeof SETTINGS_FAULTS;
  readonly environment: Record<string, string>;
  readonly client: Get;
  /** Further words for the doctor. */
  readonly words?: readonly string[];
  /** The line that cures it. */
  readonly advice: RegExp;
  /** What its advice makes of the environment. */
  readonly cured: (match: RegExpExecArray) => Record<string, string>;
}

const CASES: readonly Fault[] = [
  {
    title: 'a list with commas',
    environment: { EPICS_CA_NAME_SERVERS: '127.0.0.1:5063,127.0.0.1:5063' },
    client: caget,
    advice: /Write EPICS_CA_NAME_SERVERS="([^"]+)"/,
    cured: ([, list = '']) => ({ EPICS_CA_NAME_SERVERS: list }),
  },
  {
    title: 'a list with commas, for pvAccess',
    environment: { EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074,127.0.0.1:5074' },
    client: p4pGet,
    advice: /Write EPICS_PVA_NAME_SERVERS="([^"]+)"/,
    cured: ([, list = '']) => ({ EPICS_PVA_NAME_SERVERS: list }),
  },
  {
    title: 'the UDP port as a name server',
    environment: { EPICS_PVA_NAME_SERVERS: '127.0.0.1:5076' },
    client: p4pGet,
    advice: /Write (127\.0\.0\.1:\d+) instead/,
    cured: ([, entry = '']) => ({ EPICS_PVA_NAME_SERVERS: entry }),
  },
  {
    title: 'no setting at all, over Channel Access',
    environment: { EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074' },
    client: caget,
    advice: /eval "\$\(epics-expose env\)"/,
    cured: () => ({ EPICS_CA_NAME_SERVERS: '127.0.0.1:5063' }),
  },
  {
    title: 'no setting at all, over pvAccess',
    environment: { EPICS_CA_NAME_SERVERS: '127.0.0.1:5063' },
    client: p4pGet,
    advice: /eval "\$\(epics-expose env\)"/,
    cured: () => ({ EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074' }),
  },
  {
    title: 'searches on a port where nobody listens',
    environment: { EPICS_CA_SERVER_PORT: '6164', EPICS_CA_ADDR_LIST: '127.0.0.1' },
    client: caget,
    advice: /Unset (EPICS_CA_SERVER_PORT)/,
    cured: () => ({ EPICS_CA_ADDR_LIST: '127.0.0.1' }),
  },
  {
    title: 'searches on the port of pvAccess',
    environment: { EPICS_CA_ADDR_LIST: '127.0.0.1:5076' },
    client: caget,
    advice: /Write (127\.0\.0\.1:\d+) instead/,
    cured: ([, entry = '']) => ({ EPICS_CA_ADDR_LIST: entry }),
  },
  {
    title: 'searches on the port of Channel Access',
    environment: { EPICS_PVA_ADDR_LIST: '127.0.0.1:5064' },
    client: p4pGet,
    words: ['--client', 'p4p'],
    advice: /Write (127\.0\.0\.1:\d+) instead/,
    cured: ([, entry = '']) => ({ EPICS_PVA_ADDR_LIST: entry }),
  },
  {
    title: 'a comma before a port',
    environment: { EPICS_CA_NAME_SERVERS: '127.0.0.1,5063' },
    client: caget,
    advice: /Write EPICS_CA_NAME_SERVERS="([^"]+)"/,
    cured: ([, list = '']) => ({ EPICS_CA_NAME_SERVERS: list }),
  },
  {
    title: 'a variable that is misspelt',
    environment: { EPICS_CA_NAMESERVERS: '127.0.0.1:5063' },
    client: caget,
    words: ['--client', 'caget'],
    advice: /Write (EPICS_CA_NAME_SERVERS) instead/,
    cured: ([, name = '']) => ({ [name]: '127.0.0.1:5063' }),
  },
  {
    title: 'the name server of the other protocol',
    environment: { EPICS_CA_NAME_SERVERS: '127.0.0.1:5074' },
    client: caget,
    advice: /Move it to EPICS_PVA_NAME_SERVERS/,
    cured: () => ({ EPICS_CA_NAME_SERVERS: '127.0.0.1:5063' }),
  },
  {
    title: 'what is no address',
    environment: { EPICS_CA_NAME_SERVERS: '<ioc>:5064' },
    client: caget,
    advice: /Write HOST or HOST:PORT/,
    cured: () => ({ EPICS_CA_NAME_SERVERS: '127.0.0.1:5063' }),
  },
  {
    title: 'a client that has no name servers, over Channel Access',
    // Without a list caproto broadcasts whatever it is told.
    environment: { EPICS_CA_NAME_SERVERS: '127.0.0.1:5063', EPICS_CA_ADDR_LIST: '127.0.0.9' },
    client: caprotoGet,
    words: ['--client', 'caproto'],
    advice: /Set (EPICS_CA_ADDR_LIST)=127\.0\.0\.1\./,
    cured: () => ({ EPICS_CA_ADDR_LIST: '127.0.0.1' }),
  },
  {
    title: 'a client that has no name servers, over pvAccess',
    environment: { EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074' },
    client: pvGet,
    words: ['--client', 'pvget'],
    advice: /Set (EPICS_PVA_ADDR_LIST)=127\.0\.0\.1\./,
    cured: () => ({ EPICS_PVA_ADDR_LIST: '127.0.0.1' }),
  },
  {
    title: 'searches at the port of servers',
    environment: { EPICS_PVA_ADDR_LIST: '127.0.0.1:5085' },
    client: p4pGet,
    words: ['--client', 'p4p'],
    advice: /Write (127\.0\.0\.1:5076) instead/,
    cured: ([, entry = '']) => ({ EPICS_PVA_ADDR_LIST: entry }),
  },
];

const CA_PREFERENCE = 'org.phoebus.pv.ca/name_servers';
const PVA_PREFERENCE = 'org.phoebus.pv.pva/epics_pva_name_servers';

/** What is wrong in a file of Phoebus, and the line that cures it. */
interface PhoebusFault {
  readonly title: keyof typeof PHOEBUS_FAULTS;
  readonly protocol: 'ca' | 'pva';
  readonly lines: readonly string[];
  /** Of the shell, which Phoebus heeds or not. */
  readonly environment?: Record<string, string>;
}

/** The advice is a line for the file, which replaces the one with the same preference. */
const PHOEBUS_CASES: readonly PhoebusFault[] = [
  {
    title: 'a variable in place of a preference',
    protocol: 'ca',
    lines: [],
    environment: { EPICS_CA_NAME_SERVERS: '127.0.0.1:5063' },
  },
  {
    title: 'no name server over pvAccess',
    protocol: 'pva',
    lines: [`${CA_PREFERENCE}=127.0.0.1:5063`],
  },
  {
    title: 'a list with commas over pvAccess',
    protocol: 'pva',
    lines: [`${PVA_PREFERENCE}=127.0.0.1:5074,127.0.0.1:5074`],
  },
  {
    title: 'a list with commas and without ports over Channel Access',
    protocol: 'ca',
    lines: [`${CA_PREFERENCE}=127.0.0.1,127.0.0.2`],
  },
  {
    title: 'the UDP port as a name server',
    protocol: 'pva',
    lines: [`${PVA_PREFERENCE}=127.0.0.1:5076`],
  },
  {
    title: 'quotes, which Java keeps',
    protocol: 'pva',
    lines: [`${PVA_PREFERENCE}="127.0.0.1:5074"`],
  },
  {
    title: 'a preference that Phoebus has not',
    protocol: 'pva',
    lines: [`${CA_PREFERENCE}=127.0.0.1:5063`, 'org.phoebus.pv.pva/name_servers=127.0.0.1:5074'],
  },
];

describe('the doctor', () => {
  let lab: LabEngine;
  let brokers: Brokers;
  let scene: Scene;
  let ioc: LabContainer;
  let exposed: Exposed;

  before(async function () {
    this.timeout(180_000);
    const missing = missingForClients();
    if (missing) skip(this, missing, 'iocs');
    lab = await needsEngine(this, 'docker');
    scene = new Scene(lab);
    ioc = await scene.ioc({ macros: 'P=SICK:', name: 'doctor-ioc' });
    brokers = new Brokers();
    exposed = scene.expose([ioc], [], { env: brokers.env });
    await exposedServers(exposed, ioc.name, 2);
  });
  after(async () => {
    await scene?.end();
    await brokers?.end();
  });

  /** Where the broker is. */
  const ours = (): NodeJS.ProcessEnv => {
    const entries = Object.entries(brokers.env).filter(([name]) => name.startsWith('EPICS_EXPOSE'));
    return Object.fromEntries(entries);
  };
  const doctor = async (
    environment: Record<string, string>,
    ...rest: string[]
  ): Promise<{ lines: string[]; exitCode: number | undefined }> => {
    const words = ['doctor', '--engine', lab.endpoint, '--container', ioc.name, ...rest];
    const { stdout, exitCode } = await epicsExpose(words, {
      env: { ...clean, ...ours(), ...quiet, ...environment },
    });
    return { lines: stdout.trim().split('\n'), exitCode };
  };

  it('finds nothing wrong where nothing is', async function () {
    this.timeout(60_000);
    const good = {
      EPICS_CA_NAME_SERVERS: '127.0.0.1:5063',
      EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074',
    };
    const one = await doctor(good, PV);
    assert.match(one.lines[0] ?? '', /^SICK:TEMPERATURE is reachable: 21\.50 C/);
    assert.equal(one.exitCode, 0);
    const ladder = one.lines.filter((line) => line.startsWith('  '));
    assert.ok(ladder.length >= 22, one.lines.join('\n'));
    assert.deepEqual(
      ladder.filter((line) => !/^ {2}(fine |not checked: its log$)/.test(line)),
      [],
    );
    const all = await doctor(good);
    assert.match(all.lines[0] ?? '', /^Nothing is wrong: \d+ PVs of 2 servers/);
  });

  for (const { title, environment, client, words = [], advice, cured } of CASES) {
    it(`names ${title}, and its advice cures the client`, async function () {
      this.timeout(60_000);
      const [sick] = await client([PV], { ...quiet, ...environment }, CLIENT_MS);
      assert.notEqual((sick as { value?: unknown } | undefined)?.value, 21.5);
      const { lines, exitCode } = await doctor(environment, ...words, PV);
      assert.match(lines[0] ?? '', lineOf(SETTINGS_FAULTS[title]));
      assert.equal(exitCode, 5);
      const match = advice.exec(lines[1] ?? '');
      assert.ok(match, lines[1]);
      const [well] = await client([PV], { ...quiet, ...cured(match) }, 10_000);
      assert.equal((well as { value?: unknown } | undefined)?.value, 21.5);
    });
  }

  it('knows what each client does with name servers alone', async function () {
    this.timeout(60_000);
    const environment = {
      EPICS_CA_NAME_SERVERS: '127.0.0.1:5063',
      EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074',
    };
    for (const [name, client] of [
      ['caget', caget],
      ['p4p', p4pGet],
      ['pvapy', pvaPyGet],
    ] as const) {
      const [result] = await client([PV], { ...quiet, ...environment }, 10_000);
      assert.equal(result?.ok, true, name);
      const { lines, exitCode } = await doctor(environment, '--client', name, PV);
      assert.match(lines[0] ?? '', /^SICK:TEMPERATURE is reachable/);
      assert.equal(exitCode, 0);
    }
    const { lines } = await doctor(environment, PV);
    assert.match(lines.at(-2) ?? '', /^note: EPICS_CA_NAME_SERVERS is not read by caproto/);
    assert.match(lines.at(-1) ?? '', /^note: EPICS_PVA_NAME_SERVERS is not read by pvget/);
    const phoebus = await doctor(environment, '--client', 'phoebus', PV);
    assert.match(phoebus.lines.at(-1) ?? '', /^note: the settings of Phoebus over Channel Access/);
    assert.equal(phoebus.exitCode, 0);
  });

  describe('of Phoebus', () => {
    let folder: string;
    let file: string;
    before(function () {
      needsJava(this);
      folder = mkdtempSync(join(tmpdir(), 'ee-doctor-'));
      file = join(folder, 'settings.ini');
    });
    after(() => {
      if (folder) rmSync(folder, { recursive: true });
    });

    const write = (lines: readonly string[]): void =>
      writeFileSync(
        file,
        ['# no broadcast', 'org.phoebus.pv.ca/auto_addr_list=false', ...lines, ''].join('\n'),
      );
    const read = async (protocol: 'ca' | 'pva', environment = {}, timeoutMs = CLIENT_MS) => {
      const [result] = await likePhoebus(file)[protocol](
        [PV],
        { EPICS_PVA_AUTO_ADDR_LIST: 'NO', ...environment },
        timeoutMs,
      );
      return result?.ok === true ? result.value : undefined;
    };

    for (const { title, protocol, lines, environment = {} } of PHOEBUS_CASES) {
      it(`names ${title}, and its advice cures Phoebus' client`, async function () {
        this.timeout(60_000);
        write(lines);
        assert.notEqual(await read(protocol, environment), 21.5);
        const told = (await doctor(environment, '--phoebus', file)).lines;
        const at = told.findIndex((text) => lineOf(PHOEBUS_FAULTS[title]).test(text));
        assert.ok(at >= 0, told.join('\n'));
        // What it has of the file, where the line is already.
        const replaced = lines.filter((text) => !text.includes('name_servers='));
        const advised = told.flatMap((text) => {
          const [, written] = /^ {2}Write (org\.phoebus\.\S+=.+?)(?: into .*)?\.$/.exec(text) ?? [];
          return written === undefined ? [] : [written];
        });
        const entry = /^ {2}Write (127\.0\.0\.1:\d+) instead/.exec(told[at + 1] ?? '')?.[1];
        const host = /HOST:PORT/.test(told[at + 1] ?? '') ? '127.0.0.1:5074' : entry;
        write([...replaced, ...advised, ...(host ? [`${PVA_PREFERENCE}=${host}`] : [])]);
        assert.equal(await read(protocol, environment, 10_000), 21.5);
      });
    }

    it('finds nothing wrong where nothing is, and notes what Phoebus does not read', async function () {
      this.timeout(60_000);
      const good = [`${CA_PREFERENCE}=127.0.0.1\\:5063`, `${PVA_PREFERENCE} : 127.0.0.1:5074`];
      write([...good, 'org.phoebus.pv.pva/server_port=5075']);
      assert.equal(await read('ca', {}, 10_000), 21.5);
      assert.equal(await read('pva', {}, 10_000), 21.5);
      const { lines, exitCode } = await doctor({}, '--phoebus', file, PV);
      assert.match(lines[0] ?? '', /^SICK:TEMPERATURE is reachable/);
      assert.match(lines.at(-1) ?? '', /^note: .*settings\.ini:5: Phoebus has no preference/);
      assert.equal(exitCode, 0);
    });

    it('names a line with which Phoebus does not start', async function () {
      this.timeout(60_000);
      write([`${CA_PREFERENCE}=127.0.0.1:5063`, `${PVA_PREFERENCE}=127.0.0.1:5074`, '[ui]']);
      await assert.rejects(read('ca'), /Expected 'package_name\/setting = value'/);
      const { lines } = await doctor({}, '--phoebus', file, PV);
      assert.match(lines[0] ?? '', lineOf(OTHER_FAULTS['a line of preferences that is none']));
    });

    it('knows what CAJ makes of commas between ports', async function () {
      this.timeout(60_000);
      // The first host at the default port, where we listen, too.
      write([`${CA_PREFERENCE}=127.0.0.1:1,127.0.0.1:2`]);
      assert.equal(await read('ca', {}, 10_000), 21.5);
      const { lines } = await doctor({}, '--phoebus', file);
      assert.match(lines[0] ?? '', /blanks; Phoebus takes it for 127\.0\.0\.1:5064 alone$/);
    });

    it('knows that Java may be told to read the environment', async function () {
      this.timeout(60_000);
      write([`${CA_PREFERENCE}=127.0.0.1:1`]);
      const environment = {
        EPICS_CA_NAME_SERVERS: '127.0.0.1:5063',
        EPICS_CA_AUTO_ADDR_LIST: 'NO',
        EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074',
        JDK_JAVA_OPTIONS: '-Djca.use_env=true',
      };
      assert.equal(await read('ca', environment, 10_000), 21.5);
      const { lines } = await doctor(environment, '--phoebus', file, PV);
      assert.match(lines[0] ?? '', /^SICK:TEMPERATURE is reachable/);
    });
  });

  it('names a stale name server, which costs clients time', async function () {
    this.timeout(60_000);
    const list = '127.0.0.1:5063 127.0.0.1:5194';
    const { lines } = await doctor(
      { EPICS_CA_NAME_SERVERS: list, EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074' },
      PV,
    );
    assert.match(lines[0] ?? '', lineOf(OTHER_FAULTS['a stale name server']));
  });

  it('names a misspelt PV, and what was meant', async function () {
    this.timeout(60_000);
    const good = {
      EPICS_CA_NAME_SERVERS: '127.0.0.1:5063',
      EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074',
    };
    const { lines, exitCode } = await doctor(good, 'SICK:TEMPRATURE');
    assert.match(lines[0] ?? '', lineOf(OTHER_FAULTS['a misspelt PV']));
    assert.equal(exitCode, 4);
    const beginning = await doctor(good, 'SICK:TEMP.EGU');
    assert.match(beginning.lines[0] ?? '', /did you mean .*SICK:TEMPERATURE/);
  });

  it('reads the settings of a file, and says where it is wrong', async function () {
    this.timeout(60_000);
    const folder = mkdtempSync(join(tmpdir(), 'ee-doctor-'));
    try {
      const file = join(folder, 'environment.sh');
      writeFileSync(file, '#!/bin/sh\nexport EPICS_PVA_NAME_SERVERS=127.0.0.1:5076\n');
      const { lines } = await doctor({}, '--env-from', file, PV);
      assert.ok(lines[0]?.startsWith(`${file}:2: `), lines[0]);
      assert.match(lines[0] ?? '', lineOf(OTHER_FAULTS['a setting in a file']));
      const missing = await epicsExpose(['doctor', '--env-from', join(folder, 'none')]);
      assert.equal(missing.exitCode, 2);
      assert.match(missing.stderr, /none cannot be read/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('names a paused container', async function () {
    this.timeout(60_000);
    await ioc.pause();
    try {
      const { lines } = await doctor({}, PV);
      assert.match(lines[0] ?? '', lineOf(OTHER_FAULTS['a container is paused']));
      assert.match(lines[1] ?? '', /Unpause it/);
    } finally {
      await ioc.unpause();
    }
    await exposedServers(exposed, ioc.name, 2);
  });

  it('has its findings as JSON', async function () {
    this.timeout(60_000);
    const words = ['doctor', '--engine', lab.endpoint, '--container', ioc.name, '--json'];
    const { stdout } = await epicsExpose([...words, 'SICK:NOBODY'], {
      env: { ...clean, ...ours() },
    });
    const { version, findings } = JSON.parse(stdout) as {
      version: number;
      findings: { code: string; message: string; advice: string }[];
    };
    assert.equal(version, 1);
    // There may be others, of users of this machine.
    assert.ok(findings.some(({ code }) => code === 'no-such-pv'));
    assert.ok(findings.every(({ message, advice }) => message !== '' && advice !== ''));
  });
});
