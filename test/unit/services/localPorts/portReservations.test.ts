import assert from 'node:assert/strict';
import { EventEmitter } from '../../../../src/base/event';
import type { Engine, PortPublisher, PortPublishing } from '../../../../src/services/host/engine';
import { FailedStarts } from '../../../../src/services/localPorts/failedStarts';
import { ContainerPorts } from '../../../../src/services/localPorts/portReservations';
import { FakeClock } from '../../../support/fakeClock';
import { advised, said } from '../../../support/said';

const clock = new FakeClock();
const hoursAgo = (hours: number): string =>
  new Date(clock.wallMs() - hours * 3_600_000).toISOString();

function publisher(more: Partial<PortPublisher>, hostIp = '127.0.0.1'): PortPublisher {
  return {
    ...{ id: 'id', name: 'gateway', state: 'running', restartsAutomatically: false },
    ...{ finishedAt: '', startError: '' },
    ports: [{ transport: 'tcp', containerPort: 5064, hostIp, hostPort: 5064 }],
    ...more,
  };
}

class FakeEngine {
  readonly #changed = new EventEmitter<void>();
  readonly onDidChange = this.#changed.event;
  isMakingContainer = false;
  publishers: readonly PortPublisher[] = [];

  constructor(...publishers: PortPublisher[]) {
    this.publishers = publishers;
  }

  get publishing(): PortPublishing {
    return this;
  }

  become(change: Partial<Pick<FakeEngine, 'isMakingContainer' | 'publishers'>>): void {
    Object.assign(this, change);
    this.#changed.fire();
  }
}

function portsOf(...engines: FakeEngine[]): ContainerPorts {
  const { event: onDidChange } = new EventEmitter<void>();
  const source = { engines: engines as unknown as Engine[], isReady: true, onDidChange };
  return new ContainerPorts([source], clock);
}

const at = (host: string, port = 5064) => ({ host, port });

