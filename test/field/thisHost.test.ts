/** Clients with no environment at all, which broadcast, find the PVs of containers. */
import assert from 'node:assert/strict';
import { caget } from '../support/clients';
import { needsEngine, needsOwnNetwork } from '../support/lab/needs';
import { Scene } from '../support/scene';

describe('searches by broadcast', () => {
  it('host network', async function () {
    needsOwnNetwork(this);
    const scene = new Scene(await needsEngine(this, 'rootless'));
    try {
      await scene.ioc({ macros: 'P=HOST:', network: 'host' });
      const [result] = await caget(['HOST:TEMPERATURE'], {});
      assert.equal(result?.ok && result.value, 21.5);
    } finally {
      await scene.end();
    }
  });
});
