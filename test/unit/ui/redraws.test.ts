import assert from 'node:assert/strict';
import { Redraws } from '../../../src/ui/redraws';
import { FakeClock } from '../../support/fakeClock';

describe('redraws', () => {
  let clock: FakeClock;
  let drawn: [number, string[] | undefined][];
  let redraws: Redraws<string>;
  beforeEach(() => {
    clock = new FakeClock();
    drawn = [];
    redraws = new Redraws<string>({
      draw: (nodes) => void drawn.push([clock.nowMs(), nodes]),
      clock,
    });
  });
  afterEach(() => {
    redraws.dispose();
    assert.equal(clock.pendingCount, 0);
  });

  it('come at once, and then together', async () => {
    redraws.add(['a']);
    redraws.add(['b']);
    redraws.add(['c', 'b']);
    await clock.advance(1000);
    assert.deepEqual(drawn, [
      [0, ['a']],
      [250, ['b', 'c']],
    ]);
    redraws.add([]);
    assert.equal(drawn.length, 2);
  });

  // VS Code would draw none of them.
  it('are further apart than 200 ms, whoever wants them', async () => {
    for (let at = 0; at < 2000; at += 20) {
      if (at % 3 === 0) redraws.all();
      else redraws.add(['a']);
      await clock.advance(20);
    }
    const pauses = drawn.slice(1).map(([atMs], index) => atMs - (drawn[index]?.[0] ?? 0));
    assert.ok(drawn.length > 5 && pauses.every((pause) => pause >= 250), pauses.join());
  });

  it('of all lines are instead of those of some', async () => {
    redraws.add(['a']);
    redraws.add(['b']);
    redraws.all();
    await clock.advance(1000);
    assert.deepEqual(drawn[1], [250, undefined]);
    assert.equal(drawn.length, 2);
  });

  it('leave the time to others when they take long', async () => {
    redraws.add(['a']);
    // As long as a turn takes in which VS Code was told of very many lines.
    const nowMs = clock.nowMs.bind(clock);
    clock.nowMs = () => nowMs() + 40;
    await clock.advance(0);
    redraws.add(['b']);
    await clock.advance(900);
    assert.equal(drawn.length, 1);
    await clock.advance(200);
    assert.equal(drawn.length, 2);
  });
});
