import assert from 'node:assert/strict';
import { DisposedError } from '../../../../src/base/errors';
import type { Problem } from '../../../../src/model/problem';
import type { PvReading } from '../../../../src/model/reading';
import type { ValueSink } from '../../../../src/services/pvs/valueSink';
import { RowMonitors } from '../../../../src/services/pvs/rowMonitors';
import { FakeClock } from '../../../support/fakeClock';

const MEGABYTE = 1e6;
const imageOf = (bytes: number): PvReading => ({
  value: { name: 'ubyteValue', value: new Uint8Array(bytes) },
  severity: 'NO_ALARM',
});
const SMALL: PvReading = { value: 1, severity: 'NO_ALARM' };

describe('a value in a row', () => {
  let clock: FakeClock;
  let monitors: Set<ValueSink>;
  let reads: number[];
  let answer: PvReading | Error;
  let got: (PvReading | Problem)[];
  let rows: RowMonitors;
  const sink: ValueSink = {
    value: (reading) => void got.push(reading),
    interrupted: (problem) => void got.push(problem),
  };
  beforeEach(() => {
    clock = new FakeClock();
    monitors = new Set();
    [reads, got, answer] = [[], [], SMALL];
    rows = new RowMonitors({
      follow: (_name, _protocol, to) => {
        monitors.add(to);
        return { dispose: () => monitors.delete(to) };
      },
      read: () => {
        reads.push(clock.nowMs());
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
      clock,
    });
  });
  const tell = (reading: PvReading): void => {
    for (const monitor of [...monitors]) monitor.value(reading);
  };

  it('is monitored as long as it is small', async () => {
    const row = rows.follow('A', 'pva', sink);
    for (let count = 0; count < 100; count++) tell(SMALL);
    assert.equal(got.length, 100);
    row.dispose();
    assert.equal(monitors.size, 0);
  });

  it('is read every few seconds when it is big, and monitored no more', async () => {
    answer = imageOf(MEGABYTE);
    const row = rows.follow('A', 'pva', sink);
    tell(imageOf(MEGABYTE));
    assert.equal(monitors.size, 0);
    await clock.advance(30_000);
    assert.ok(reads.length > 3 && reads.length < 7, `${reads.length} reads`);
    assert.equal(got.length, reads.length + 1);
    row.dispose();
    await clock.advance(30_000);
    assert.ok(reads.length < 7);
    assert.equal(clock.pendingCount, 0);
  });

  it('takes turns with the other big ones, for five megabytes a second', async () => {
    answer = imageOf(10 * MEGABYTE);
    const all = Array.from({ length: 20 }, () => rows.follow('A', 'pva', sink));
    tell(answer);
    await clock.advance(60_000);
    assert.ok(reads.length > 20 && reads.length <= 30, `${reads.length} reads`);
    for (const row of all) row.dispose();
    await clock.advance(0);
    assert.equal(clock.pendingCount, 0);
  });

  it('is monitored again when it is small again, and tells why it is not read', async () => {
    const row = rows.follow('A', 'pva', sink);
    tell(imageOf(MEGABYTE));
    answer = new DisposedError('it');
    await clock.advance(6000);
    assert.equal((got.at(-1) as Problem).code, 'not-read');
    answer = SMALL;
    await clock.advance(6000);
    assert.deepEqual([got.at(-1), monitors.size], [SMALL, 1]);
    row.dispose();
    assert.equal(monitors.size, 0);
  });
});
