import assert from 'node:assert/strict';
import type { PvRow } from '../../../../src/model/coreApi';
import { NameTable } from '../../../../src/model/pvTable';
import { findAlarms } from '../../../../src/services/pvs/alarmSearch';
import type { PvServer } from '../../../../src/services/exposure/pvServer';
import { FakeClock } from '../../../support/fakeClock';
import { quickSlices } from '../../../support/quickSlices';

const names = new NameTable();
names.add(['A:10', 'A:9', 'A:BAD', 'A:LOST', 'B:1'], { kind: 'user' });
const servers = (['ca', 'pva'] as const).map(
  (protocol) =>
    ({
      ...{ key: protocol, iocKey: 'ioc', protocol, names, stepOf: () => 'reachable' },
      ioc: { name: 'ioc', state: () => ({ servers: [] }) },
      container: { name: 'c' },
    }) as unknown as PvServer,
);

describe('the PVs in alarm', () => {
  let clock: FakeClock;
  let read: string[];
  const severities: Readonly<Record<string, string>> = { 'A:10': 'MAJOR', 'A:9': 'MINOR' };
  const find = (limit: number, pattern?: string, signal = new AbortController().signal) =>
    findAlarms(
      { limit, ...(pattern !== undefined && { pattern }) },
      {
        servers,
        read: async ({ name, protocol }: PvRow) => {
          read.push(`${protocol}://${name}`);
          if (name === 'A:LOST') await new Promise(() => undefined);
          if (name === 'A:BAD') throw new Error('bad');
          return { value: 1, severity: severities[name] ?? 'NO_ALARM' };
        },
        slices: quickSlices(),
        clock,
      },
      signal,
    );
  beforeEach(() => {
    clock = new FakeClock();
    read = [];
  });

  it('are found by reading each record once, and what is not read is not counted', async () => {
    const finding = find(100);
    await clock.advance(20_000);
    const { total, lookedAt, rows } = await finding;
    assert.deepEqual([total, lookedAt], [5, 3]);
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['A:9', 'A:10'],
    );
    assert.equal(read.length, 5);
    assert.ok(read.every((url) => url.startsWith('ca://')));
  });

  it('are looked for among a bounded number, which the name chooses', async () => {
    const few = await find(1, 'B:*');
    assert.deepEqual([few.total, few.lookedAt, few.rows.length], [1, 1, 0]);
    read = [];
    const finding = find(2);
    await clock.advance(20_000);
    assert.deepEqual([(await finding).total, read.length], [5, 2]);
  });

  it('are given up with the one who asked', async () => {
    const abort = new AbortController();
    const finding = find(100, undefined, abort.signal);
    await clock.advance(100);
    abort.abort();
    await assert.rejects(finding, { code: 'cancelled' });
    assert.equal(clock.pendingCount, 0);
  });
});
