import assert from 'node:assert/strict';
import { EventEmitter } from '../../../../src/base/event';
import { silentLog } from '../../../../src/base/log';
import type { Relay } from '../../../../src/services/host/connection';
import { NO_RESERVATIONS } from '../../../../src/services/localPorts/portReservations';
import {
  FallbackListeners,
  WELL_KNOWN_ENDPOINTS,
} from '../../../../src/services/search/fallbackListeners';
import { FakeClock, settle } from '../../../support/fakeClock';

const CA = WELL_KNOWN_ENDPOINTS.ca;

/** The system takes its time to listen: each call of `answer` ends one attempt. */
class Scene {
  readonly attempts: ((hasPort: boolean) => void)[] = [];
  held = 0;
  readonly listeners = new FallbackListeners({
    sockets: {
      openNameServer: () =>
        new Promise((resolve) => {
          this.attempts.push((hasPort) => {
            if (hasPort) this.held++;
            resolve(hasPort ? this.#relay() : undefined);
          });
        }),
    },
    reservations: NO_RESERVATIONS,
    findHolder: () => Promise.resolve(undefined),
    mayShareNumbers: false,
    intercept: () => assert.fail('nobody connects'),
    onChange: () => undefined,
    clock: new FakeClock(),
    log: silentLog,
  });

  #relay(): Relay {
    const dispose = (): void => void this.held--;
    return {
      ...{
        local: CA,
        connectionCount: 0,
        failure: undefined,
        dropStale: () => undefined,
        onDidEnd: new EventEmitter<Error | undefined>().event,
      },
      ...{ retire: dispose, standAside: dispose, comeBack: () => Promise.resolve(true), dispose },
    };
  }

  /** A server that is reached somewhere else, so that a fallback listener is wanted. */
  wantListener(): void {
    const local = { host: '127.0.0.2', port: CA.port };
    this.listeners.setServers([{ protocol: 'ca', local, isRelayed: true }]);
  }
}

describe('fallback listeners', () => {
  let scene: Scene;
  beforeEach(() => (scene = new Scene()));
  afterEach(() => scene.listeners.dispose());

  it('make room when the port is free of them, also while they are about to take it', async () => {
    scene.wantListener();
    let isFree = false;
    const released = scene.listeners.releasePort(CA).then(() => (isFree = true));
    await settle();
    assert.equal(isFree, false);
    scene.attempts[0]?.(true);
    await released;
    assert.equal(scene.held, 0);
  });

  it('make room at once where they listen, and where they do not', async () => {
    await scene.listeners.releasePort(CA);
    scene.wantListener();
    scene.attempts[0]?.(true);
    await settle();
    assert.equal(scene.held, 1);
    await scene.listeners.releasePort(CA);
    assert.equal(scene.held, 0);
  });

  it('wait for each attempt that is under way, not for the last alone', async () => {
    scene.wantListener();
    scene.listeners.setServers([]);
    scene.wantListener();
    let isFree = false;
    const released = scene.listeners.releasePort(CA).then(() => (isFree = true));
    scene.attempts[1]?.(false);
    await settle();
    assert.equal(isFree, false);
    scene.attempts[0]?.(true);
    await released;
    assert.equal(scene.held, 0);
  });
});
