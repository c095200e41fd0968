import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrokerPaths, brokerPaths } from '../../../../src/node/broker/brokerPaths';
import { endSilent } from '../../../../src/node/broker/endSilent';
import { findSilent, removePid, writePid } from '../../../../src/node/broker/findSilent';
import { startTicksOf } from '../../../../src/node/containers/hostProcess';
import { skip } from '../../../support/skip';
import { until } from '../../../support/until';

describe('a broker that does not answer', () => {
  let place: BrokerPaths;

  before(function () {
    if (process.platform !== 'linux') skip(this, 'looks at /proc', 'platform');
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'ee-silent é ')));
    const paths = brokerPaths({ EPICS_EXPOSE_BROKER_DIR: folder });
    assert.ok(paths);
    place = paths;
  });
  after(() => {
    if (place) rmSync(place.folder, { recursive: true, force: true });
  });

  it('is the process that wrote its number and start', async () => {
    assert.deepEqual(findSilent(place), {});
    assert.throws(
      () => endSilent(place),
      /It is not known which process listens at .*broker\.sock/,
    );
    writePid(place);
    assert.deepEqual(findSilent(place), { pid: process.pid });
    const broker = spawn('sleep', ['60']);
    const { pid = 0 } = broker;
    try {
      await once(broker, 'spawn');
      writeFileSync(place.pidFile, `${pid} ${startTicksOf(pid)}\n`);
      assert.deepEqual(findSilent(place), { pid });
      broker.kill('SIGSTOP');
      await until(() => findSilent(place).isSuspended === true, 5000, 'the suspended process');
      // What another one wrote stays.
      removePid(place);
      assert.ok(existsSync(place.pidFile));
      const ended = once(broker, 'exit');
      endSilent(place);
      assert.equal((await ended)[1], 'SIGKILL');
    } finally {
      broker.kill('SIGKILL');
    }
    assert.deepEqual(findSilent(place), {});
  });

  it('is no later process of that number, and nothing where the file makes no sense', () => {
    const ticks = startTicksOf('self') ?? 0;
    for (const text of [
      ...[`${process.pid} ${ticks + 1}\n`, `${process.pid}\n`, '', '1 1\n', '0 0\n', '-1 1\n'],
      ...[`${2 ** 60} 1\n`, `${process.pid} ${ticks}\n${process.pid} ${ticks}\n`],
    ]) {
      writeFileSync(place.pidFile, text);
      assert.deepEqual(findSilent(place), {}, JSON.stringify(text));
      assert.throws(() => endSilent(place), /It is not known which process/);
    }
    writePid(place);
    removePid(place);
    assert.ok(!existsSync(place.pidFile));
    removePid(place);
  });
});
