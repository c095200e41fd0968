/** Several front ends at once: what each wants, and what becomes of it. */
import assert from 'node:assert/strict';
import { UsageError } from '../../../src/base/errors';
import { type PvUpdate, searchPortsIn } from '../../../src/model/coreApi';
import { CoreScene, EVERYTHING } from '../../support/coreScene';
import { FakeClock } from '../../support/fakeClock';
import { type FakeContainer, FakeEngine, FakeEngineSet } from '../../support/fakeEngine';
import { FakeMachine } from '../../support/fakeMachine';

const { signal } = new AbortController();
const only = (...containers: string[]): { selection: typeof EVERYTHING.selection } => ({
  selection: { containers, labels: [] },
});

const USERS = { EPICS_CA_SERVER_PORT: '5094', EPICS_PVA_BROADCAST_PORT: '7076' };

describe('ports on which a user searches', () => {
  it('are those of the environment that make sense', () => {
    assert.deepEqual(searchPortsIn(USERS), { searchPorts: { ca: 5094, pva: 7076 } });
    for (const port of ['', 'x', '80', '65536', '5064.5', '-1']) {
      assert.deepEqual(searchPortsIn({ EPICS_CA_SERVER_PORT: port }), {});
    }
  });
});

describe('the core', () => {
  let scene: CoreScene;
  let containers: FakeContainer[];
  beforeEach(() => {
    scene = new CoreScene();
    containers = ['one', 'two', 'three'].map((name) => scene.engine.run(name));
    for (const container of containers) container.start({ name: container.info.name });
  });
  afterEach(() => scene.end());

  const shown = (): string[] => scene.snapshot.containers.map(({ name }) => name);

  it("answers searches on the ports of IOCs, and on those of front ends' users", async () => {
    containers[0]!.start({ name: 'OWN', servers: { 7064: 'ca' } });
    const first = await scene.open();
    const second = await scene.open(searchPortsIn(USERS));
    const ports = (): unknown =>
      (['ca', 'pva'] as const).map((protocol) =>
        scene.snapshot.search?.[protocol]?.alsoAt?.map(({ port }) => port).sort(),
      );
    await scene.clock.advance(100);
    assert.deepEqual(ports(), [[5094, 7064], [7076]]);
    second.dispose();
    await scene.clock.advance(100);
    assert.deepEqual(ports(), [[7064], undefined]);
    first.dispose();
  });

  it('exposes what any front end wants, and nothing else', async () => {
    const first = await scene.open(only('one'));
    assert.deepEqual(shown(), ['one']);
    const second = await scene.open(only('one', 'two'));
    assert.deepEqual(shown(), ['one', 'two']);
    const relay = scene.machine.relay('127.0.0.1:5064');
    second.dispose();
    assert.deepEqual(shown(), ['one']);
    // What stays wanted is not touched.
    assert.equal(scene.machine.relay('127.0.0.1:5064'), relay);
    first.dispose();
    assert.deepEqual(shown(), []);
    await scene.clock.advance(100);
    assert.deepEqual(scene.machine.listening, []);
  });

  it('takes another request in place of the former one', async () => {
    const frontEnd = await scene.open(only('one'));
    await frontEnd.setRequest({ ...EVERYTHING, ...only('two') });
    await scene.untilSettled();
    assert.deepEqual(shown(), ['two']);
    await frontEnd.setRequest(undefined);
    assert.deepEqual(shown(), []);
  });

  it('forgets a container that stopped when nobody wants it any more', async () => {
    const frontEnd = await scene.open(only('one', 'two'));
    for (const container of containers) container.stop();
    await scene.clock.advance(100);
    assert.deepEqual(shown(), ['one', 'two']);
    await frontEnd.setRequest({ ...EVERYTHING, ...only('two') });
    assert.deepEqual(shown(), ['two']);
    await frontEnd.setRequest(undefined);
    assert.deepEqual(shown(), []);
  });

  it('lists all containers of the engines, wanted or not', async () => {
    const frontEnd = await scene.open(only('one'));
    const listed = await frontEnd.listContainers({}, signal);
    assert.deepEqual(
      listed.map(({ engineKey, name, status }) => `${engineKey} ${name} ${status}`),
      ['engine one running', 'engine two running', 'engine three running'],
    );
    scene.engine.run('four').exit(1);
    const [, , , stopped] = await frontEnd.listContainers({}, signal);
    assert.deepEqual([stopped?.name, stopped?.status], ['four', 'stopped']);
  });

  it('reads for a front end from the containers that this one wants', async () => {
    const [first, second] = [await scene.open(only('one')), await scene.open(only('two'))];
    const address = { name: 'DEMO:STATE', protocol: 'ca' } as const;
    assert.equal((await first.readPv(address, signal)).value, 'Idle');
    await first.setRequest({ ...EVERYTHING, ...only('none') });
    await assert.rejects(first.readPv(address, signal), { code: 'not-found' });
    assert.equal((await second.readPv(address, signal)).value, 'Idle');
  });

  it('lists the PVs of all servers, and levels of one', async () => {
    const frontEnd = await scene.open(only('one', 'two'));
    const page = await frontEnd.listPvs({ pattern: '*:MOTOR', offset: 0, limit: 3 }, signal);
    assert.deepEqual([page.total, page.reachable, page.rows.length], [4, 4, 3]);
    const { key } = scene.server('one', 'pva');
    const query = { key, prefix: '' };
    const { groups, rows } = await frontEnd.listBranch(query, signal);
    assert.equal(groups.reduce((sum, { total }) => sum + total, 0) + rows.length, 12);
  });

  it('follows values for as long as a front end is there', async () => {
    const frontEnd = await scene.open(only('one'));
    const updates: PvUpdate[] = [];
    frontEnd.monitorPv({ name: 'DEMO:COUNTER', protocol: 'pva' }, (update) => updates.push(update));
    await scene.clock.advance(2000);
    assert.ok(updates.length > 2 && updates.every(({ kind }) => kind === 'value'));
    frontEnd.dispose();
    const { length } = updates;
    await scene.clock.advance(2000);
    assert.equal(updates.length, length);
  });

  it('takes nothing from a front end that has ended', async () => {
    const frontEnd = await scene.open(only('one'));
    frontEnd.dispose();
    await assert.rejects(frontEnd.setRequest(EVERYTHING), { code: 'disposed' });
    assert.deepEqual(shown(), []);
  });

  it('tells every front end of a change', async () => {
    const [first, second] = [await scene.open(only('one')), await scene.open(only('one'))];
    const told: string[] = [];
    first.onDidChange(() => told.push('first'));
    second.onDidChange(() => told.push('second'));
    scene.engine.setStatus('unreachable');
    await scene.clock.advance(100);
    assert.deepEqual(told, ['first', 'second']);
  });
});

