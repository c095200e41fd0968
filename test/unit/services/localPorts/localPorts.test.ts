import assert from 'node:assert/strict';
import { EventEmitter } from '../../../../src/base/event';
import { silentLog } from '../../../../src/base/log';
import { type Endpoint, formatEndpoint } from '../../../../src/model/endpoint';
import type { Relay, RelayResult, Route } from '../../../../src/services/host/connection';
import type { PortPublisher } from '../../../../src/services/host/engine';
import { LocalPorts, type OpenPortInput } from '../../../../src/services/localPorts/localPorts';
import { settle } from '../../../support/fakeClock';
import type { PortReservations } from '../../../../src/services/localPorts/portReservations';

/** A machine on which some endpoints are taken; relays take theirs. */
class Machine {
  readonly taken = new Map<string, string>();
  isFull = false;

  readonly route: Route = {
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
        failure: undefined,
        dropStale: () => undefined,
        onDidEnd: new EventEmitter<Error | undefined>().event,
        retire: () => void this.taken.delete(key),
        standAside: () => void this.taken.delete(key),
        comeBack: async () => {
          if (this.taken.has(key) && this.taken.get(key) !== 'relay') return false;
          this.taken.set(key, 'relay');
          return true;
        },
        dispose: () => void this.taken.delete(key),
      };
      return Promise.resolve({ kind: 'listening', relay });
    },
    dispose: () => undefined,
  };

  readonly reservations = new FakeReservations();
  readonly ports: LocalPorts;
  /** How often a relay had to move, and where from. */
  readonly moved: string[] = [];

  /** `mayShareNumbers`: as on macOS and Windows. */
  constructor(mayShareNumbers = false) {
    this.ports = new LocalPorts({
      log: silentLog,
      mayShareNumbers,
      reservations: this.reservations,
      findHolder: async (endpoint) => {
        const command =
          this.taken.get(formatEndpoint(endpoint)) ?? this.taken.get(`*:${endpoint.port}`);
        if (command === undefined) return undefined;
        const isEverywhere = command === 'everywhere' || this.taken.has(`*:${endpoint.port}`);
        const isForeign = command === 'foreign';
        return { process: { pid: 7, command }, isEverywhere, isForeign };
      },
    });
  }

  input(containerKey: string, port: number, same = ''): OpenPortInput {
    return {
      containerKey,
      route: this.route,
      target: { host: '0.0.0.0', port },
      onMustMove: (relay) => {
        this.moved.push(formatEndpoint(relay.local));
        this.ports.close(relay);
      },
      isSameServer: async (local) => formatEndpoint(local) === same,
      signal: new AbortController().signal,
    };
  }

  async open(container: string, port: number, same = ''): Promise<string> {
    this.ports.claim(container, [port]);
    const opened = await this.ports.open(this.input(container, port, same));
    switch (opened.kind) {
      case 'relayed':
        return `${formatEndpoint(opened.relay.local)} skipped ${opened.skipped.length}`;
      case 'shared':
        return `shared ${formatEndpoint(opened.local)} by ${opened.holder?.process?.command}`;
      case 'taken':
        return `taken ${opened.taken.length} ${JSON.stringify(opened.taken[0]?.refusal)}`;
    }
  }
}

class FakeReservations implements PortReservations {
  readonly #changed = new EventEmitter<void>();
  readonly #reserved = new Map<string, string>();
  isUnsure = false;
  readonly onDidChange = this.#changed.event;

  ready(): Promise<void> {
    return Promise.resolve();
  }

  /** `127.0.0.1:5064`, or `*:5064`. */
  set(endpoint: string, name: string | undefined): void {
    if (name === undefined) this.#reserved.delete(endpoint);
    else this.#reserved.set(endpoint, name);
    this.#changed.fire();
  }

  setUnsure(isUnsure: boolean): void {
    this.isUnsure = isUnsure;
    this.#changed.fire();
  }

