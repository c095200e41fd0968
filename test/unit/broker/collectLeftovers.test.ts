import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { EventEmitter } from '../../../src/base/event';
import { collectLeftovers } from '../../../src/broker/collectLeftovers';
import { FakeClock } from '../../support/fakeClock';

const MEGABYTE = 1024 * 1024;

describe('leftovers in memory', () => {
  let clock: FakeClock;
  let used: number;
  let collections: number;
  const changed = new EventEmitter<void>();
  const collect = (): void => {
    collections++;
    used = 30 * MEGABYTE;
  };
  beforeEach(() => {
    clock = new FakeClock();
    used = 30 * MEGABYTE;
    collections = 0;
  });

  it('are collected once when much has come and nothing comes any more', async () => {
    const leftovers = collectLeftovers({
      onDidChange: changed.event,
      clock,
      usedBytes: () => used,
      collect,
    });
    used = 50 * MEGABYTE;
    for (let at = 0; at < 10; at++) {
      changed.fire();
      await clock.advance(3000);
    }
    assert.equal(collections, 0);
    await clock.advance(60_000);
    assert.equal(collections, 2);
    leftovers.dispose();
  });

  it('stay where little came, and where the process ends', async () => {
    const leftovers = collectLeftovers({
      onDidChange: changed.event,
      clock,
      usedBytes: () => used,
      collect,
    });
    used = 35 * MEGABYTE;
    changed.fire();
    await clock.advance(60_000);
    used = 50 * MEGABYTE;
    changed.fire();
    leftovers.dispose();
    await clock.advance(60_000);
    assert.equal(collections, 0);
  });

  it('are really collected by V8', async () => {
    // What other tests have left might be collected while the names come.
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    const leftovers = collectLeftovers({ onDidChange: changed.event, clock });
    let names: string[] | undefined = Array.from({ length: 400_000 }, (_, at) => `NAME:${at}`);
    assert.equal(names.length, 400_000);
    const before = process.memoryUsage().heapUsed;
    names = undefined;
    changed.fire();
    await clock.advance(60_000);
    assert.ok(process.memoryUsage().heapUsed < before - 8 * MEGABYTE);
    leftovers.dispose();
  });
});
