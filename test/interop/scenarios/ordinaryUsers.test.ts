/** The command run by people who are not root, with what they may use: a group's socket, their own engine. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runProgram } from '../../support/command';
import { CLI } from '../../support/exposed';
import type { EngineKind } from '../../support/lab/engine';
import { needsEngine } from '../../support/lab/needs';
import { exposedServers, Scene } from '../../support/scene';

describe('ordinary users', () => {
  for (const kind of ['docker', 'rootless'] as EngineKind[]) {
    it(`of ${kind}`, async function () {
      this.timeout(180_000);
      const lab = await needsEngine(this, kind);
      const scene = new Scene(lab);
      const folder = mkdtempSync(join(tmpdir(), 'epics-expose-user-'));
      const socket = lab.endpoint.slice('unix://'.length);
      const user = kind === 'docker' ? { uid: 65534, gid: 65534 } : await idOf(lab.user);
      try {
        for (const file of ['cli.js', 'agent.js', 'agent.py']) {
          copyFileSync(join(dirname(CLI), file), join(folder, file));
        }
        chmodSync(folder, 0o755);
        const home = join(folder, 'home');
        mkdirSync(home);
        chownSync(home, user.uid, user.gid);
        if (kind === 'docker') chownSync(socket, 0, user.gid); // as the group docker has it
        const box = await scene.ioc({ macros: 'P=USER:', user: '1000:1000', isLoopbackOnly: true });
        const exposed = scene.expose([box], [], {
          ...user,
          cli: join(folder, 'cli.js'),
          env: { PATH: process.env['PATH'], HOME: home },
        });
        const servers = await exposedServers(exposed, box.name, 2);
        assert.deepEqual(
          servers.map(({ way }) => way),
          kind === 'docker' ? ['exec-connector', 'exec-connector'] : ['entered', 'entered'],
        );
        assert.deepEqual(await exposed.read('USER:TEMPERATURE'), [21.5, 21.5]);
      } finally {
        if (kind === 'docker') chownSync(socket, 0, 0);
        await scene.end();
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});

async function idOf(user: string): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await runProgram('id', [flag, user])).stdout)),
  );
  return { uid: uid ?? 0, gid: gid ?? 0 };
}
