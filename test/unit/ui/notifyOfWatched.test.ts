import { fakeVscode } from '../../support/fakeVscode';
import assert from 'node:assert/strict';
import { EventEmitter } from '../../../src/base/event';
import type { WantedPv } from '../../../src/model/pvList';
import type { WatchedValue } from '../../../src/present/watchRow';
import { notifyOfWatched } from '../../../src/ui/notifyOfWatched';
import type { WatchedValues } from '../../../src/ui/watchedValues';
import { WatchList } from '../../../src/ui/watchList';
import { FakeClock } from '../../support/fakeClock';

const A = { name: 'A', protocol: 'ca' } as const;
const FINE = { reading: { text: '1' }, numbers: [] };
const HIGH = { reading: { text: '9', severity: 'MAJOR', alarmMessage: 'HIHI' }, numbers: [] };
const AWAY = { ...FINE, problem: { code: 'not-served', protocol: 'ca' } } as const;

describe('a notification of what happens to watched PVs', () => {
  let clock: FakeClock;
  let changed: EventEmitter<WantedPv>;
  let value: Omit<WatchedValue, 'isExposing'>;
  let list: WatchList;
  let end: { dispose(): void };

  beforeEach(() => {
    clock = new FakeClock();
    changed = new EventEmitter();
    value = FINE;
    fakeVscode.warnings.splice(0);
    fakeVscode.set('notify', true);
    list = new WatchList({ get: () => 'ca://A\n', update: async () => undefined });
    end = notifyOfWatched({
      ...{ list, clock, watchView: { follow: () => undefined } },
      values: { onDidChange: changed.event, valueOf: () => value } as unknown as WatchedValues,
    });
  });
  afterEach(() => {
    end.dispose();
    fakeVscode.settings.clear();
    assert.equal(clock.pendingCount, 0);
  });

  const become = async (next: typeof value, ms = 5000): Promise<void> => {
    value = next;
    changed.fire(A);
    await clock.advance(ms);
  };

  it('comes once for an alarm, and again for the next one', async () => {
    await become(HIGH);
    await become(HIGH);
    assert.deepEqual(fakeVscode.warnings, ['A is in alarm: 9 MAJOR HIHI']);
    await become(FINE);
    // Worse than an alarm.
    await become(AWAY);
    assert.equal(fakeVscode.warnings.length, 2);
    assert.match(fakeVscode.warnings[1] ?? '', /^A is away: /);
  });

  it('does not come again for one that comes and goes, for five minutes', async () => {
    for (let turn = 0; turn < 10; turn++) {
      await become(HIGH);
      await become(FINE);
    }
    assert.equal(fakeVscode.warnings.length, 1);
    await become(FINE, 300_000);
    await become(HIGH);
    assert.equal(fakeVscode.warnings.length, 2);
  });

  it('does not come for what is over at once, or never had a value', async () => {
    await become(HIGH, 100);
    await become(FINE);
    await become({ problem: { code: 'not-served', protocol: 'ca' }, numbers: [] });
    assert.deepEqual(fakeVscode.warnings, []);
  });

  it('does not come unless it is wanted', async () => {
    fakeVscode.set('notify', false);
    await become(HIGH);
    assert.deepEqual(fakeVscode.warnings, []);
  });

  it('does not come for a PV that is not watched any more', async () => {
    await become(HIGH, 100);
    await list.remove([A]);
    await clock.advance(5000);
    assert.deepEqual(fakeVscode.warnings, []);
  });
});
