import assert from 'node:assert/strict';
import { EventEmitter } from '../../../../src/base/event';
import { silentLog } from '../../../../src/base/log';
import type { Engine } from '../../../../src/services/host/engine';
import { EngineSets } from '../../../../src/services/engines/engineSets';

/** Opens sets whose engines are the endpoints, or `found` where none is named. */
function scene(found: readonly string[]) {
  const open: string[] = [];
  const sets = new EngineSets((endpoints) => {
    const name = endpoints.join(',') || 'discovery';
    const keys = endpoints.length > 0 ? endpoints : found;
    open.push(name);
    return {
      engines: keys.map((key) => ({ key, from: name }) as unknown as Engine),
      onDidChange: new EventEmitter<void>().event,
      problem: undefined,
      ready: () => Promise.resolve(),
      close: async () => {
        open.splice(open.indexOf(name), 1);
      },
    };
  }, silentLog);
  const engines = (): unknown[] =>
    sets.engines.map(
      (engine) => `${engine.key} from ${(engine as unknown as { from: string }).from}`,
    );
  return { sets, open, engines };
}

describe('EngineSets', () => {
  it('opens each distinct list once, and closes it after the last request', async () => {
    const { sets, open, engines } = scene(['a']);
    sets.open([]);
    sets.open(['b', 'c']);
    sets.open(['c', 'b', 'b']);
    assert.deepEqual(open, ['discovery', 'b,c']);
    assert.deepEqual(engines(), ['a from discovery', 'b from b,c', 'c from b,c']);
    sets.keepOnly([['b', 'c']]);
    assert.deepEqual(open, ['b,c']);
    await sets.close();
    assert.deepEqual(open, []);
  });

  it('uses an engine of two sets once, and goes on with that one for as long as it is wanted', async () => {
    const { sets, open, engines } = scene(['a', 'b']);
    sets.open([]);
    sets.open(['a']);
    assert.deepEqual(engines(), ['a from discovery', 'b from discovery']);
    assert.ok(sets.has(['a'], 'a') && sets.has([], 'b') && !sets.has(['a'], 'b'));
    // Its circuits go through the engine of the set that nobody wants any more.
    sets.keepOnly([['a']]);
    assert.deepEqual(engines(), ['a from discovery', 'b from discovery']);
    assert.ok(!sets.has(['nobody opened this'], 'a'));
    sets.keepOnly([]);
    assert.deepEqual(open, []);
    await sets.close();
  });

  it('is ready when every set is', async () => {
    const { sets } = scene([]);
    assert.ok(sets.isReady);
    let changes = 0;
    sets.onDidChange(() => changes++);
    sets.open([]);
    assert.ok(!sets.isReady);
    await Promise.resolve();
    await Promise.resolve();
    assert.ok(sets.isReady);
    assert.equal(changes, 2);
    await sets.close();
  });
});
