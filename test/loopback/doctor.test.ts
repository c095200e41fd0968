/** The doctor on the built-in demo: what it says, and in which form. The faults are in interop. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { epicsExpose, type Outcome, runProgram } from '../support/command';
import { CLI } from '../support/exposed';
import { skip } from '../support/skip';

describe('doctor', function () {
  this.timeout(60_000);
  const doctor = (...words: string[]): Promise<Outcome> =>
    epicsExpose(['doctor', '--engine', 'demo:', ...words]);

  it('walks from the engine to the value of a PV', async () => {
    const { stdout } = await doctor('ca://DEMO:MOTOR');
    // No broker runs here, which clients need.
    assert.match(stdout, /^nothing is exposed on this machine now/);
    assert.match(stdout, /\nDEMO:MOTOR over CA\n  fine {2,}container engine {2,}demo /);
    assert.match(stdout, /\n  fine {2,}value {2,}[\d.]+ mm\n/);
  });

  it('knows what was meant', async () => {
    const { stdout, exitCode } = await doctor('DEMO:MOTER');
    assert.match(stdout, /^no IOC that is exposed here has DEMO:MOTER; did you mean DEMO:MOTOR \(/);
    assert.equal(exitCode, 5);
  });

  it('examines everything, and says it as JSON', async () => {
    const { stdout } = await doctor('--json', 'pva://DEMO:STATE');
    const { version, findings, pvs } = JSON.parse(stdout) as {
      version: number;
      findings: { code: string }[];
      pvs: { paths: { rungs: { state: string }[] }[] }[];
    };
    assert.deepEqual([version, findings.map(({ code }) => code)], [1, ['not-exposed']]);
    assert.ok(pvs[0]?.paths.every(({ rungs }) => rungs.every(({ state }) => state !== 'broken')));
    assert.match((await doctor()).stdout, /^nothing is exposed/);
  });

  it('reads settings of a file or of a process, and nothing that is none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ee-doctor-'));
    try {
      const file = join(folder, 'env');
      writeFileSync(file, 'export EPICS_CA_ADDR_LIST="a,b"\n');
      assert.equal((await doctor('--env-from', file, 'DEMO:MOTOR')).exitCode, 5);
      assert.equal((await doctor('--env-from', folder)).exitCode, 2);
      assert.equal((await doctor('--pid', 'x')).exitCode, 2);
      assert.equal((await doctor('loc://x')).exitCode, 2);
      if (process.platform === 'linux') {
        assert.equal((await doctor('--pid', `${process.pid}`, 'DEMO:MOTOR')).exitCode, 5);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('reads settings that are piped to it', async function () {
    if (process.platform === 'win32') skip(this, 'there is no /dev/stdin', 'platform');
    const script =
      'printf "export EPICS_CA_ADDR_LIST=x\\n" | "$0" "$1" doctor -e demo: --env-from /dev/stdin';
    const { stdout, stderr, exitCode } = await runProgram('sh', [
      '-c',
      script,
      process.execPath,
      CLI,
    ]);
    assert.match(`${stdout}${stderr}`, /^nothing is exposed/);
    assert.equal(exitCode, 5);
  });

  it('examines what one client has, and names no PV that it cannot read', async () => {
    const { stdout, exitCode } = await doctor('--client', 'caget', 'DEMO:MOTOR');
    assert.match(stdout, /DEMO:MOTOR over CA\n/);
    assert.equal(exitCode, 5);
    const usage = async (...words: string[]): Promise<string> => {
      const outcome = await doctor(...words);
      assert.equal(outcome.exitCode, 2);
      return outcome.stderr;
    };
    assert.match(await usage('--client', 'netscape'), /Allowed choices are caget, /);
    assert.match(
      await usage('--client', 'caget', 'pva://DEMO:MOTOR'),
      /DEMO:MOTOR: caget reads nothing over pvAccess/,
    );
    assert.match(await usage('--client', 'p4p', '--phoebus', 'x'), /p4p has no preferences/);
  });

  it('examines the preferences of Phoebus, and takes no other file for them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ee-doctor-'));
    try {
      const file = join(folder, 'settings.ini');
      writeFileSync(file, '[ca]\n');
      const { stdout, exitCode } = await doctor('--phoebus', file, 'DEMO:MOTOR');
      // What is not exposed has no settings.
      assert.match(stdout, /^nothing is exposed/);
      assert.equal(exitCode, 5);
      assert.match(
        (await doctor('--phoebus', 'x.xml')).stderr,
        /only files of PACKAGE\/NAME=VALUE/,
      );
      assert.equal((await doctor('--phoebus', join(folder, 'none'))).exitCode, 2);
      for (const text of ['x'.repeat(10_000_000), '\n'.repeat(20_000)]) {
        writeFileSync(file, text);
        for (const option of ['--phoebus', '--env-from']) {
          assert.match(
            (await doctor(option, file)).stderr,
            /is too long for settings: at most 1 MB/,
          );
        }
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('makes a report, without values', async () => {
    const { exitCode, stdout } = await epicsExpose(['report', '-e', 'demo:', 'pva://DEMO:MESSAGE']);
    assert.equal(exitCode, 0);
    for (const part of ['Versions', 'Engines', 'Servers', 'Diagnosis', 'Log of the background']) {
      assert.match(stdout, new RegExp(`\\n== ${part}.*\\n.+`));
    }
    assert.match(stdout, /DEMO:MESSAGE over PVA\n/);
    assert.match(stdout, /value {2,}\(a value\)/);
    assert.doesNotMatch(stdout, /the demo runs/);
    const { stdout: value } = await epicsExpose(['get', '-e', 'demo:', 'pva://DEMO:MESSAGE']);
    assert.match(value, /the demo runs/);
  });

  it('examines the files of a folder that make containers or set up clients, and no others', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ee-doctor-'));
    const outside = mkdtempSync(join(tmpdir(), 'ee-doctor-'));
    try {
      mkdirSync(join(folder, '.devcontainer'));
      mkdirSync(join(folder, 'services'));
      const services = (name: string): string =>
        `services: { ${name}: { ports: ["8064:5064"], environment: [EPICS_CA_ADDR_LIST=x] } }\n`;
      writeFileSync(join(folder, '.devcontainer/devcontainer.json'), '{ "forwardPorts": [5064] }');
      const includes = [
        'services/one.yml',
        'services/link.yml',
        `${outside}/two.yml`,
        'compose.yml',
      ];
      writeFileSync(join(folder, 'compose.yml'), `include: [${includes.join(', ')}]\n`);
      writeFileSync(join(folder, 'services/one.yml'), services('one'));
      writeFileSync(join(outside, 'two.yml'), services('two'));
      symlinkSync(join(outside, 'two.yml'), join(folder, 'services/link.yml'));
      // What sets up clients; of something else are a settings.ini and env.sh.
      mkdirSync(join(folder, 'opi'));
      const preference = 'org.phoebus.pv.pva/server_port=5075\n';
      writeFileSync(join(folder, 'opi/settings.ini'), preference);
      writeFileSync(join(folder, 'settings.ini'), '[window]\nsize=3\n');
      writeFileSync(join(folder, 'environment.sh'), 'export EPICS_PVA_NAME_SERVERS=127.0.0.1:9\n');
      writeFileSync(join(folder, '.env'), 'COMPOSE_PROJECT_NAME=x\n');
      writeFileSync(join(folder, 'env.sh'), 'EPICS_CA_ADDR_LIST=a,b\n');
      const { stdout } = await doctor('--workspace', folder, 'DEMO:MOTOR');
      const notes = stdout.split('\n').filter((line) => line.startsWith('note: '));
      assert.deepEqual(
        notes.map((line) => line.split(': ', 2)[1]),
        [
          '.devcontainer/devcontainer.json:1',
          'environment.sh:1',
          'opi/settings.ini:1',
          'services/one.yml:1',
        ],
      );
      writeFileSync(join(folder, '.env'), 'EPICS_CA_ADDR_LIST=127.0.0.1,127.0.0.2\n');
      const wrong = await doctor('--workspace', folder, 'DEMO:MOTOR');
      assert.match(wrong.stdout, /^note: \.env:1: EPICS_CA_ADDR_LIST=.* separated by blanks/m);
      // A file that is examined for the client anyway is not told twice.
      const named = await doctor('-w', folder, '--env-from', join(folder, '.env'), 'DEMO:MOTOR');
      assert.doesNotMatch(named.stdout, /note: \.env:1: /);
    } finally {
      for (const path of [folder, outside]) rmSync(path, { recursive: true });
    }
  });
});
