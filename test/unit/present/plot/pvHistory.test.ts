import assert from 'node:assert/strict';
import { plotColumns } from '../../../../src/present/plot/plotColumns';
import { decodePoints, encodePoints, PvHistory } from '../../../../src/present/plot/pvHistory';

function historyOf(...points: [number, number][]): PvHistory {
  const history = new PvHistory();
  for (const [time, value] of points) history.add(time, value);
  return history;
}

describe('the history of a PV', () => {
  it('knows what it was at any time', () => {
    const history = historyOf([10, 1], [20, 2]);
    assert.deepEqual(
      [5, 10, 15, 20, 99].map((time) => history.at(time)),
      [NaN, 1, 1, 2, 2],
    );
    history.interrupt(30);
    history.interrupt(35);
    assert.equal(history.length, 3);
    assert.ok(Number.isNaN(history.at(31)));
  });

  it('never goes back in time', () => {
    const history = historyOf([10, 1], [5, 2]);
    assert.deepEqual(history.times, [10, 10]);
    assert.equal(history.at(10), 2);
  });

  it('is bounded, and loses neither its beginning nor a spike', () => {
    const history = new PvHistory();
    for (let at = 0; at < 100_000; at++) history.add(at, at === 777 ? 1e6 : at % 10);
    assert.ok(history.length <= 4000, `${history.length} points`);
    assert.ok(history.firstMs! < 100);
    assert.equal(Math.max(...history.highs), 1e6);
    assert.equal(history.at(99_999), 9);
    // The newest are as they came.
    assert.deepEqual(
      history.times.slice(-1000),
      Array.from({ length: 1000 }, (_, i) => 99_000 + i),
    );
  });

  it('passes through a message as it is', () => {
    const history = historyOf([1, 2], [3, NaN]);
    history.add(4, 5, -1, 9);
    assert.deepEqual(new PvHistory(decodePoints(encodePoints(history))), history);
  });
});

describe('the columns of a plot', () => {
  const lineOf = (history: PvHistory, from: number, to: number, now: number, count: number) =>
    plotColumns([history], from, to, now, count).ys[0];

  it('hold a value until the next one, and none before the first or after now', () => {
    const line = lineOf(historyOf([20, 1], [40, 2]), 0, 100, 70, 10);
    const values = line?.filter((_, at) => at % 3 === 2);
    assert.deepEqual(values, [null, 1, 1, 2, 2, 2, 2, 2, null, null]);
  });

  it('have a gap while there is no value', () => {
    const line = lineOf(historyOf([0, 1], [30, NaN], [60, 3]), 0, 100, 100, 10);
    assert.deepEqual(
      line?.filter((_, at) => at % 3 === 2),
      [1, 1, null, null, null, 3, 3, 3, 3, 3],
    );
  });

  it('hide no spike, however many points are in one', () => {
    const history = new PvHistory();
    for (let at = 0; at < 3000; at++) history.add(at, at === 1500 ? 50 : at === 1501 ? -50 : 0);
    const line = lineOf(history, 0, 3000, 3000, 10) ?? [];
    assert.equal(Math.max(...line.map(Number)), 50);
    assert.equal(Math.min(...line.map(Number)), -50);
    assert.equal(line.length, 30);
  });

  it('begin with what held before', () => {
    assert.deepEqual(lineOf(historyOf([0, 7]), 1000, 2000, 2000, 2), [7, 7, 7, 7, 7, 7]);
  });

  it('leave out what cannot be drawn', () => {
    const line = lineOf(historyOf([0, Infinity], [50, 1]), 0, 100, 100, 2);
    assert.ok(line?.every((value) => value === null || Number.isFinite(value)));
  });
});
