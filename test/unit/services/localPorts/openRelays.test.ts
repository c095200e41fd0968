import assert from 'node:assert/strict';
import { EventEmitter } from '../../../../src/base/event';
import type { Relay } from '../../../../src/services/host/connection';
import { OpenRelays } from '../../../../src/services/localPorts/openRelays';

describe('open relays', () => {
  function relayAt(port: number, connectionCount: number) {
    const ended = new EventEmitter<Error | undefined>();
    let retirements = 0;
    const relay: Relay = {
      ...{
        local: { host: '127.0.0.1', port },
        connectionCount,
        failure: undefined,
        dropStale: () => undefined,
        onDidEnd: ended.event,
      },
      standAside: () => undefined,
      comeBack: () => Promise.resolve(true),
      retire: () => void retirements++,
      dispose: () => undefined,
    };
    return { relay, end: () => ended.fire(undefined), retirements: () => retirements };
  }

  it('count the circuits of clients, not those by which we try them ourselves', () => {
    const relays = new OpenRelays();
    const { relay, end } = relayAt(5064, 3);
    relays.add(relay);
    relays.add(relayAt(5063, 2).relay);
    const closed = new EventEmitter<void>();
    const own = {
      on: (_event: string, listener: unknown) => closed.event(listener as () => void),
    };
    relays.addOwn({ host: '127.0.0.1', port: 5064 }, own);
    relays.addOwn({ host: '127.0.0.1', port: 9999 }, own);
    assert.equal(relays.circuitCount, 4);
    closed.fire();
    assert.equal(relays.circuitCount, 5);
    end();
    assert.equal(relays.circuitCount, 2);
  });

  it('listen no more when they are retired, nor do those that come too late', () => {
    const relays = new OpenRelays();
    const [first, late] = [relayAt(5064, 1), relayAt(5075, 0)];
    relays.add(first.relay);
    relays.retire();
    relays.add(late.relay);
    assert.deepEqual([first.retirements(), late.retirements(), relays.isRetired], [1, 1, true]);
    assert.equal(relays.circuitCount, 1);
  });
});
