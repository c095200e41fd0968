import assert from 'node:assert/strict';
import { type Chart, chartOf } from '../../bench/chart';

const CHART: Chart = {
  title: 'How <b>it</b> grows & why',
  axis: 'things "in all"',
  sizes: [1, 10, 100],
  panels: [
    { axis: 'MB', lines: [{ name: 'memory', values: [10, 20, 40] }] },
    {
      axis: 's',
      lines: [
        { name: 'first', values: [0.1, 0.2, 0.4] },
        { name: 'last < all', values: [0.1, 0, 10] },
      ],
    },
  ],
};

/** The points of each line, in the order of the picture. */
function pointsOf(picture: string): number[][][] {
  return [...picture.matchAll(/<polyline points="([^"]*)"/g)].map(([, points = '']) =>
    points.split(' ').map((point) => point.split(',').map(Number)),
  );
}

describe('chart', () => {
  it('escapes all words', () => {
    const picture = chartOf(CHART);
    assert.doesNotMatch(picture, /<b>/);
    for (const words of [
      '<title>How &lt;b&gt;it&lt;/b&gt; grows &amp; why</title>',
      '>things &quot;in all&quot;</text>',
      '>last &lt; all</text>',
      '>memory</text>',
    ]) {
      assert.ok(picture.includes(words), words);
    }
  });

  it('has a dot for each point, in the picture, and equal steps for equal factors', () => {
    const picture = chartOf(CHART);
    const [memory, first] = pointsOf(picture);
    assert.ok(memory && first);
    for (const line of [memory, first]) {
      const [[x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = [], [x3 = 0, y3 = 0] = []] = line;
      assert.ok(Math.abs(x2 - x1 - (x3 - x2)) <= 0.2, `${x1} ${x2} ${x3}`);
      assert.ok(Math.abs(y2 - y1 - (y3 - y2)) <= 0.2, `${y1} ${y2} ${y3}`);
      assert.ok(y3 < y2 && y2 < y1 && x1 < x2 && x2 < x3);
      for (const [x = -1, y = -1] of line) {
        assert.ok(x >= 0 && x <= 880 && y >= 0 && y <= 250);
        assert.ok(picture.includes(`<circle cx="${x}" cy="${y}"`));
      }
    }
  });

  it('labels the sizes and the steps of each axis', () => {
    const picture = chartOf({ ...CHART, sizes: [100, 10_000, 500_000] });
    for (const label of ['100', '10,000', '500,000', '0.1', '0.5', '50']) {
      assert.ok(picture.includes(`>${label}</text>`), label);
    }
  });

  it('leaves out what a logarithmic axis has no place for', () => {
    assert.deepEqual(
      pointsOf(chartOf(CHART)).map(({ length }) => length),
      [3, 3, 2],
    );
    assert.doesNotMatch(chartOf(CHART), /NaN|Infinity/);
  });

  it('draws a line that does not grow', () => {
    const panels = [{ axis: 's', lines: [{ name: 'steady', values: [2, 2, 2] }] }];
    const [steady] = pointsOf(chartOf({ ...CHART, panels }));
    assert.equal(new Set(steady?.map(([, y]) => y)).size, 1);
    assert.doesNotMatch(chartOf({ ...CHART, panels }), /NaN|Infinity/);
  });
});
