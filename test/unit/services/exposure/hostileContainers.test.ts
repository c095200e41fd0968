/** What a container must not do to the core and to front ends, whatever it says. */
import assert from 'node:assert/strict';
import { decodeJson, encodeJson } from '../../../../src/rpc/rpcConnection';
import { snapshot as snapshotSchema } from '../../../../src/rpc/messageSchemas';
import { check } from '../../../../src/rpc/schema';
import {
  descriptorsOf,
  parseLookSections,
} from '../../../../src/services/discovery/detect/parseLook';
import { parseSocketTable } from '../../../../src/services/discovery/detect/parseProc';
import { CoreScene } from '../../../support/coreScene';

describe('a container', () => {
  it('whose server is reached at the second attempt does not stop everything', async () => {
    for (const facts of [{ commandLine: ['pvagw'] }, { commandLine: ['softIoc'] }]) {
      const scene = new CoreScene();
      const openRelay = scene.machine.openRelay.bind(scene.machine);
      scene.machine.openRelay = async (...place) => {
        await new Promise((resolve) => setImmediate(resolve));
        return openRelay(...place);
      };
      const dev = scene.engine.run('dev');
      dev.showsProcesses = facts.commandLine[0] === 'pvagw';
      dev.blocked.set('entered', 'not now');
      dev.start({ name: 'GW', servers: { 5064: 'ca', 40_001: 'pva' }, ...facts });
      await scene.open();
      dev.blocked.clear();
      await scene.clock.advance(10_000);
      assert.equal(scene.line('dev', 'pva'), 'exposed 127.0.0.1:40001 12/12');
      await scene.end();
    }
  });

  it('cannot keep front ends out with a label', async () => {
    for (const labels of [{ $number: '1' }, { $integer: '7' }, { $$number: 'x' }]) {
      const scene = new CoreScene();
      scene.engine.run('evil', { labels }).start({ name: 'IOC' });
      await scene.open();
      const wire = decodeJson(encodeJson({ jsonrpc: '2.0', s: scene.snapshot }));
      const { s } = wire as unknown as { s: typeof scene.snapshot };
      assert.deepEqual(check(snapshotSchema, s, 'snapshot').containers[0]?.labels, labels);
      await scene.end();
    }
  });

  it('has no pids and no ports that are none', () => {
    const marker = '#mark';
    const listing = `lrwx 1 0 0 64 0 -> socket:[5]\n`;
    const fds = `/proc/${'9'.repeat(30)}/fd:\n${listing}/proc/7/fd:\n${listing}`;
    const { inodesOfPid } = descriptorsOf(parseLookSections(`${marker} fds 0\n${fds}`, marker));
    assert.deepEqual([...inodesOfPid.keys()], [7]);
    const line = (port: string): string =>
      `   0: 00000000:${port} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5 1`;
    const ports = parseSocketTable(['  sl', line('1FFFF'), line('13C8')].join('\n'), 'tcp').map(
      ({ port }) => port,
    );
    assert.deepEqual(ports, [5064]);
  });

  it('whose processes come and go all the time does not fill the snapshot', async () => {
    const scene = new CoreScene();
    const dev = scene.engine.run('dev');
    await scene.open();
    for (let round = 0; round < 60; round++) {
      const ioc = dev.start({ name: `IOC${round}` });
      await scene.clock.advance(200);
      dev.end(ioc);
    }
    await scene.clock.advance(200);
    const { iocs } = scene.container('dev');
    assert.ok(iocs.length > 0 && iocs.length <= 20, `${iocs.length} IOCs`);
    assert.ok(iocs.some(({ name }) => name === 'IOC59'));
    await scene.end();
  });
});
