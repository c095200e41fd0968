import assert from 'node:assert/strict';
import { formatReading, formatValue } from '../../../src/model/reading';

describe('formatValue', () => {
  it('rounds as the record asks', () => assert.equal(formatValue(21.456, 2), '21.46'));
  it('does not round where the record never said PREC', () =>
    assert.equal(formatValue([0, 1.5], 0), '[0, 1.5]'));
  it('keeps whole numbers whole', () => assert.equal(formatValue(7, 3), '7'));
  it('counts what it does not show', () =>
    assert.equal(
      formatValue(Array.from({ length: 12 }, (_, i) => i)),
      '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ... 2 more]',
    ));
  it('lets no text steer the terminal', () =>
    assert.equal(formatValue('a\u001b[2Jb'), 'a\\x1b[2Jb'));
});

describe('formatReading', () => {
  it('is a line', () =>
    assert.equal(
      formatReading('A', 'ca', { value: 1, units: 'mm', severity: 'MAJOR', alarmMessage: 'HIHI' }),
      'A  ca  1 mm  MAJOR HIHI  never processed',
    ));
});
