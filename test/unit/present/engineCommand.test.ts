import assert from 'node:assert/strict';
import { engineCommand } from '../../../src/present/engineCommand';

describe('engineCommand', () => {
  const dev = { name: 'dev', id: '0123456789ab' };
  const docker = { kind: 'docker', key: 'unix:///var/run/docker.sock' };
  const podman = { kind: 'podman', key: 'unix:///run/user/1000/podman/podman.sock' };

  it('is what a user types for that engine', () => {
    assert.equal(
      engineCommand(docker, dev, 'restart'),
      'docker -H unix:///var/run/docker.sock restart dev',
    );
    assert.equal(
      engineCommand({ ...docker, key: 'ssh://me@host' }, dev, 'log'),
      'docker -H ssh://me@host logs --tail 200 -f dev',
    );
    assert.equal(
      engineCommand(podman, dev, 'unpause'),
      'podman --url unix:///run/user/1000/podman/podman.sock unpause dev',
    );
  });

  it('is none where there is no such command, or it would need quotes', () => {
    assert.equal(engineCommand({ kind: 'demo', key: 'demo:' }, dev, 'start'), undefined);
    assert.equal(
      engineCommand({ ...docker, key: 'unix:///a b/docker.sock' }, dev, 'start'),
      undefined,
    );
    const odd = { name: 'x; rm -rf $HOME', id: '0123456789ab' };
    assert.equal(
      engineCommand(docker, odd, 'start'),
      'docker -H unix:///var/run/docker.sock start 0123456789ab',
    );
    assert.equal(
      engineCommand(docker, { name: '--help', id: 'abcd' }, 'start'),
      'docker -H unix:///var/run/docker.sock start abcd',
    );
  });

  it('has no option for a container, and nothing that a shell expands', () => {
    for (const bad of [
      '-eHOME',
      '--env-file=/etc/passwd',
      '%PATH%',
      '=ls',
      '@x',
      ',a',
      'a\nb',
      '',
    ]) {
      assert.equal(engineCommand(docker, { name: bad, id: bad }, 'shell'), undefined, bad);
      assert.equal(engineCommand({ ...docker, key: bad }, dev, 'shell'), undefined, bad);
    }
  });
});
