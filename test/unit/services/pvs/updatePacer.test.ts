import assert from 'node:assert/strict';
import type { PvUpdate } from '../../../../src/model/coreApi';
import { type Pacer, previewPacer } from '../../../../src/services/pvs/updatePacer';
import { FakeClock } from '../../../support/fakeClock';

const reading = (value: unknown): { value: unknown; severity: string } => ({
  value,
  severity: 'NO_ALARM',
});

describe('the pace of updates', () => {
  const make = (): { clock: FakeClock; updates: PvUpdate[]; pacer: Pacer } => {
    const clock = new FakeClock();
    const updates: PvUpdate[] = [];
    return { clock, updates, pacer: previewPacer(clock, (update) => updates.push(update)) };
  };

  it('tells a value at once, and ten a second of a PV that is faster', async () => {
    const { clock, updates, pacer } = make();
    for (let i = 0; i < 1000; i++) {
      pacer.value(reading(i));
      if (i === 0) assert.equal(updates.length, 1);
      await clock.advance(1);
    }
    await clock.advance(100);
    assert.ok(updates.length <= 11, `${updates.length} updates in a second`);
    const last = updates.at(-1);
    assert.ok(last?.kind === 'value');
    assert.equal(last.reading.value, 999);
    await clock.advance(100);
    assert.equal(clock.pendingCount, 0);
  });

  it('hides no spike among the numbers that it passes over', async () => {
    const { clock, updates, pacer } = make();
    for (const value of [0, 5, -3, 70, 4, Number.NaN, 6]) pacer.value(reading(value));
    await clock.advance(100);
    assert.deepEqual(updates, [
      { kind: 'value', reading: reading(0) },
      { kind: 'value', reading: reading(6), range: [-3, 70] },
    ]);
  });

  it('tells the last value before an interruption, and forgets one that is over', async () => {
    const { clock, updates, pacer } = make();
    pacer.value(reading(1));
    pacer.value(reading(2));
    pacer.interrupted({ code: 'broker-gone' });
    await clock.advance(100);
    assert.deepEqual(updates.slice(1), [
      { kind: 'value', reading: reading(2) },
      { kind: 'interrupted', problem: { code: 'broker-gone' } },
    ]);
    pacer.interrupted({ code: 'not-read', detail: 'away' });
    pacer.value(reading(3));
    await clock.advance(100);
    assert.deepEqual(updates.slice(3), [{ kind: 'value', reading: reading(3) }]);
  });

  it('tells as much of an image as is shown', () => {
    const { updates, pacer } = make();
    pacer.value({ ...reading(new Uint8Array(1e6)), dimensions: [1000, 1000] });
    assert.ok(JSON.stringify(updates).length < 500, JSON.stringify(updates));
  });

  it('tells nothing after its end, and leaves no timer', async () => {
    const { clock, updates, pacer } = make();
    pacer.value(reading(1));
    pacer.value(reading(2));
    pacer.dispose();
    pacer.value(reading(3));
    await clock.advance(1000);
    assert.equal(updates.length, 1);
    assert.equal(clock.pendingCount, 0);
  });
});
