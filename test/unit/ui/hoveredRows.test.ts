import assert from 'node:assert/strict';
import { HoveredRows } from '../../../src/ui/hoveredRows';
import { FakeClock } from '../../support/fakeClock';

describe('HoveredRows', () => {
  const make = () => {
    const clock = new FakeClock();
    const says = new Map<string, string | undefined>();
    const redrawn: string[] = [];
    let asked = 0;
    const rows = new HoveredRows<string>({
      textOf: (row) => {
        asked++;
        return Promise.resolve(says.get(row));
      },
      redraw: (row) => redrawn.push(row),
      clock,
    });
    return { clock, says, redrawn, rows, asked: () => asked };
  };

  it('leaves a hover to its reader, then has one that is out of date asked for anew', async () => {
    const { clock, says, redrawn, rows } = make();
    rows.shown('a', 'one');
    says.set('a', 'two');
    await clock.advance(3900);
    assert.deepEqual(redrawn, []);
    await clock.advance(200);
    assert.deepEqual(redrawn, ['a']);
    assert.equal(clock.pendingCount, 0);
  });

  it('closes no hover that still says what is so', async () => {
    const { clock, says, redrawn, rows } = make();
    rows.shown('a', 'one');
    says.set('a', 'one');
    await clock.advance(10_000);
    assert.deepEqual(redrawn, []);
    says.set('a', 'two');
    await clock.advance(1000);
    assert.deepEqual(redrawn, ['a']);
  });

  it('has the row before asked for anew as soon as another one is hovered', () => {
    const { redrawn, rows } = make();
    rows.shown('a', 'one');
    rows.shown('b', 'one');
    assert.deepEqual(redrawn, ['a']);
    rows.left();
    assert.deepEqual(redrawn, ['a', 'b']);
    rows.left();
    assert.deepEqual(redrawn, ['a', 'b']);
  });

  it('does not let "no answer yet" stay once there is one', async () => {
    const { clock, says, redrawn, rows } = make();
    rows.shown('a', undefined);
    await clock.advance(3000);
    assert.deepEqual(redrawn, []);
    says.set('a', 'one');
    await clock.advance(1000);
    assert.deepEqual(redrawn, ['a']);
  });

  it('asks for no longer than a person reads', async () => {
    const { clock, says, redrawn, rows, asked } = make();
    rows.shown('a', 'one');
    says.set('a', 'one');
    await clock.advance(600_000);
    assert.ok(asked() < 60, `asked ${asked()} times`);
    assert.deepEqual(redrawn, ['a']);
    assert.equal(clock.pendingCount, 0);
  });

  it('does nothing after its end', async () => {
    const { clock, redrawn, rows } = make();
    rows.shown('a', undefined);
    rows.dispose();
    await clock.advance(60_000);
    assert.deepEqual(redrawn, []);
    assert.equal(clock.pendingCount, 0);
  });
});
