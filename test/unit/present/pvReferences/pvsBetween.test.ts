import assert from 'node:assert/strict';
import { certainNames } from '../../../../src/present/pvReferences/certainNames';
import { pvReferencesIn } from '../../../../src/present/pvReferences/pvReferenceAt';
import { pvsBetween } from '../../../../src/present/pvReferences/pvsBetween';

describe('the PVs in selected text', () => {
  const text = `<display><macros><P>X:</P></macros>
<pv_name>$(P)A</pv_name>
<pv_name>pva://B</pv_name>
<pv_name>$(P)A</pv_name>
<pv_name>$(Q)C</pv_name>
<pv_name>D</pv_name>
</display>`;
  const references = pvReferencesIn('a.bob', text);
  const between = (from: string, to: string, limit = 100) =>
    pvsBetween(references, text.indexOf(from), text.indexOf(to), limit);

  it('are those of the file with the macros of the file, each once', () => {
    assert.deepEqual(between('<display>', '</display>'), {
      pvs: [{ name: 'X:A' }, { name: 'B', protocol: 'pva' }, { name: 'D' }],
      unknownMacros: ['Q'],
    });
  });

  it('are those that the selection touches', () => {
    assert.deepEqual(between('//B', '</pv_name>\n<pv_name>$(Q)').pvs, [
      { name: 'B', protocol: 'pva' },
      { name: 'X:A' },
    ]);
    assert.equal(between('<display>', '</display>', 1).pvs.length, 1);
  });

  it('are found in no time in a script with macros without end', () => {
    const script = `${'epicsEnvSet A 1\n'.repeat(20_000)}${'dbpf $(A)X 1\n'.repeat(20_000)}`;
    const found = pvReferencesIn('st.cmd', script);
    const some = pvsBetween(found, 0, script.length, 500);
    assert.deepEqual(some.pvs, [{ name: '1X' }]);
    assert.equal(certainNames(found, 2000)[0]?.name, '1X');
  });
});