describe('ports that containers publish', () => {
  it('are theirs while they run, are made, start again by themselves, or stopped within a day', () => {
    const whose = (more: Partial<PortPublisher>): string | undefined =>
      portsOf(new FakeEngine(publisher(more))).find('tcp', at('127.0.0.1'))?.publisher.name;
    for (const state of ['running', 'paused', 'restarting', 'created', 'configured', 'initialized'])
      assert.equal(whose({ state }), 'gateway', state);
    for (const state of ['exited', 'stopped', 'dead']) {
      assert.equal(whose({ state, finishedAt: hoursAgo(23) }), 'gateway', state);
      assert.equal(whose({ state, finishedAt: hoursAgo(25) }), undefined, state);
      assert.equal(
        whose({ state, finishedAt: hoursAgo(99), restartsAutomatically: true }),
        'gateway',
      );
      assert.equal(whose({ state, finishedAt: '' }), undefined, state);
    }
  });

  it('mean the address they name, or every one; TCP and UDP apart', () => {
    const ports = portsOf(new FakeEngine(publisher({})));
    assert.equal(ports.find('tcp', at('127.0.0.1'))?.isEverywhere, false);
    assert.equal(ports.find('tcp', at('127.0.0.2')), undefined);
    assert.equal(ports.find('tcp', at('0.0.0.0'))?.isEverywhere, false, 'all addresses meet it');
    assert.equal(ports.find('udp', at('127.0.0.1')), undefined);
    assert.equal(ports.find('tcp', at('127.0.0.1', 5075)), undefined);
    for (const hostIp of ['0.0.0.0', '::']) {
      const everywhere = portsOf(new FakeEngine(publisher({}, hostIp)));
      assert.equal(everywhere.find('tcp', at('127.0.0.7'))?.isEverywhere, true);
    }
  });

  it('are told anew by any engine, also while it only makes a container', () => {
    const [one, other] = [new FakeEngine(), new FakeEngine()];
    const ports = portsOf(one, other);
    const seen: string[] = [];
    ports.onDidChange(() => {
      const name = ports.find('tcp', at('127.0.0.1'))?.publisher.name;
      seen.push(`${name} ${ports.isUnsure}`);
    });
    other.become({ isMakingContainer: true });
    other.become({ publishers: [publisher({})] });
    other.become({ isMakingContainer: false });
    assert.deepEqual(seen, ['undefined true', 'gateway true', 'gateway false']);
  });

  it('lapse a day after the end of a container, and that is told', async () => {
    const ended = publisher({ state: 'exited', finishedAt: hoursAgo(23) });
    const ports = portsOf(new FakeEngine(ended));
    const whose = (): string | undefined => ports.find('tcp', at('127.0.0.1'))?.publisher.name;
    let changes = 0;
    ports.onDidChange(() => changes++);
    await clock.advance(3_600_000);
    assert.deepEqual([whose(), changes], ['gateway', 0]);
    await clock.advance(10);
    assert.deepEqual([whose(), changes], [undefined, 1]);
    ports.dispose();
  });

  it('stay free for a moment after a container was removed, for it may be made again', async () => {
    const engine = new FakeEngine(publisher({}));
    const ports = portsOf(engine);
    const whose = (): string | undefined => ports.find('tcp', at('127.0.0.1'))?.publisher.name;
    engine.become({ publishers: [] });
    let changes = 0;
    ports.onDidChange(() => changes++);
    await clock.advance(900);
    assert.deepEqual([whose(), changes], ['gateway', 0]);
    await clock.advance(200);
    assert.deepEqual([whose(), changes], [undefined, 1]);
    ports.dispose();
  });

  it('are not theirs ahead of a start where a container wants more than a thousand', () => {
    const many = Array.from({ length: 1001 }, (_, index) => ({
      ...{ transport: 'tcp' as const, containerPort: 1, hostIp: '0.0.0.0' },
      hostPort: 5000 + index,
    }));
    const whose = (state: string): string | undefined =>
      portsOf(new FakeEngine(publisher({ state, ports: many }))).find('tcp', at('127.0.0.1'))
        ?.publisher.name;
    assert.deepEqual([whose('created'), whose('running')], [undefined, 'gateway']);
  });

  it('are ours again after three seconds where containers are made without end', async () => {
    const engine = new FakeEngine();
    const ports = portsOf(engine);
    const seen: boolean[] = [];
    ports.onDidChange(() => seen.push(ports.isUnsure));
    engine.become({ isMakingContainer: true });
    await clock.advance(2900);
    engine.become({ publishers: [publisher({})] });
    await clock.advance(200);
    assert.deepEqual(seen, [true, true, false]);
    // And then for a third of the time.
    engine.become({ isMakingContainer: false });
    await clock.advance(1000);
    engine.become({ isMakingContainer: true });
    assert.equal(ports.isUnsure, true);
    await clock.advance(332);
    assert.equal(ports.isUnsure, true);
    await clock.advance(3);
    assert.equal(ports.isUnsure, false);
    ports.dispose();
  });

  it('let nobody wait for ever for an engine that never says what it makes', async () => {
    const ports = portsOf(new FakeEngine());
    await ports.ready(new AbortController().signal);
    const engine = new FakeEngine();
    engine.isMakingContainer = true;
    let isReady = false;
    void portsOf(engine)
      .ready(new AbortController().signal)
      .then(() => (isReady = true));
    await clock.advance(2900);
    assert.equal(isReady, false);
    await clock.advance(200);
    assert.equal(isReady, true);
  });
});

describe('containers that could not start because of us', () => {
  const inUse = 'driver failed: listen tcp4 127.0.0.1:5064: bind: address already in use';
  const held = { transport: 'tcp', endpoint: at('127.0.0.1') } as const;

  function scene(...publishers: PortPublisher[]) {
    const state = { publishers, held: [held] as (typeof held)[] };
    const failed = new FailedStarts({
      publishers: () => state.publishers,
      held: () => state.held,
      clock,
    });
    failed.note();
    return { state, failed, told: () => failed.problems.map(said) };
  }

  it('are told with container and port, until they run', () => {
    const { state, told, failed } = scene(publisher({ state: 'created', startError: inUse }));
    state.held = [];
    assert.match(
      told()[0] ?? '',
      /^container gateway could not start .* TCP port 127\.0\.0\.1:5064/,
    );
    assert.match(advised(failed.problems[0]), /docker start gateway/);
    state.publishers = [publisher({ startError: inUse })];
    assert.deepEqual(told(), []);
  });

  it('are no others: another reason, another port, another time', async () => {
    const created = { state: 'created', startError: inUse };
    assert.deepEqual(
      scene(publisher({ state: 'created', startError: 'no such image' })).told(),
      [],
    );
    assert.deepEqual(scene(publisher(created, '127.0.0.9')).told(), []);
    for (const other of [
      ':8080 failed: port is already allocated',
      ':50640: address already in use',
    ]) {
      const startError = `Bind for 127.0.0.1${other}`;
      assert.deepEqual(scene(publisher({ ...created, startError })).told(), [], startError);
    }
    const late = scene();
    late.state.held = [];
    await clock.advance(61_000);
    late.failed.note();
    late.state.publishers = [publisher(created)];
    assert.deepEqual(late.told(), []);
  });
});
