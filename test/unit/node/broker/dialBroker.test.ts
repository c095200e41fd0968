import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brokerPaths } from '../../../../src/node/broker/brokerPaths';
import { dialBroker } from '../../../../src/node/broker/dialBroker';
import { FakeClock } from '../../../support/fakeClock';
import { skip } from '../../../support/skip';

describe('a broker that is called', () => {
  it('is nobody when it ends before it has taken the call', async function () {
    if (process.platform === 'win32') skip(this, 'needs sockets that are files', 'platform');
    const folder = mkdtempSync(join(tmpdir(), 'eeb-'));
    try {
      const place = brokerPaths({ EPICS_EXPOSE_BROKER_DIR: folder });
      assert.ok(place);
      const server = createServer(() => assert.fail('it was taken'));
      server.listen(place.socket);
      await once(server, 'listening');
      const dialling = dialBroker(place, new FakeClock(), new AbortController().signal);
      // The call waits in the system, which resets it.
      server.close();
      assert.equal(await dialling, undefined);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
