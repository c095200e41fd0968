import assert from 'node:assert/strict';
import { PREVIEW_CHARACTERS, previewOf } from '../../../src/model/preview';
import { type PvReading, sizeText, valueText } from '../../../src/model/reading';

const previewed = (value: unknown, more: Partial<PvReading> = {}): PvReading =>
  previewOf({ value, severity: 'NO_ALARM', ...more });

describe('previewOf', () => {
  it('leaves what is short as it is', () => {
    const reading = { value: 1.5, units: 'mA', severity: 'MINOR', alarmMessage: 'HIGH' };
    assert.deepEqual(previewOf(reading), reading);
    assert.equal(sizeText(previewOf(reading)), '');
    assert.deepEqual(previewed(Float64Array.of(1, 2)).value, [1, 2]);
  });

  it('tells an image by its type, sizes and first elements', () => {
    const union = { name: 'ubyteValue', value: new Uint8Array(1e6) };
    const reading = previewed(union, { dimensions: [1000, 1000] });
    assert.equal(valueText(reading), `[${'0, '.repeat(10)}... 999990 more]`);
    assert.equal(sizeText(reading), 'ubyte[1000000], 1000 \u00d7 1000, 1.0 MB');
  });

  it('tells a waveform by its type, size and first elements, with its unit', () => {
    const reading = previewed(
      Float64Array.from({ length: 12 }, (_, i) => i / 2),
      {
        units: 'V',
        precision: 1,
      },
    );
    assert.equal(valueText(reading), '[0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, ... 2 more] V');
    assert.equal(sizeText(reading), 'double[12], 96 bytes');
    assert.equal(sizeText(previewed(new Array(11).fill('on'))), 'string[11]');
    assert.equal(sizeText(previewed(new BigInt64Array(2000))), 'long[2000], 16.0 kB');
  });

  it('tells the beginning of a long text', () => {
    const reading = previewed('x'.repeat(4e6));
    assert.equal(valueText(reading), `${'x'.repeat(PREVIEW_CHARACTERS)}...`);
    assert.equal(sizeText(reading), 'string, 4000000 characters');
  });

  it('tells a table in short', () => {
    const reading = previewed({ x: new Float64Array(1e6), labels: ['a', 'b'], on: true, n: null });
    assert.equal(
      reading.value,
      '{"x": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ... 999990 more], "labels": ["a", "b"], "on": true, "n": null}',
    );
    assert.equal(sizeText(reading), 'structure, 4 fields');
  });

  // Whatever a server sends: no value makes more than this cross, and none is walked to its end.
  const deep = (levels: number): unknown => (levels === 0 ? 'end' : { down: deep(levels - 1) });
  const wide = Object.fromEntries(Array.from({ length: 1e5 }, (_, i) => [`field${i}`, i]));
  const cases: Record<string, unknown> = {
    numbers: new Float64Array(1e6).fill(-1.2345678901234567e-300),
    texts: new Array(1e5).fill('y'.repeat(1e4)),
    'a text': 'z'.repeat(1e7),
    'control characters': '\u0000'.repeat(1e6),
    structures: new Array(1e5).fill(wide),
    'a wide structure': wide,
    'a deep structure': deep(1000),
    'a long field name': { ['n'.repeat(1e6)]: { ['m'.repeat(1e6)]: 1 } },
    'big integers': new BigUint64Array(1e5).fill(2n ** 63n),
    nothing: undefined,
  };
  for (const [what, value] of Object.entries(cases)) {
    it(`is bounded: ${what}`, () => {
      const long = 'w'.repeat(1e6);
      const reading = previewed(value, {
        units: long,
        alarmMessage: long,
        dimensions: new Array<number>(1e5).fill(1),
      });
      const text = JSON.stringify(reading, (_, one: unknown) =>
        typeof one === 'bigint' ? String(one) : one,
      );
      assert.ok(text.length < 12 * PREVIEW_CHARACTERS + 1000, `${text.length} characters`);
    });
  }
});
