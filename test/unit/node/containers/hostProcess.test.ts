import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readProcFile } from '../../../../src/node/containers/hostProcess';

describe('files of a process', () => {
  it('are read as far as those that mean well are long: a command line may have gigabytes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'epics-expose-proc-'));
    try {
      const file = join(folder, 'cmdline');
      writeFileSync(file, 'softIoc\0st.cmd\0');
      assert.equal(readProcFile(file), 'softIoc\0st.cmd\0');
      writeFileSync(file, 'x'.repeat(10_000_000));
      assert.equal(readProcFile(file).length, 256 * 1024);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
