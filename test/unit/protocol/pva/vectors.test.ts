/** Conversations of real clients with real servers, recorded by test/vectors/capture/pva.py. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { FrameReader } from '../../../../src/protocol/pva/framing';
import { identifyPvaServer, pvRequest, readPv } from '../../../../src/protocol/pva/index';
import { everySplit } from '../../../support/everySplit';
import { fromHex, toHex } from '../../../support/hex';
import { dissect, framesOf } from '../../../support/pvaDissector';
import { PvaScenario, type ScenarioResult } from '../../../support/pvaScenario';

interface Vector {
  client: string;
  server: string;
  implementation: string;
  names: string[];
  fromClient: string;
  /** Hex; or, when it is long, deflated and in base 64 under another name. */
  fromServer: string;
  fromServerDeflated?: string;
}

const folder = join(__dirname, '../../../vectors/pva');
const vectors = readdirSync(folder).map((file) => {
  const vector = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Vector;
  const { fromServerDeflated } = vector;
  if (fromServerDeflated !== undefined) {
    vector.fromServer = inflateSync(Buffer.from(fromServerDeflated, 'base64')).toString('hex');
  }
  return vector;
});

function find(client: string, server: string): Vector {
  const vector = vectors.find((each) => each.client === client && each.server === server);
  assert.ok(vector, `no conversation of ${client} with ${server}`);
  return vector;
}

/** Plays a recorded server to our client, in chunks; returns what we saw and what we sent. */
function play(vector: Vector, chunks: Uint8Array[]): { result: ScenarioResult; sent: Uint8Array } {
  const scenario = new PvaScenario([...vector.names, 't:missing']);
  const sent: Uint8Array[] = [];
  for (const chunk of chunks) {
    scenario.connection.receive(chunk);
    sent.push(scenario.connection.takeOutput());
  }
  return { result: scenario.result, sent: Buffer.concat(sent) };
}

describe('recorded pvAccess conversations', () => {
  it('are twenty, of four clients with five servers', () => {
    assert.equal(vectors.length, 20);
  });

  for (const vector of vectors) {
    const fromClient = fromHex(vector.fromClient);
    const fromServer = fromHex(vector.fromServer);

    it(`${vector.client} with ${vector.server}: every type and value is understood`, () => {
      const found = dissect(fromClient, fromServer);
      assert.ok(found.values.length > 0);
      // pvAccessCPP refers to cached types inside values, which we write in full.
      const isExact = vector.server !== 'pvapy';
      if (isExact) assert.equal(found.identicalCount, found.values.length);
    });

    if (fromClient.length + fromServer.length < 10_000) {
      it(`${vector.client} with ${vector.server}: messages are the same however TCP cuts them`, () => {
        for (const [bytes, peer] of [
          [fromClient, 'client'],
          [fromServer, 'server'],
        ] as const) {
          const whole = framesOf(bytes, peer).map(({ command, payload }) => [
            command,
            payload.bytes.length,
          ]);
          everySplit(bytes, (chunks, how, copies) => {
            const reader = new FrameReader(peer, 1 << 20);
            const seen: number[][] = [];
            const handler = {
              onMessage: (command: number, { bytes: { length } }: { bytes: Uint8Array }) =>
                void seen.push([command, length]),
              onControl: () => undefined,
            };
            for (const chunk of chunks) reader.receive(chunk, handler);
            assert.deepEqual(seen, Array(copies).fill(whole).flat(), how);
          });
        }
      });
    }
  }
});

