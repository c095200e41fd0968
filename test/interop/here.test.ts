import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerJson } from '../../src/cli/snapshotJson';
import { Exposed } from '../support/exposed';
import { freePort } from '../support/freePort';
import { skip } from '../support/skip';

const softIoc = join(__dirname, '../../.cache/epics/bin/softIocPvx');

/** What a front end within a container sees: the IOCs beside it, with nothing to relay. */
describe('the engine here:', () => {
  it('shows an IOC that runs beside us, and relays nothing', async function () {
    if (!existsSync(softIoc)) skip(this, 'needs the IOCs: node test/support/setup.mjs', 'iocs');
    const folder = mkdtempSync(join(tmpdir(), 'ee-here-'));
    const database = join(folder, 'here.db');
    writeFileSync(database, 'record(ai, "HERE:A") { field(PINI, "YES") }\n');
    const port = await freePort();
    const ioc = spawn(softIoc, ['-d', database], {
      env: {
        ...process.env,
        IOC_NAME: 'HERE_IOC',
        EPICS_CA_SERVER_PORT: String(port),
        EPICS_CAS_INTF_ADDR_LIST: '127.0.0.1',
        EPICS_PVAS_INTF_ADDR_LIST: '127.0.0.1',
        EPICS_PVAS_SERVER_PORT: String(await freePort()),
      },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const ended = once(ioc, 'exit');
    const exposed = Exposed.start(['--engine', 'here:']);
    try {
      const servers = (): ServerJson[] =>
        exposed
          .iocs()
          .filter(({ name }) => name === 'HERE_IOC')
          .flatMap((found) => found.servers);
      const areReachable = (): boolean =>
        servers().length === 2 && servers().every(({ pvs }) => pvs.reachable === 1);
      await exposed.until(areReachable, 30_000, 'HERE_IOC to be reachable');
      const server = servers().find(({ protocol }) => protocol === 'ca');
      assert.deepEqual(server?.local, { host: '127.0.0.1', port });
      assert.equal(server.way, 'host-network');
    } finally {
      await exposed.stop();
      ioc.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true });
    }
  });
});
