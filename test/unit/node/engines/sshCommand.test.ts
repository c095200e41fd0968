import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { parseEngineTarget } from '../../../../src/node/engines/engineTarget';
import {
  parseProbe,
  socketProbe,
  sshCommand,
  sshProblem,
  type SshTarget,
} from '../../../../src/node/engines/sshCommand';
import { said } from '../../../support/said';

const target = parseEngineTarget('ssh://ioc@beamline:2222', { identityFile: '/k' }) as SshTarget;

describe('ssh command', () => {
  it('never asks, and passes what the address says', () => {
    const env = { EPICS_EXPOSE_SSH_OPTIONS: ' -F  /tmp/config ' };
    const argv = sshCommand(target, env, ['-nNT'], ['true']);
    assert.deepEqual(argv.slice(0, 3), ['ssh', '-F', '/tmp/config']);
    assert.ok(argv.includes('BatchMode=yes'));
    const expected = ['-l', 'ioc', '-p', '2222', '-i', '/k', '-nNT', '--', 'beamline', 'true'];
    assert.deepEqual(argv.slice(-expected.length), expected);
  });

  it('asks a shell over there for a socket', () => {
    for (const path of ['/no such/docker.sock', `/it's/$HOME.sock`, undefined]) {
      const [line = ''] = socketProbe(path);
      const env = { HOME: '/nowhere', XDG_RUNTIME_DIR: '/nowhere', PATH: process.env['PATH'] };
      const output = execFileSync('sh', ['-c', line], { encoding: 'utf8', env });
      assert.ok(parseProbe(output), `${path}: ${output}`);
      if (path !== undefined) assert.deepEqual(parseProbe(output), { kind: 'none' });
    }
  });

  it('finds the answer among what login scripts print', () => {
    assert.deepEqual(
      parseProbe('Welcome!\nengine-socket denied /a\nengine-socket ok /b c.sock\n'),
      { kind: 'ok', path: '/b c.sock' },
    );
    assert.deepEqual(parseProbe('engine-socket denied /a\nengine-socket none'), {
      kind: 'denied',
      path: '/a',
    });
    assert.equal(parseProbe('This account is currently not available.'), undefined);
  });

  it('knows what ssh means', () => {
    const table: [string, string, boolean][] = [
      ['ioc@beamline: Permission denied (publickey,password).', 'ssh-auth', true],
      [
        'Received disconnect from 1.2.3.4 port 22:2: Too many authentication failures',
        'ssh-auth',
        true,
      ],
      ['Host key verification failed.', 'ssh-host-key', true],
      [
        'ssh: Could not resolve hostname beamline: Name or service not known',
        'ssh-unreachable',
        false,
      ],
      ['ssh: connect to host beamline port 22: Connection refused', 'ssh-unreachable', false],
      ['kex_exchange_identification: read: Connection reset by peer', 'ssh-unreachable', false],
      ['sh: 4: ssh: not found', 'ssh-missing', true],
      ['something new', 'ssh-failed', false],
      ['', 'ssh-failed', false],
    ];
    for (const [output, code, isPatient] of table) {
      const { problem, retryAfterMs } = sshProblem(target, output);
      assert.equal(problem.code, code, output);
      assert.ok(said(problem).includes(output), said(problem));
      assert.equal(retryAfterMs > 0, isPatient, output);
    }
  });
});
