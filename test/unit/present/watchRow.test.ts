import assert from 'node:assert/strict';
import { sparkline } from '../../../src/present/sparkline';
import { watchRow } from '../../../src/present/watchRow';

const PV = { name: 'A\u202e' };

describe('a sparkline', () => {
  it('goes from the lowest to the highest number', () => {
    assert.equal(sparkline([0, 1, 2, 3, 4, 5, 6, 7]), '▁▂▃▄▅▆▇█');
    assert.equal(sparkline([-5, 5, -5]), '▁█▁');
  });

  it('is flat for what does not change, and has gaps', () => {
    assert.equal(sparkline([3, 3]), '▄▄');
    assert.equal(sparkline([1, NaN, 2]), '▁·█');
    assert.equal(sparkline([1e308, -1e308, 0]).length, 3);
  });

  it('is nothing without two numbers', () => {
    assert.equal(sparkline([]), '');
    assert.equal(sparkline([1]), '');
    assert.equal(sparkline([NaN, Infinity]), '');
  });
});

describe('a row of the view Watch', () => {
  it('shows value and numbers', () => {
    const row = watchRow(PV, { reading: { text: '21.5 C' }, numbers: [1, 2], isExposing: true });
    assert.deepEqual(row, {
      ...{ label: 'A\\u202e', description: '21.5 C  ▁█', state: 'ok' },
      spoken: 'PV A\\u202e, 21.5 C',
    });
  });

  it('shows no more digits than are read', () => {
    const of = (text: string, number: number): string =>
      watchRow(PV, { reading: { text, number }, numbers: [], isExposing: true }).description;
    assert.equal(of('0.12345678901 mm', 0.12345678901), '0.1234568 mm');
    assert.equal(of('1.5 mm', 1.5), '1.5 mm');
    assert.equal(of('21.50 C', 21.499999), '21.50 C');
    assert.equal(of('-1234567890', -1234567890), '-1234567890');
    assert.equal(of('123456789.125 counts', 123456789.125), '123456789 counts');
  });

  it('shows an alarm by shape and text', () => {
    const reading = { text: '99', severity: 'MAJOR', alarmMessage: 'HIHI' };
    const row = watchRow(PV, { reading, numbers: [], isExposing: true });
    assert.equal(row.description, '99 MAJOR HIHI');
    assert.equal(row.state, 'major');
    const odd = watchRow(PV, {
      ...{ reading: { text: '1', severity: 'UNDEFINED' }, numbers: [], isExposing: true },
    });
    assert.equal(odd.state, 'invalid');
  });

  it('says why there is no value', () => {
    const problem = { code: 'not-served', protocol: 'ca' } as const;
    const away = watchRow(PV, { problem, numbers: [], isExposing: true });
    assert.equal(away.state, 'unreachable');
    assert.notEqual(away.description, '');
    const was = watchRow(PV, { problem, reading: { text: '5' }, numbers: [], isExposing: true });
    assert.match(was.description, /\(was 5\)$/);
    assert.equal(watchRow(PV, { numbers: [], isExposing: true }).description, 'no answer yet');
    assert.equal(watchRow(PV, { numbers: [], isExposing: false }).description, 'not exposed');
  });
});
