/** What the kernel tells of all sockets of the machine, wherever they are. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { MachineSockets } from '../../src/node/containers/machineSockets';
import { until } from '../support/until';

/** Many at once, because other programs of the machine open and close some, too. */
const SERVERS = 50;
const PROGRAM = `
  const { createServer } = require('net');
  let left = ${SERVERS};
  for (let index = 0; index < ${SERVERS}; index++)
    createServer().listen(0, () => --left === 0 && console.log('all listen'));
  process.stdin.on('end', () => process.exit()).resume();`;

describe('the number of sockets of the machine', () => {
  before(function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) this.skip();
  });

  it('tells of servers in another network namespace that come and go', async () => {
    const sockets = new MachineSockets();
    let nowMs = 0;
    const count = (): number => Number(sockets.count((nowMs += 1000)));
    const before = count();
    assert.ok(before >= 0);
    const servers = spawn('unshare', ['-n', process.execPath, '-e', PROGRAM]);
    const closed = once(servers, 'close');
    try {
      await once(servers.stdout, 'data');
      const during = count();
      assert.ok(during >= before + SERVERS / 2, `${before}, then ${during}`);
      servers.stdin.end();
      await until(() => count() <= during - SERVERS / 2, 10_000, 'their end to be counted');
    } finally {
      servers.kill('SIGKILL');
      await closed;
    }
  });

  it('gives one answer to all who ask at the same moment', () => {
    const sockets = new MachineSockets();
    const [first, second] = [sockets.count(1000), sockets.count(1001)];
    assert.equal(first, second);
    assert.match(first ?? '', /^\d+$/);
  });
});
