import assert from 'node:assert/strict';
import { TimeoutError } from '../../../../src/base/errors';
import { parseIdentity } from '../../../../src/node/engines/engineHello';
import { engineMessageOf, problemOf } from '../../../../src/node/engines/engineProblem';
import { parseEngineTarget } from '../../../../src/node/engines/engineTarget';
import { advised, said } from '../../../support/said';

const failure = (code: string, more: object = {}): Error =>
  Object.assign(new Error(`it failed: ${code}`), { code, ...more });

describe('engine problem', () => {
  it('says what is wrong and what to do', () => {
    const docker = parseEngineTarget('/var/run/docker.sock');
    const podman = parseEngineTarget('/run/user/1000/podman/podman.sock');
    const tcp = parseEngineTarget('tcp://h:2376');
    const table: [Error, typeof docker, string, RegExp][] = [
      [failure('EACCES'), docker, 'engine-permission', /usermod -aG docker \$USER/],
      [failure('EACCES'), podman, 'engine-permission', /rootless Podman/],
      [failure('ENOENT'), docker, 'engine-not-running', /systemctl start docker/],
      [failure('ECONNREFUSED'), podman, 'engine-not-running', /podman\.socket/],
      [failure('SELF_SIGNED_CERT_IN_CHAIN'), tcp, 'engine-tls', /DOCKER_CERT_PATH/],
      [failure('ERR_SSL_WRONG_VERSION_NUMBER'), tcp, 'engine-tls', /TLS/],
      [new TimeoutError('late'), tcp, 'engine-timeout', /restart/],
      [failure('EHOSTUNREACH'), tcp, 'engine-unreachable', /network/],
      [new Error('wrapped', { cause: failure('EACCES') }), docker, 'engine-permission', /usermod/],
    ];
    for (const [error, target, code, advice] of table) {
      const problem = problemOf(error, target);
      assert.equal(problem.code, code, error.message);
      assert.match(advised(problem), advice);
      assert.match(said(problem), /\.$/);
    }
  });

  it('recognises plain HTTP where TLS is wanted', () => {
    const message =
      '(HTTP code 400) unexpected - Client sent an HTTP request to an HTTPS server.\n ';
    const error = Object.assign(new Error(message), { statusCode: 400 });
    assert.equal(problemOf(error, parseEngineTarget('tcp://h:1')).code, 'engine-tls');
    assert.equal(engineMessageOf(error), 'Client sent an HTTP request to an HTTPS server.');
  });
});

describe('engine identity', () => {
  const podmanVersion = { Version: '4.3.1', Components: [{ Name: 'Podman Engine' }] };
  const podmanInfo = { Name: 'vm', DockerRootDir: '/r', KernelVersion: '6', NCPU: 2, MemTotal: 1 };

  it('is the ID of Docker, and the storage of Podman, whose ID is new each time', () => {
    const version = { Version: '20.10.24', Components: [{ Name: 'Engine' }] };
    assert.deepEqual(parseIdentity(version, { ID: 'FJ7H', SecurityOptions: ['name=seccomp'] }), {
      kind: 'docker',
      version: '20.10.24',
      isRootless: false,
      id: 'docker FJ7H',
    });
    const one = parseIdentity(podmanVersion, { ...podmanInfo, ID: 'a', Rootless: false });
    const again = parseIdentity(podmanVersion, { ...podmanInfo, ID: 'b', Rootless: false });
    assert.deepEqual(one, again);
    const other = parseIdentity(podmanVersion, { ...podmanInfo, ID: 'b', Rootless: true });
    assert.notEqual(one.id, other.id);
  });

  it('knows rootless engines of both kinds', () => {
    const rootless = { SecurityOptions: ['name=seccomp,profile=builtin', 'name=rootless'] };
    assert.equal(parseIdentity({}, rootless).isRootless, true);
    assert.equal(parseIdentity(podmanVersion, { Rootless: true }).isRootless, true);
  });
});
