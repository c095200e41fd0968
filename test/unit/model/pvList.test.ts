import assert from 'node:assert/strict';
import { formatPvList, parsePvList } from '../../../src/model/pvList';

describe('a list of PVs as text', () => {
  it('has one in each line, over a protocol or either', () => {
    const text = '# mine\n\nA:B\r\nca://C.EGU  # units\n  pva://D\n\tE\n';
    const { pvs, badLines, duplicates, isCut } = parsePvList(text);
    assert.deepEqual(pvs, [
      { name: 'A:B' },
      { name: 'C.EGU', protocol: 'ca' },
      { name: 'D', protocol: 'pva' },
      { name: 'E' },
    ]);
    assert.deepEqual([badLines, duplicates, isCut], [[], 0, false]);
  });

  it('comes back as it was', () => {
    const text = 'pva://D\nA:B\nodd#name{}[1]\n';
    assert.equal(formatPvList(parsePvList(text).pvs), text);
  });

  it('counts what is twice, and names what is no PV', () => {
    const { pvs, badLines, duplicates } = parsePvList('A\nA\nca://A\nloc://x\ntwo words\n=f(A)\n');
    assert.deepEqual(pvs, [{ name: 'A' }, { name: 'A', protocol: 'ca' }]);
    assert.equal(duplicates, 1);
    assert.deepEqual(badLines, [
      { line: 4, text: 'loc://x' },
      { line: 5, text: 'two words' },
      { line: 6, text: '=f(A)' },
    ]);
  });

  it('is read to a limit, and takes no longer than the text is', () => {
    const list = parsePvList('X\n'.repeat(20_000));
    assert.ok(list.isCut);
    assert.equal(list.pvs.length, 1);
    assert.equal(parsePvList('y'.repeat(1e6)).badLines.length, 1);
    assert.equal(parsePvList(' #'.repeat(1e6)).pvs.length, 0);
  });

  it('takes no longer for line ends of other kinds', () => {
    assert.equal(parsePvList(`${' #'.repeat(1e6)}\u2028x`).pvs.length, 0);
  });
});
