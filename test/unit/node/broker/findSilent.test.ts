import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brokerPaths } from '../../../../src/node/broker/brokerPaths';
import { endSilent } from '../../../../src/node/broker/endSilent';
import { findSilent, listenersAt } from '../../../../src/node/broker/findSilent';
import { skip } from '../../../support/skip';
import { until } from '../../../support/until';

describe('a broker that does not answer', () => {
  let folder: string;

  before(function () {
    if (process.platform !== 'linux') skip(this, 'looks at /proc', 'platform');
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'ee-silent é ')));
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  function place(): NonNullable<ReturnType<typeof brokerPaths>> {
    const paths = brokerPaths({ EPICS_EXPOSE_BROKER_DIR: folder });
    assert.ok(paths);
    return paths;
  }

  it('is the process that listens on its socket, whatever number it told', async () => {
    assert.deepEqual(await findSilent(place()), {});
    await assert.rejects(endSilent(place(), process.pid), /No process of this machine is seen/);
    const script = `require('node:net').createServer().listen(${JSON.stringify(place().socket)}, () => console.log('ready'))`;
    const other = spawn('sleep', ['60']);
    const broker = spawn(process.execPath, ['-e', script]);
    try {
      await once(broker.stdout, 'data');
      const { pid } = broker;
      assert.deepEqual(await findSilent(place()), { pid });
      broker.kill('SIGSTOP');
      await until(
        async () => (await findSilent(place())).isSuspended === true,
        5000,
        'the suspended process',
      );
      const ended = once(broker, 'exit');
      await endSilent(place(), other.pid);
      assert.equal((await ended)[1], 'SIGKILL');
      assert.equal(other.exitCode ?? other.signalCode, null);
    } finally {
      broker.kill('SIGKILL');
      other.kill();
      await once(other, 'exit');
    }
  });

  it('is read from lines of /proc/net/unix', () => {
    const table = [
      'Num       RefCount Protocol Flags    Type St Inode Path',
      '0000000000000000: 00000002 00000000 00010000 0001 01 111 /run/a b.sock',
      '0000000000000000: 00000003 00000000 00000000 0001 03 222 /run/a b.sock',
      '0000000000000000: 00000002 00000000 00010000 0001 01 333 /run/a b.sock.old',
      '0000000000000000: 00000003 00000000 00000000 0001 03 444',
    ].join('\n');
    assert.deepEqual(listenersAt(table, '/run/a b.sock'), [111]);
    assert.deepEqual(listenersAt('', '/run/a b.sock'), []);
  });
});
