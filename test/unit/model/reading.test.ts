import assert from 'node:assert/strict';
import { formatValue, jsonValue, readingCells, valueText } from '../../../src/model/reading';

describe('strings in words', () => {
  it('are quoted where they would read as something else', () => {
    assert.equal(formatValue(['a', 'b, c', '', ' d', '"q"']), '[a, "b, c", "", " d", "\\"q\\""]');
    assert.equal(formatValue(''), '""');
    assert.equal(formatValue('a, b'), 'a, b');
  });
});

describe('formatValue', () => {
  it('rounds as the record asks', () => assert.equal(formatValue(21.456, 2), '21.46'));
  it('does not round where the record never said PREC', () =>
    assert.equal(formatValue([0, 1.5], 0), '[0, 1.5]'));
  it('rounds nothing away', () => {
    assert.equal(formatValue(1.23e-12, 3), '1.230e-12');
    assert.equal(formatValue(-0.0004, 3), '-4.000e-4');
    assert.equal(formatValue(0.0012, 3), '0.001');
    assert.equal(formatValue(0, 3), '0');
    assert.equal(formatValue(1.5e300, 2), '1.50e+300');
  });
  it('keeps whole numbers whole', () => assert.equal(formatValue(7, 3), '7'));
  it('counts what it does not show', () =>
    assert.equal(
      formatValue(Array.from({ length: 12 }, (_, i) => i)),
      '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ... 2 more]',
    ));
  it('lets no text steer the terminal', () =>
    assert.equal(formatValue('a\u001b[2Jb'), 'a\\x1b[2Jb'));
});

describe('jsonValue', () => {
  it('makes text of what JSON has no number for', () =>
    assert.equal(
      JSON.stringify([NaN, -Infinity, 5n, 2n ** 63n, Int32Array.of(1, 2), 1.5], jsonValue),
      '["NaN","-Infinity",5,"9223372036854775808",[1,2],1.5]',
    ));
});

describe('readingCells', () => {
  it('tells value, alarm and time', () =>
    assert.deepEqual(
      readingCells('A', 'ca', { value: 1, units: 'mm', severity: 'MAJOR', alarmMessage: 'HIHI' }),
      ['A', 'ca', '1 mm', 'MAJOR HIHI', 'no time stamp'],
    ));
});

describe('a number', () => {
  it('of a record whose PREC is negative is shown whole', () =>
    assert.equal(valueText({ value: 123.456, precision: -1, severity: '' }), '123.456'));
});
