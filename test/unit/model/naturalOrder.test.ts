import assert from 'node:assert/strict';
import { compareNatural, naturalKey, naturallySorted } from '../../../src/model/naturalOrder';

describe('the natural order of names', () => {
  it('is by number where both have one', () => {
    const names = ['CH89', 'CH9', 'CH10:B2', 'CH10:B10', 'CH', 'CH:1', 'CH1', 'ch1', 'D'];
    assert.deepEqual(
      naturallySorted(names, (name) => name),
      ['CH', 'CH1', 'CH9', 'CH10:B2', 'CH10:B10', 'CH89', 'CH:1', 'D', 'ch1'],
    );
    assert.ok(compareNatural('A2', 'A10') < 0 && compareNatural('A2', 'A2') === 0);
  });

  it('knows each name: zeros in front make another one', () => {
    const names = ['A1', 'A01', 'A001', 'A0', 'A00', '0', '', 'A1.5', 'A1.05', 'x'.repeat(4000)];
    assert.equal(new Set(names.map(naturalKey)).size, names.length);
  });

  it('keeps together what begins alike up to a separator', () => {
    for (const prefix of ['CH1:', 'CH01:', 'A-2_']) {
      assert.ok(naturalKey(`${prefix}X7`).startsWith(naturalKey(prefix)), prefix);
    }
  });

  it('takes numbers of any length', () => {
    const long = '9'.repeat(300);
    assert.ok(compareNatural(`A${long}`, `A1${long}`) < 0);
  });
});
