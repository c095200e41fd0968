import assert from 'node:assert/strict';
import { clientLines, shellWord } from '../../../src/present/clientLine';

describe('clientLines', () => {
  it('begin with the commonest client of the protocol', () => {
    assert.equal(clientLines('X:Y', 'ca')[0]?.line, 'caget X:Y');
    assert.equal(clientLines('X:Y', 'pva')[0]?.line, 'pvxget X:Y');
  });

  it('quote names that a shell or Python would take apart', () => {
    const lines = clientLines(`a'b"$(x)`, 'pva').map(({ line }) => line);
    assert.equal(lines[0], `pvxget 'a'\\''b"$(x)'`);
    assert.ok(lines.at(-1)?.includes(`.get("a'b\\"$(x)")`));
  });

  it('leave plain words as they are', () => {
    assert.equal(shellWord('BL01T-EA:X_1.VAL'), 'BL01T-EA:X_1.VAL');
    assert.equal(shellWord(''), "''");
  });
});