  find(_transport: 'tcp' | 'udp', endpoint: Endpoint): ReturnType<PortReservations['find']> {
    const everywhere = this.#reserved.get(`*:${endpoint.port}`);
    const name = everywhere ?? this.#reserved.get(formatEndpoint(endpoint));
    if (name === undefined) return undefined;
    const publisher = { name } as PortPublisher;
    return { publisher, isEverywhere: everywhere !== undefined };
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

  it('trusts nobody else with its own IOC: another user may change what passes', async () => {
    const machine = new Machine();
    machine.taken.set('127.0.0.1:5064', 'foreign');
    assert.equal(await machine.open('a', 5064, '127.0.0.1:5064'), '127.0.0.2:5064 skipped 1');
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
    assert.equal(await machine.ports.openOwn(machine.input('a', 5064)), undefined);
    machine.taken.delete('127.0.0.1:5064');
    const own = await machine.ports.openOwn(machine.input('a', 5064));
    assert.deepEqual(own?.relay.local, { host: '127.0.0.1', port: 5064 });
  });

  it('says what it met where nothing at all is left', async () => {
    const machine = new Machine();
    machine.isFull = true;
    assert.match(await machine.open('a', 5064), /^taken 31 .*"held".*"pid":7,"command":"stranger"/);
  });

  it('takes no number of a service of this machine, whoever we are', async () => {
    const machine = new Machine();
    assert.equal(await machine.open('a', 22), '127.0.0.1:10022 skipped 1');
    assert.equal(await machine.ports.openOwn(machine.input('a', 22)), undefined);
    assert.equal(await machine.open('a', 1024), '127.0.0.1:1024 skipped 0');
  });

  it('frees an address with its relay', async () => {
    const machine = new Machine();
    machine.ports.claim('a', [5064]);
    const opened = await machine.ports.open(machine.input('a', 5064));
    assert.ok(opened.kind === 'relayed');
    machine.ports.close(opened.relay);
    assert.equal(machine.taken.size, 0);
  });

  describe('and what containers publish', () => {
    it('leaves an address to the container, and says so', async () => {
      const machine = new Machine();
      machine.reservations.set('127.0.0.1:5064', 'gateway');
      machine.ports.claim('a', [5064, 5075]);
      const opened = await machine.ports.open(machine.input('a', 5064));
      assert.ok(opened.kind === 'relayed');
      assert.equal(formatEndpoint(opened.relay.local), '127.0.0.2:5064');
      // Both ports of a container stay together.
      assert.equal(await machine.open('a', 5075), '127.0.0.2:5075 skipped 0');
      assert.deepEqual([...machine.taken.keys()], ['127.0.0.2:5064', '127.0.0.2:5075']);
    });

    it('knows who is still in the way, and who has gone', async () => {
      const machine = new Machine();
      machine.reservations.set('127.0.0.1:5064', 'gateway');
      machine.taken.set('127.0.0.2:5064', 'stranger');
      const opened = await machine.ports.open(machine.input('a', 5064));
      assert.ok(opened.kind === 'relayed');
      const still = async (): Promise<string[]> =>
        (await machine.ports.stillTaken(opened.skipped)).map(({ endpoint }) => endpoint.host);
      assert.deepEqual(await still(), ['127.0.0.1', '127.0.0.2']);
      machine.taken.delete('127.0.0.2:5064');
      assert.deepEqual(await still(), ['127.0.0.1']);
      machine.reservations.set('127.0.0.1:5064', 'another');
      const [one] = await machine.ports.stillTaken(opened.skipped);
      assert.deepEqual(one?.refusal, { why: 'published', container: 'another' });
      machine.reservations.set('127.0.0.1:5064', undefined);
      assert.deepEqual(await still(), []);
    });

    it('takes another number where the port is published on every address', async () => {
      const machine = new Machine();
      machine.reservations.set('*:5064', 'gateway');
      machine.ports.claim('a', [5064]);
      const opened = await machine.ports.open(machine.input('a', 5064));
      assert.ok(opened.kind === 'relayed');
      assert.equal(formatEndpoint(opened.relay.local), '127.0.0.1:15064');
      assert.deepEqual(opened.skipped[0]?.refusal, { why: 'published', container: 'gateway' });
      // That neither is tried on: it is not ours to have.
      assert.equal(await machine.ports.openOwn(machine.input('a', 5064)), undefined);
    });

    it('stays at a number that the system chose, where a container wants them all', async () => {
      const machine = new Machine();
      for (const port of [5064, 15_064, 25_064, 35_064, 45_064, 55_064, 65_064]) {
        machine.reservations.set(`*:${port}`, 'absurd');
      }
      machine.reservations.set('*:0', 'absurd');
      assert.match(await machine.open('a', 5064), /^127\.0\.0\.1:0 skipped 1$/);
      machine.reservations.set('127.0.0.1:0', 'absurd');
      assert.deepEqual(machine.moved, []);
    });

    it('gives route at once when a container comes that publishes what a relay has', async () => {
      const machine = new Machine();
      await machine.open('a', 5064);
      machine.reservations.set('127.0.0.1:5064', 'late');
      assert.deepEqual(machine.moved, ['127.0.0.1:5064']);
      assert.equal(machine.taken.size, 0);
      assert.equal(await machine.open('a', 5064), '127.0.0.2:5064 skipped 1');
    });

    it('listens nowhere while a container is being made, and at its places again after that', async () => {
      const machine = new Machine();
      await machine.open('a', 5064);
      await machine.open('b', 5064);
      machine.reservations.setUnsure(true);
      assert.equal(machine.taken.size, 0);
      machine.taken.set('127.0.0.2:5064', 'docker-proxy');
      machine.reservations.setUnsure(false);
      await settle();
      assert.equal(machine.taken.get('127.0.0.1:5064'), 'relay');
      assert.deepEqual(machine.moved, ['127.0.0.2:5064']);
    });
  });

  describe('where one address can be had beside all of them (macOS, Windows)', () => {
    it('leaves the port to an IOC of this machine that listens on every address', async () => {
      const machine = new Machine(true);
      machine.taken.set('*:5064', 'softIoc');
      assert.equal(await machine.open('a', 5064), '127.0.0.1:15064 skipped 1');
      assert.equal(machine.taken.has('127.0.0.1:5064'), false);
    });

    it('would not notice where it asked only when the system refuses', async () => {
      const machine = new Machine(false);
      machine.taken.set('*:5064', 'softIoc');
      assert.equal(await machine.open('a', 5064), '127.0.0.1:5064 skipped 0');
    });
  });
});
