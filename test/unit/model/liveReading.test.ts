import assert from 'node:assert/strict';
import { bytesOf, liveReadingOf } from '../../../src/model/liveReading';

describe('a reading in a row', () => {
  it('is its value with its unit, and an alarm if there is one', () => {
    const time = '2026-01-01T00:00:00.123456789Z';
    const fine = { value: 21.5, units: 'C', precision: 2, severity: 'NO_ALARM', alarmMessage: '' };
    assert.deepEqual(liveReadingOf({ ...fine, time }), {
      text: '21.50 C',
      number: 21.5,
      timeMs: Date.UTC(2026, 0, 1, 0, 0, 0, 123),
    });
    assert.deepEqual(liveReadingOf({ value: 'on', severity: 'MAJOR', alarmMessage: 'STATE' }), {
      ...{ text: 'on', severity: 'MAJOR', alarmMessage: 'STATE' },
    });
  });

  it('is bounded, whatever the value is', () => {
    const value = 'x'.repeat(1e6);
    const reading = liveReadingOf({ value, severity: 'MAJOR', alarmMessage: value });
    assert.ok(JSON.stringify(reading).length < 250);
    assert.equal(
      liveReadingOf({ value: new Float64Array(1000), severity: 'NO_ALARM' }).text,
      'double[1000], 8.0 kB: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ... 990 more]',
    );
  });
});

describe('the size of a value', () => {
  it('is known at once, however big it is', () => {
    assert.equal(bytesOf(1.5), 8);
    assert.equal(bytesOf('four'), 4);
    assert.equal(bytesOf(new Uint8Array(1e7)), 1e7);
    assert.equal(bytesOf({ name: 'ubyteValue', value: new Uint8Array(100) }), 110);
    assert.equal(bytesOf({ rows: new Array<number>(1e6).fill(1) }), 8e6);
    const endless: { self?: unknown } = {};
    endless.self = endless;
    assert.ok(bytesOf(endless) < 100);
  });
});
