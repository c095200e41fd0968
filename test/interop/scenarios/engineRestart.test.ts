/** The engine itself ends and starts again under the command. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startDocker } from '../../support/lab/engine';
import { needsEngine } from '../../support/lab/needs';
import { isRunning } from '../../support/lab/process';
import { exposedServers, Scene } from '../../support/scene';
import { until } from '../../support/until';

describe('an engine restarted', () => {
  it('is told, and its IOCs come back when their containers do', async function () {
    this.timeout(180_000);
    await needsEngine(this, 'docker');
    const lab = await startDocker();
    const scene = new Scene(lab);
    try {
      const box = await scene.ioc({ macros: 'P=DAEMON:' });
      const exposed = scene.expose([box]);
      await exposedServers(exposed, box.name, 2);
      const pid = Number(readFileSync(join(lab.folder, 'engine.pid'), 'utf8'));
      const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        .split('\0')
        .slice(0, -1);
      process.kill(pid, 'SIGTERM');
      await until(() => !isRunning(pid), 20_000, 'dockerd to end');
      const status = (): string | undefined => exposed.snapshot.engines[0]?.status;
      await exposed.until(() => status() === 'unreachable', 10_000, 'the loss to be told');
      spawn(program, args, { detached: true, stdio: 'ignore' }).unref();
      await exposed.until(() => status() === 'connected', 30_000, 'the engine again');
      await box.start();
      await exposedServers(exposed, box.name, 2);
      assert.deepEqual(await exposed.read('DAEMON:TEMPERATURE'), [21.5, 21.5]);
    } finally {
      await scene.end();
      lab.stop();
    }
  });
});