describe('our pvAccess client with recorded servers', () => {
  for (const server of ['p4p', 'qsrv2', 'qsrv1', 'pvapy', 'core-pva']) {
    const vector = find('epics-expose', server);
    const fromServer = fromHex(vector.fromServer);
    const { result, sent } = play(vector, [fromServer]);

    it(`${server}: sends the same bytes and is told everything`, () => {
      // Recorded before we knew that newer core-pva hangs on hosts it cannot look up.
      const host = (text: string): string => toHex(Buffer.from(text));
      const expected =
        server === 'core-pva'
          ? vector.fromClient.replace(host('somewhere'), host('127.0.0.1'))
          : vector.fromClient;
      assert.equal(toHex(sent), expected);
      assert.equal(result.validated?.type, 'ok');
      assert.deepEqual(result.skipped, []);
      assert.equal(result.echoes, 1);
      for (const name of vector.names) {
        assert.ok(result.created.includes(name), `${name} created`);
        assert.ok(result.values[name], `${name} read`);
        assert.ok(result.monitors[name], `${name} monitored`);
      }
      if (server === 'core-pva') {
        assert.deepEqual(result.refused, []);
        assert.equal(result.names, undefined);
      } else {
        assert.deepEqual(result.refused, ['t:missing']);
        assert.deepEqual(result.names, [...vector.names].sort());
      }
    });

    it(`${server}: is identified, with and without its own word`, () => {
      const scenario = new PvaScenario([...vector.names, 't:missing']);
      scenario.connection.receive(fromServer);
      const { observations } = scenario.connection;
      const { info } = scenario.result;
      assert.equal(identifyPvaServer(observations), vector.implementation);
      if (info) assert.equal(identifyPvaServer({ ...observations, info }), vector.implementation);
    });

    it(`${server}: means the same cut anywhere, and half a conversation is no error`, () => {
      // A stride keeps the long ones short; for each cut the whole is decoded twice.
      const cuts = Math.min(fromServer.length, 100_000 / Math.sqrt(fromServer.length * 10));
      const step = Math.ceil(fromServer.length / cuts);
      for (let at = 1; at < fromServer.length; at += step) {
        const first = fromServer.slice(0, at);
        const half = play(vector, [first]);
        assert.deepEqual(half.sent, sent.subarray(0, half.sent.length), `cut at ${at}`);
        const joined = play(vector, [first, fromServer.slice(at)]);
        assert.deepEqual(joined.result, result, `split at ${at}`);
      }
      const bytes = [...fromServer].map((byte) => Uint8Array.of(byte));
      assert.deepEqual(play(vector, bytes).result, result);
    });
  }

  it('reads records of an IOC the same from QSRV1 and QSRV2', () => {
    for (const server of ['qsrv1', 'qsrv2']) {
      const vector = find('epics-expose', server);
      const { values } = play(vector, [fromHex(vector.fromServer)]).result;
      const { timeStamp, ...analog } = readPv(values['t:ai'] ?? {});
      assert.ok(timeStamp && timeStamp.secondsPastEpoch > 1_600_000_000);
      assert.equal(analog.value, 12.5);
      assert.equal(analog.units, 'mA');
      assert.equal(analog.precision, 3);
      assert.equal(analog.alarm?.severity, 'minor');
      assert.deepEqual(analog.displayLimits, { low: -100, high: 100 });
      const mode = readPv(values['t:mbbi'] ?? {});
      assert.equal(mode.value, 'wait');
      assert.deepEqual(mode.choices?.slice(0, 3), ['off', 'on', 'wait']);
      assert.equal(readPv(values['t:string'] ?? {}).value, 'hello');
      assert.equal(readPv(values['t:long'] ?? {}).value, -7);
      assert.deepEqual(readPv(values['t:wave'] ?? {}).value, Int32Array.of(1, -2, 3));
    }
  });

  it('reads every scalar, array, union and structure that PVXS has', () => {
    const vector = find('epics-expose', 'p4p');
    const { values } = play(vector, [fromHex(vector.fromServer)]).result;
    const { any, ...zoo } = values['t:zoo'] ?? {};
    assert.equal((any as { value: unknown }).value, 42n);
    assert.deepEqual(zoo, {
      flag: true,
      i8: -8,
      i16: -1600,
      i32: -320000,
      i64: -(2n ** 40n),
      u8: 200,
      u16: 60000,
      u32: 4000000000,
      u64: 2n ** 63n,
      f32: 0.5,
      f64: -1e300,
      text: 'grüß',
      flags: [true, false],
      ai8: Int8Array.of(-1, 2),
      ai16: Int16Array.of(-300, 300),
      ai32: Int32Array.of(-70000, 70000),
      ai64: BigInt64Array.of(-(2n ** 40n), 1n),
      au8: Uint8Array.of(0, 255),
      au16: Uint16Array.of(65535),
      au32: Uint32Array.of(4294967295),
      au64: BigUint64Array.of(2n ** 64n - 1n),
      af32: Float32Array.of(1.5, -2.5),
      af64: Float64Array.of(3.25),
      texts: ['one', '', 'three'],
      choice: { name: 'word', value: 'two' },
      empty: null,
      nothing: null,
      inner: { a: 5, deeper: { b: 'below' } },
      points: [
        { x: 1, label: 'p' },
        { x: 2, label: 'q' },
      ],
    });
    assert.equal(readPv(values['t:long text'] ?? {}).value, 'x'.repeat(300));
  });

  it('joins what pvAccessCPP sends in segments', () => {
    const vector = find('epics-expose', 'pvapy');
    const { values } = play(vector, [fromHex(vector.fromServer)]).result;
    const expected = Array.from({ length: 2000 }, (_, i) => `word ${i}`);
    assert.deepEqual(values['t:big']?.['value'], expected);
    const segmented = /ca0250/.test(vector.fromServer);
    assert.ok(segmented, 'the recording holds a first segment');
  });
});

describe('pvRequest', () => {
  it('is built as real clients build it', () => {
    const p4p = find('p4p', 'qsrv2');
    const requests = [
      ...dissect(fromHex(p4p.fromClient), fromHex(p4p.fromServer)).requests.values(),
    ];
    const partial = pvRequest(['value', 'alarm']);
    assert.ok(
      requests.some((request) => toKeys(request?.type) === toKeys(partial.type)),
      'p4p asks for field(value,alarm)',
    );
    const pvapy = find('pvapy', 'qsrv1');
    const others = [
      ...dissect(fromHex(pvapy.fromClient), fromHex(pvapy.fromServer)).requests.values(),
    ];
    const value = pvRequest(['value']);
    assert.ok(others.some((request) => toKeys(request?.type) === toKeys(value.type)));
  });
});

/** A type without the facts that are computed from it. */
function toKeys(type: unknown): string {
  return JSON.stringify(type, (key, value: unknown) =>
    ['bitCount', 'fieldCount', 'depth', 'hasAny'].includes(key) ? undefined : value,
  );
}
