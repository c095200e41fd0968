import assert from 'node:assert/strict';
import { findDatabaseNames } from '../../src/services/discovery/names/databaseNames';
import { allShapes } from '../support/nameShapes';
import { iocProcess } from '../support/iocProcess';
import { memoryFiles } from '../support/memoryFiles';
import { quickSlices } from '../support/quickSlices';
import { createRandom } from '../support/random';

describe('findDatabaseNames', () => {
  it('mutated files never make it throw', async () => {
    const { signal } = new AbortController();
    const random = createRandom(64);
    const pick = (length: number): number => Math.floor(random() * length);
    const spice = ['"', "'", '{', '}', '(', ')', '$(', '${', '\\', '\n', ',', '=', '<', '#', '\0'];
    for (let round = 0; round < 3000; round++) {
      const fixture = allShapes[pick(allShapes.length)];
      const files: Record<string, string> = {};
      for (const [path, text] of Object.entries(fixture?.files ?? {})) {
        const at = pick(text.length + 1);
        const cut = at + pick(3) * pick(20);
        files[`/w/${path}`] =
          text.slice(0, at) + (spice[pick(spice.length)] ?? '') + text.slice(cut);
      }
      const found = await findDatabaseNames(
        {
          process: iocProcess({ commandLine: ['ioc', 'st.cmd'], workingDirectory: '/w' }),
          environment: {},
        },
        memoryFiles(files),
        quickSlices(),
        signal,
      );
      for (const { name } of found.names) assert.doesNotMatch(name, /\$\(/);
    }
  });
});