describe('the engines of requests', () => {
  /** Named by their endpoints. */
  function setUp() {
    const [clock, machine] = [new FakeClock(), new FakeMachine()];
    const sets = new Map<string, FakeEngineSet>();
    const others: FakeEngineSet[] = [];
    const { core } = new CoreScene({
      openEngines: (endpoints) => {
        if (endpoints.includes('nonsense')) throw new UsageError('no endpoint');
        const key = endpoints.join(' ');
        const made = new FakeEngineSet(
          ...endpoints.map((endpoint) => new FakeEngine(clock, machine, endpoint)),
        );
        sets.set(key, made);
        return made;
      },
      openPublishingEngines: () => {
        others.push(new FakeEngineSet());
        return others.at(-1) as FakeEngineSet;
      },
    });
    return { core, sets, others };
  }

  it('are opened when they are first wanted, and closed after the last', async () => {
    const { core, sets, others } = setUp();
    const [first, second] = [core.openFrontEnd(), core.openFrontEnd()];
    await first.setRequest({ ...EVERYTHING, engines: ['a'] });
    await second.setRequest({ ...EVERYTHING, engines: ['b', 'a'] });
    assert.deepEqual([...sets.keys()], ['a', 'b a']);
    assert.deepEqual(
      core.snapshot.engines.map(({ key }) => key),
      ['a', 'b'],
    );
    first.dispose();
    // It is used by the other one, too.
    assert.equal(sets.get('a')?.isClosed, false);
    second.dispose();
    assert.deepEqual(
      [...sets.values()].map(({ isClosed }) => isClosed),
      [true, true],
    );
    assert.deepEqual(core.snapshot.engines, []);
    // Of the others it was learnt meanwhile which ports they publish.
    assert.ok(others.length === 1 && others[0]?.isClosed);
    await core.close();
  });

  it('keep the former request where the next one makes no sense', async () => {
    const { core } = setUp();
    const frontEnd = core.openFrontEnd();
    const request = { ...EVERYTHING, engines: ['a'] };
    await frontEnd.setRequest(request);
    await assert.rejects(frontEnd.setRequest({ ...EVERYTHING, engines: ['nonsense'] }), {
      code: 'usage',
    });
    assert.deepEqual(core.requests, [request]);
    await core.close();
  });
});
