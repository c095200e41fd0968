import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { killBroker } from '../../../../src/node/broker/killBroker';
import { skip } from '../../../support/skip';

describe('ending a broker that does not answer', () => {
  before(function () {
    if (process.platform !== 'linux') skip(this, 'looks at /proc', 'platform');
  });

  it('ends no other process, whatever number the broker told', async () => {
    const other = spawn('sleep', ['60']);
    try {
      await once(other, 'spawn');
      assert.throws(() => killBroker(other.pid ?? 0), /is no background process of epics-expose/);
      for (const pid of [0, 1, -1, 1.5, NaN, 2 ** 40]) assert.throws(() => killBroker(pid));
      assert.equal(other.exitCode ?? other.signalCode, null);
    } finally {
      other.kill();
      await once(other, 'exit');
    }
  });

  it('ends one that is', async () => {
    const script = 'setInterval(() => {}, 1000); console.log("ready")';
    const broker = spawn(process.execPath, ['-e', script, 'epics-expose-broker']);
    await once(broker.stdout, 'data');
    killBroker(broker.pid ?? 0);
    const [, signal] = (await once(broker, 'exit')) as [unknown, string];
    assert.equal(signal, 'SIGKILL');
  });
});
