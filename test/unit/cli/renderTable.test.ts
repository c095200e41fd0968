import assert from 'node:assert/strict';
import { renderTable } from '../../../src/cli/renderTable';
import { alignColumns } from '../../../src/present/alignColumns';
import { snapshotWith } from '../../support/snapshots';

describe('renderTable', () => {
  it('aligns columns', () =>
    assert.deepEqual(
      alignColumns([
        ['a', 'bbb', 'c'],
        ['aaaa', 'b', 'cc'],
      ]),
      ['a     bbb  c', 'aaaa  b    cc'],
    ));

  it('shortens long names where the window is narrow, and nothing else', () => {
    const [container] = snapshotWith([{}]).containers;
    assert.ok(container);
    const name = 'a-container-of-sixty-four-characters-as-compose-and-others-make-';
    const snapshot = { ...snapshotWith([]), containers: [{ ...container, name }] };
    const wide = renderTable(snapshot, { isColoured: false });
    assert.ok(wide.some((line) => line.startsWith(name)));
    const columns = 80;
    const narrow = renderTable(snapshot, { isColoured: false, columns });
    assert.ok(
      narrow.every((line) => line.length <= columns),
      narrow.join('\n'),
    );
    assert.match(narrow[1] ?? '', /^a-conta\S*… /);
    assert.match(narrow[1] ?? '', /3 of 3 reachable$/);
  });

  it('shortens the longest name at once, and both in turn', () => {
    const [container] = snapshotWith([{}]).containers;
    const [ioc] = container?.iocs ?? [];
    assert.ok(container && ioc);
    const long = { ...ioc, name: 'i'.repeat(100_000) };
    const snapshot = {
      ...snapshotWith([]),
      containers: [{ ...container, name: 'c'.repeat(99_990), iocs: [long] }],
    };
    const lines = renderTable(snapshot, { isColoured: false, columns: 110 });
    assert.deepEqual(new Set(lines.map((line) => line.length > 110)), new Set([false]));
    const [first = '', second = ''] = (lines[1] ?? '').split(/ +/);
    assert.ok(Math.abs(first.length - second.length) <= 1, lines[1]);
  });
});
