import assert from 'node:assert/strict';
import { silentLog } from '../../../../src/base/log';
import { DEMO_PVS, DemoValues } from '../../../../src/demo/demoPvs';
import { DemoServers } from '../../../../src/demo/demoServers';
import { duplexPair } from '../../../../src/node/relay/duplexPair';
import { NameTable } from '../../../../src/model/pvTable';
import { createReachability } from '../../../../src/services/upstream/createReachability';
import { MAX_HELD_CHANNELS } from '../../../../src/services/upstream/reachabilityWatcher';
import { FakeClock, settle } from '../../../support/fakeClock';

const absentCount = MAX_HELD_CHANNELS + 1500;

for (const protocol of ['ca', 'pva'] as const) {
  it(`${protocol}: PVs beyond those whose channels are held are searched for`, async () => {
    const clock = new FakeClock();
    const values = new DemoValues(clock);
    const names = new NameTable();
    const source = { kind: 'database', file: '/x.db', line: 1 } as const;
    names.add(
      Array.from({ length: absentCount }, (_, index) => `ABSENT:${index}`),
      source,
    );
    names.add(
      DEMO_PVS.map((pv) => pv.name),
      source,
    );
    const reachability = createReachability(protocol, {
      names,
      dial() {
        const [client, server] = duplexPair();
        client.pause();
        server.on('error', () => undefined);
        new DemoServers(values).serve(protocol === 'ca' ? 5064 : 5075, server);
        return Promise.resolve(client);
      },
      onCircuitLost: () => undefined,
      isGateway: false,
      clientName: 'test',
      hostName: 'here',
      clock,
      log: silentLog,
    });
    try {
      while (reachability.steps.count('pending') > 0 && !reachability.problem) await settle();
      assert.equal(reachability.problem, undefined);
      assert.equal(reachability.steps.get(absentCount), 'reachable');
      assert.equal(reachability.steps.count('not-found'), absentCount);
    } finally {
      reachability.dispose();
      values.dispose();
    }
  });
}
