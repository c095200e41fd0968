import assert from 'node:assert/strict';
import { NameTable } from '../../../../src/model/pvTable';
import { listPvs } from '../../../../src/services/pvs/pvLists';
import type { PvServer } from '../../../../src/services/exposure/session';
import { quickSlices } from '../../../support/quickSlices';

describe('lists of very many PVs', () => {
  it('are made in slices', async () => {
    const names = new NameTable();
    names.add(
      Array.from({ length: 100_000 }, (_, at) => `N:${at}`),
      { kind: 'user' },
    );
    const server = {
      ...{ key: 'k', protocol: 'ca', names, stepOf: () => 'reachable' },
      ...{ ioc: { name: 'ioc', state: () => ({ servers: [] }) }, container: { name: 'c' } },
    } as unknown as PvServer;
    const slices = quickSlices();
    const { signal } = new AbortController();
    const query = { pattern: '*9*9*9*9*9', offset: 0, limit: 3 };
    const { total, rows } = await listPvs([server], query, slices, signal);
    assert.equal(total, 1);
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['N:99999'],
    );
    assert.ok(slices.count >= 10, `${slices.count} slices`);
  });
});
