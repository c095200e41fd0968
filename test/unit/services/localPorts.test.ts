import assert from 'node:assert/strict';
import { EventEmitter } from '../../../src/base/event';
import { silentLog } from '../../../src/base/log';
import { type Endpoint, formatEndpoint } from '../../../src/model/endpoint';
import type { Relay, RelayResult, WayIn } from '../../../src/services/connection';
import { LocalPorts } from '../../../src/services/localPorts';

/** A machine on which some endpoints are taken; relays take theirs. */
class Machine {
  readonly taken = new Map<string, string>();
  isFull = false;

  readonly way: WayIn = {
    kind: 'address',
    label: 'test',
    directEndpoint: () => undefined,
    ownEndpoint: () => undefined,
    dial: () => Promise.reject(new Error('not dialled here')),
    openRelay: (local: Endpoint): Promise<RelayResult> => {
      const key = formatEndpoint(local);
      if (this.isFull) this.taken.set(key, 'stranger');
      if (this.taken.get(key) === 'unavailable') {
        return Promise.resolve({ kind: 'address-unavailable', reason: 'EADDRNOTAVAIL' });
      }
      if (this.taken.has(key)) return Promise.resolve({ kind: 'port-taken' });
      this.taken.set(key, 'relay');
      const relay: Relay = {
        local,
        connectionCount: 0,
        onDidEnd: new EventEmitter<Error | undefined>().event,
        retire: () => void this.taken.delete(key),
        dispose: () => void this.taken.delete(key),
      };
      return Promise.resolve({ kind: 'listening', relay });
    },
    dispose: () => undefined,
  };

  readonly ports = new LocalPorts({
    log: silentLog,
    findHolder: (endpoint) => {
      const command = this.taken.get(formatEndpoint(endpoint));
      if (command === undefined) return Promise.resolve(undefined);
      return Promise.resolve({
        process: { pid: 7, command },
        isEverywhere: command === 'everywhere',
      });
    },
  });

  async open(container: string, port: number, same = ''): Promise<string> {
    this.ports.claim(container, [port]);
    const opened = await this.ports.open(container, this.way, { host: '0.0.0.0', port }, (local) =>
      Promise.resolve(formatEndpoint(local) === same),
    );
    switch (opened.kind) {
      case 'relayed':
        return `${formatEndpoint(opened.relay.local)} skipped ${opened.skipped.length}`;
      case 'shared':
        return `shared ${formatEndpoint(opened.local)} by ${opened.holder?.process?.command}`;
      case 'taken':
        return `taken ${opened.taken.length} ${opened.taken[0]?.reason}`;
    }
  }
}

describe('LocalPorts', () => {
  it('keeps the number and gives each container its own address', async () => {
    const machine = new Machine();
    assert.equal(await machine.open('a', 5064), '127.0.0.1:5064 skipped 0');
    assert.equal(await machine.open('b', 5064), '127.0.0.2:5064 skipped 0');
    assert.equal(await machine.open('a', 5075), '127.0.0.1:5075 skipped 0');
    machine.ports.release('a');
    assert.equal(await machine.open('b', 5075), '127.0.0.2:5075 skipped 0');
  });

  it('goes round a stranger, and says who it is', async () => {
    const machine = new Machine();
    machine.taken.set('127.0.0.1:5064', 'gateway');
    assert.equal(await machine.open('a', 5064), '127.0.0.2:5064 skipped 1');
  });

  it('recognises its own IOC behind somebody else', async () => {
    const machine = new Machine();
    machine.taken.set('127.0.0.1:5064', 'code');
    assert.equal(await machine.open('a', 5064, '127.0.0.1:5064'), 'shared 127.0.0.1:5064 by code');
  });

  it('does not try address after address against one who has them all', async () => {
    const machine = new Machine();
    machine.taken.set('127.0.0.1:5064', 'everywhere');
    assert.equal(await machine.open('a', 5064), '127.0.0.1:15064 skipped 1');
  });

  it('takes another number where no address is left, and the same one again', async () => {
    const machine = new Machine();
    machine.taken.set('127.0.0.1:5064', 'stranger');
    for (let index = 2; index < 255; index++) {
      machine.taken.set(`127.0.0.${index}:5064`, 'unavailable');
    }
    assert.match(await machine.open('a', 5064), /^127\.0\.0\.1:15064 skipped \d+$/);
    assert.match(await machine.open('b', 5064), /^127\.0\.0\.1:25064 skipped \d+$/);
    machine.taken.delete('127.0.0.1:15064');
    machine.taken.delete('127.0.0.1:25064');
    assert.match(await machine.open('b', 5064), /^127\.0\.0\.1:25064 skipped \d+$/);
    const target = { host: '0.0.0.0', port: 5064 };
    assert.equal(await machine.ports.openOwn('a', machine.way, target), undefined);
    machine.taken.delete('127.0.0.1:5064');
    const own = await machine.ports.openOwn('a', machine.way, target);
    assert.deepEqual(own?.local, { host: '127.0.0.1', port: 5064 });
  });

  it('says what it met where nothing at all is left', async () => {
    const machine = new Machine();
    machine.isFull = true;
    assert.match(await machine.open('a', 5064), /^taken 31 stranger \(pid 7\)$/);
  });

  it('frees an address with its relay', async () => {
    const machine = new Machine();
    machine.ports.claim('a', [5064]);
    const opened = await machine.ports.open('a', machine.way, { host: '::', port: 5064 }, () =>
      Promise.resolve(false),
    );
    assert.ok(opened.kind === 'relayed');
    machine.ports.close(opened.relay);
    assert.equal(machine.taken.size, 0);
  });
});
