/** What a broker does with what a front end asks: passes it on as it is, or refuses it in a sentence. */
import assert from 'node:assert/strict';
import { ErrorCodes, ResponseError } from 'vscode-jsonrpc/node';
import { silentLog } from '../../../src/base/log';
import type { CoreRequests, CoreApi } from '../../../src/model/coreApi';
import { duplexPair } from '../../../src/node/relay/duplexPair';
import { serveFrontEnd } from '../../../src/rpc/coreServer';
import { type BrokerFacts, RPC_PROTOCOL } from '../../../src/rpc/messages';
import { createRpcConnection } from '../../../src/rpc/rpcConnection';
import { FakeClock } from '../../support/fakeClock';
import { snapshotWith } from '../../support/snapshots';

const FACTS: BrokerFacts = {
  ...{ protocol: RPC_PROTOCOL, version: '0.1.0', pid: 1, isForeground: false, frontEndCount: 1 },
};
const HELLO = { protocol: RPC_PROTOCOL, version: '0.1.0', clientId: 'x', clientName: 'a test' };
const ENDPOINT = { host: '127.0.0.1', port: 5064 };

describe('what a front end asks', () => {
  const asked: [string, unknown][] = [];
  const note =
    <R>(name: string, answer: R) =>
    (params: unknown): Promise<R> => {
      asked.push([name, params]);
      return Promise.resolve(answer);
    };
  const requests: CoreRequests = {
    listPvs: note('listPvs', { total: 0, reachable: 0, rows: [] }),
    listBranch: note('listBranch', { groups: [], rows: [] }),
    countPvs: note('countPvs', []),
    findAlarms: note('findAlarms', { total: 0, lookedAt: 0, rows: [] }),
    listContainers: note('listContainers', []),
    describePv: note('describePv', { name: 'X', paths: [] }),
    findUnlisted: note('findUnlisted', ['A:PV']),
    findSimilar: note('findSimilar', [{ name: 'A:PV', iocName: 'IOC', containerName: 'dev' }]),
    findRecord: note('findRecord', []),
    findDuplicates: note('findDuplicates', []),
    traceEndpoint: note('traceEndpoint', { protocol: 'ca', endpoint: ENDPOINT, hasAnswered: true }),
    readContainerLog: note('readContainerLog', ['a line']),
    readPv: note('readPv', { value: 1, severity: 'NO_ALARM' }),
  };
  const core: CoreApi = {
    ...requests,
    snapshot: snapshotWith([{ local: ENDPOINT }]),
    onDidChange: () => ({ dispose: () => undefined }),
    setRequest: note('core.setRequest', undefined),
    monitorPv: () => assert.fail('nothing is followed'),
    followPvs: () => assert.fail('nothing is followed'),
    plotPv: () => assert.fail('nothing is followed'),
    dispose: () => undefined,
  };

  async function connected() {
    asked.length = 0;
    const [ours, theirs] = duplexPair();
    const serving = serveFrontEnd(
      theirs,
      {
        facts: FACTS,
        requests: [],
        attach: () => ({
          core,
          request: undefined,
          setRequest: note('setRequest', undefined),
          detach: () => undefined,
        }),
        handOver: () => Promise.resolve(),
        stop: () => undefined,
      },
      new FakeClock(),
      silentLog,
    );
    const connection = createRpcConnection(ours);
    connection.listen();
    await connection.sendRequest('hello', HELLO);
    return { connection, serving };
  }

  it('comes to the core as it was asked, and its answer back', async () => {
    const { connection, serving } = await connected();
    const requests: [keyof CoreRequests, object][] = [
      ['listPvs', { pattern: 'X*', onlyUnreachable: true, offset: 0, limit: 10 }],
      ['listBranch', { key: 'a', prefix: '', state: 'unreachable' }],
      ['countPvs', { pattern: 'X' }],
      ['findAlarms', { limit: 5 }],
      ['listContainers', {}],
      ['describePv', { name: 'X', maxWaitMs: 300 }],
      ['readPv', { name: 'X', protocol: 'ca' }],
      ['readContainerLog', { key: 'a#b' }],
      ['traceEndpoint', { protocol: 'ca', endpoint: ENDPOINT }],
    ];
    for (const [name, params] of requests) {
      const answer = await connection.sendRequest<unknown>(name, params);
      assert.deepEqual(asked.at(-1), [name, params]);
      assert.deepEqual(answer, await core[name](params as never, new AbortController().signal));
    }
    assert.equal(await connection.sendRequest('setRequest', { request: null }), null);
    assert.deepEqual(asked.at(-1), ['setRequest', undefined]);
    serving.dispose();
  });

  const request = { selection: { containers: [], labels: [] }, engines: [], names: [] };
  const wrong: [string, unknown, RegExp][] = [
    ['listPvs', { offset: -1, limit: 10 }, /expected a whole number in listPvs\.offset/],
    ['listPvs', { offset: 0 }, /listPvs\.limit is missing/],
    ['listPvs', { offset: 0, limit: 1, pattern: 5 }, /expected text in listPvs\.pattern/],
    ['listBranch', { key: 'a' }, /listBranch\.prefix is missing/],
    ['describePv', { name: 'X' }, /describePv\.maxWaitMs is missing/],
    ['readPv', { name: 'X', protocol: 'tango' }, /expected ca or pva in readPv\.protocol/],
    ['readPv', { name: 'x'.repeat(2_000_000), protocol: 'ca' }, /expected text in readPv\.name/],
    ['setRequest', {}, /setRequest\.request is missing/],
    [
      'setRequest',
      { request: { ...request, names: 'X' } },
      /expected a list in setRequest\.request\.names/,
    ],
    ['setRequest', { request: { ...request, search: 'all' } }, /off or loopback or thishost/],
    ['stopMonitor', { monitorId: 'one' }, /expected a whole number in stopMonitor\.monitorId/],
    ['hello', { ...HELLO, clientId: undefined }, /hello\.clientId is missing/],
  ];
  for (const [name, params, sentence] of wrong) {
    it(`is refused where it makes no sense: ${name}, ${sentence.source}`, async () => {
      const { connection, serving } = await connected();
      await assert.rejects(connection.sendRequest(name, params), (error) => {
        assert.ok(error instanceof ResponseError);
        assert.equal(error.code, ErrorCodes.InvalidParams);
        assert.match(error.message, sentence);
        return true;
      });
      assert.deepEqual(asked, []);
      serving.dispose();
    });
  }
});
