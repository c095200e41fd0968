import assert from 'node:assert/strict';
import { SuspectNames } from '../../../../src/services/upstream/suspectNames';

/** How many circuits a server ends that does so for these names, until all others are answered. */
function lostCircuits(count: number, harmful: readonly number[]): number {
  const suspects = new SuspectNames();
  const answered = new Set<number>();
  const found: number[] = [];
  const lose = (open: readonly number[]): void => {
    lost++;
    const guilty = suspects.circuitEnded(open);
    if (guilty !== undefined) found.push(guilty);
  };
  let lost = 0;
  const all = Array.from({ length: count }, (_, index) => index);
  // At first all are asked for at once, and what was answered before is lost with the circuit.
  lose(all);
  for (let names = suspects.take(); names.length > 0; names = suspects.take()) {
    const at = names.findIndex((index) => harmful.includes(index));
    for (const index of at < 0 ? names : names.slice(0, at)) {
      answered.add(index);
      suspects.answered(index);
    }
    if (at >= 0) lose(names.slice(at));
  }
  assert.deepEqual(found, harmful);
  assert.equal(answered.size, count - harmful.length);
  assert.ok(harmful.every((index) => suspects.isGuilty(index)));
  return lost;
}

describe('names for which a server ends the circuit', () => {
  it('are found, and nothing else is', () => {
    for (const harmful of [[0], [20], [7, 8], [0, 19, 20]]) lostCircuits(21, harmful);
  });
  it('cost a few circuits, however many names there are', () => {
    assert.ok(lostCircuits(1000, [999]) <= 12);
    assert.ok(lostCircuits(200_000, [123_456]) <= 20);
  });
  it('are not those that were open when the IOC happened to end', () => {
    const suspects = new SuspectNames();
    assert.equal(suspects.circuitEnded([4]), undefined);
    assert.deepEqual(suspects.take(), [4]);
    suspects.answered(4);
    assert.equal(suspects.circuitEnded([4]), undefined);
    assert.equal(suspects.circuitEnded([4, 5]), undefined);
    assert.equal(suspects.isGuilty(4), false);
  });
});
