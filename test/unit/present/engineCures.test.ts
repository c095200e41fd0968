import assert from 'node:assert/strict';
import type { Problem } from '../../../src/model/problem';
import type { Snapshot } from '../../../src/model/snapshot';
import { permitEngineLine, startEngineLine } from '../../../src/present/engineCures';

describe('engineCures', () => {
  const withProblem = (engineProblem: Problem): Snapshot => ({
    ...{ isSettled: true, engines: [], containers: [], unknownNames: [] },
    engineProblem,
  });

  it('start the engine that is missing, as its system does', () => {
    const none = withProblem({ code: 'no-engine' });
    const podman = withProblem({
      ...{ code: 'engine-not-running', isMissing: true },
      path: '/run/user/1000/podman/podman.sock',
    });
    assert.equal(startEngineLine(none, 'linux'), 'sudo systemctl start docker');
    assert.equal(startEngineLine(none, 'darwin'), 'open -a Docker');
    assert.equal(startEngineLine(none, 'win32'), 'docker desktop start');
    assert.equal(startEngineLine(podman, 'linux'), 'systemctl --user start podman.socket');
    assert.equal(startEngineLine(podman, 'win32'), 'podman machine start');
  });

  it('permit the use of Docker, or lead to a Podman of one’s own', () => {
    const denied = (path: string): Snapshot => withProblem({ code: 'engine-permission', path });
    assert.equal(permitEngineLine(denied('/var/run/docker.sock')), 'sudo usermod -aG docker $USER');
    assert.equal(
      permitEngineLine(denied('/run/podman/podman.sock')),
      'systemctl --user start podman.socket',
    );
  });
});
