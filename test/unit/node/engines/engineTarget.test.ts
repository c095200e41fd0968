import assert from 'node:assert/strict';
import { parseEngineTarget } from '../../../../src/node/engines/engineTarget';

describe('engine target', () => {
  it('is a socket, a pipe, TCP or ssh', () => {
    assert.deepEqual(parseEngineTarget('/run/x.sock'), {
      kind: 'unix',
      uri: 'unix:///run/x.sock',
      path: '/run/x.sock',
    });
    assert.deepEqual(parseEngineTarget('unix://'), parseEngineTarget('/var/run/docker.sock'));
    assert.deepEqual(parseEngineTarget('npipe:////./pipe/docker_engine'), {
      kind: 'npipe',
      uri: 'npipe:////./pipe/docker_engine',
      path: '//./pipe/docker_engine',
    });
    assert.deepEqual(parseEngineTarget(String.raw`npipe://\\.\pipe\x`), {
      kind: 'npipe',
      uri: 'npipe:////./pipe/x',
      path: '//./pipe/x',
    });
    assert.deepEqual(
      parseEngineTarget('ssh://ioc@beamline:2222/run/user/1000/podman/podman.sock'),
      {
        kind: 'ssh',
        uri: 'ssh://ioc@beamline:2222/run/user/1000/podman/podman.sock',
        host: 'beamline',
        user: 'ioc',
        port: 2222,
        remotePath: '/run/user/1000/podman/podman.sock',
      },
    );
    assert.deepEqual(parseEngineTarget('ssh://beamline/'), {
      kind: 'ssh',
      uri: 'ssh://beamline/',
      host: 'beamline',
    });
  });

  it('has the ports and the TLS that Docker takes for granted', () => {
    const tls = { ca: '/c/ca.pem' };
    const table: [string, { tls: typeof tls } | undefined, string, object | undefined][] = [
      ['tcp://h', undefined, 'tcp://h:2375', undefined],
      ['tcp://h', { tls }, 'tcp://h:2376', tls],
      ['tcp://h:80', undefined, 'tcp://h:80', undefined],
      ['tcp://h:2376', undefined, 'tcp://h:2376', {}],
      ['https://h', undefined, 'tcp://h:2376', {}],
      ['http://h:1234/', undefined, 'tcp://h:1234', undefined],
      ['tcp://[::1]:99', undefined, 'tcp://[::1]:99', undefined],
      ['h:99', undefined, 'tcp://h:99', undefined],
    ];
    for (const [text, options, uri, expected] of table) {
      const target = parseEngineTarget(text, options);
      assert.equal(target.uri, uri, text);
      assert.deepEqual(target.kind === 'tcp' && target.tls, expected, text);
    }
  });

  it('is nothing else', () => {
    const wrong = ['', 'x', 'ftp://h', 'tcp://', 'ssh://', 'ssh://-oProxyCommand=x/', 'ssh://-x@h'];
    for (const text of wrong) {
      assert.throws(() => parseEngineTarget(text), { code: 'usage' }, text);
    }
  });
});
