import assert from 'node:assert/strict';
import { alignColumns, renderTable } from '../../../src/cli/renderTable';
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
});
