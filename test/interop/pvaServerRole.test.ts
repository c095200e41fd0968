/**
 * Our pvAccess server side against a real client: p4p, which is PVXS, given nothing but our address
 * as its name server.
 */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import {
  NT_ENUM_TYPE,
  ntScalarArrayType,
  ntScalarType,
  type PvaProvider,
  StoredPv,
} from '../../src/protocol/pva/index';
import { type PvaLoopbackServer, servePva } from '../support/pvaLoopback';
import { skip } from '../support/skip';

const python = resolve(process.env['EPICS_EXPOSE_TEST_PYTHON'] ?? '.cache/venv/bin/python');

/** Prints one JSON object. The monitor asks for updates by getting a PV that counts as it is read. */
const clientScript = `
import json, queue, sys, time
from p4p.client.thread import Context
with Context('pva', nt=False) as context:
    temperature = context.get('t:temperature')
    partial = context.get('t:temperature', request='field(value,alarm.severity)')
    mode = context.get('t:mode')
    spectrum = context.get('t:spectrum')
    updates = queue.Queue()
    subscription = context.monitor('t:count', updates.put)
    first = updates.get(timeout=5)
    context.get('t:step')
    seen = first.value
    while seen != 3:
        seen = updates.get(timeout=5).value
    subscription.close()
    piped = queue.Queue()
    subscription = context.monitor(
        't:count', piped.put, request='record[pipeline=true,queueSize=2]field(value)')
    pipedFirst = piped.get(timeout=5).value
    for i in range(10):
        context.get('t:step')
    seen = pipedFirst
    while seen != 13:
        seen = piped.get(timeout=5).value
    subscription.close()
    try:
        context.put('t:temperature', {'value': 1.0}, timeout=5)
        put = 'accepted'
    except Exception as error:
        put = str(error)
    many = context.get(['t:many:%d' % i for i in range(200)])
    print(json.dumps(dict(
        temperature=temperature.todict(), id=temperature.getID(), partial=sorted(partial.changedSet()),
        mode=mode.todict(), spectrum=[float(item) for item in spectrum.value], first=first.value, put=put,
        pipedFirst=pipedFirst, many=sum(pv.value for pv in many))))
`;

/** A PV that runs `onRead` whenever a client reads it, so that a client can say "now". */
class TriggerPv extends StoredPv {
  constructor(readonly onRead: () => void) {
    super(ntScalarType('int'));
  }
  override get value(): StoredPv['value'] {
    // Also read while it is made, before the field is set.
    this.onRead?.();
    return super.value;
  }
}

function makeProvider(): PvaProvider {
  const count = new StoredPv(ntScalarType('long'), { value: 0n });
  let counted = 0n;
  const pvs = new Map<string, StoredPv>([
    [
      't:temperature',
      new StoredPv(ntScalarType('double'), {
        value: 21.5,
        alarm: { severity: 1, status: 1, message: 'HIGH_ALARM' },
        timeStamp: { secondsPastEpoch: 1_700_000_000n, nanoseconds: 5 },
        display: { units: 'C', precision: 2, limitLow: -10, limitHigh: 50 },
      }),
    ],
    ['t:mode', new StoredPv(NT_ENUM_TYPE, { value: { index: 1, choices: ['off', 'on'] } })],
    [
      't:spectrum',
      new StoredPv(ntScalarArrayType('float'), { value: Float32Array.of(0.5, 1.5, -2) }),
    ],
    ['t:count', count],
    [
      't:step',
      new TriggerPv(() => {
        // Three changes at first, then one a time.
        const steps = counted === 0n ? 3 : 1;
        for (let i = 0; i < steps; i++) count.post({ value: ++counted });
      }),
    ],
  ]);
  for (let i = 0; i < 200; i++) {
    pvs.set(`t:many:${i}`, new StoredPv(ntScalarType('int'), { value: i }));
  }
  return { names: () => [...pvs.keys()], find: (name) => pvs.get(name) };
}

describe('pvAccess server side against p4p', function () {
  this.timeout(60_000);
  let server: PvaLoopbackServer;

  before(async function () {
    if (spawnSync(python, ['-c', 'import p4p']).status !== 0) {
      skip(this, `no Python with p4p at ${python}`, 'iocs');
    }
  });
  afterEach(() => server.close());

  for (const isLittleEndian of [true, false]) {
    it(`serves get, monitor, pipeline and refuses put, ${isLittleEndian ? 'little' : 'big'} endian`, async () => {
      server = await servePva(makeProvider(), { isLittleEndian });
      const { stdout } = await promisify(execFile)(python, ['-c', clientScript], {
        env: {
          ...process.env,
          EPICS_PVA_NAME_SERVERS: `127.0.0.1:${server.port}`,
          EPICS_PVA_ADDR_LIST: '',
          EPICS_PVA_AUTO_ADDR_LIST: 'NO',
        },
        timeout: 30_000,
      });
      const seen = JSON.parse(stdout);
      assert.equal(seen.id, 'epics:nt/NTScalar:1.0');
      assert.equal(seen.temperature.value, 21.5);
      assert.deepEqual(seen.temperature.alarm, { severity: 1, status: 1, message: 'HIGH_ALARM' });
      assert.equal(seen.temperature.timeStamp.secondsPastEpoch, 1_700_000_000);
      assert.equal(seen.temperature.display.units, 'C');
      assert.deepEqual(seen.partial, ['alarm.severity', 'value']);
      assert.deepEqual(seen.mode.value, { index: 1, choices: ['off', 'on'] });
      assert.deepEqual(seen.spectrum, [0.5, 1.5, -2]);
      assert.equal(seen.first, 0);
      assert.equal(seen.pipedFirst, 3);
      assert.match(seen.put, /read-only/);
      assert.equal(seen.many, (199 * 200) / 2);
    });
  }
});
