import assert from 'node:assert/strict';
import type { CoreApi, PvDetails, PvPath } from '../../../../src/model/coreApi';
import { ContainerError, NoReadAccessError } from '../../../../src/base/errors';
import { type NameSource, NameTable, type PvStep } from '../../../../src/model/pvTable';
import type { PvServer } from '../../../../src/services/exposure/pvServer';
import { PvReader } from '../../../../src/services/pvs/pvReader';
import { FakeClock } from '../../../support/fakeClock';
import { CoreScene } from '../../../support/coreScene';
import { type FakeContainer } from '../../../support/fakeEngine';

const { signal } = new AbortController();
const MOTOR = 'DEMO:MOTOR';

describe('a PV that is read', () => {
  let scene: CoreScene;
  let dev: FakeContainer;
  let frontEnd: CoreApi;
  beforeEach(async () => {
    scene = new CoreScene();
    dev = scene.engine.run('dev');
    dev.start({ name: 'IOC' });
    frontEnd = await scene.open();
  });
  afterEach(() => scene.end());

  it('gives all of its value over each protocol', async () => {
    for (const protocol of ['ca', 'pva'] as const) {
      const reading = await frontEnd.readPv({ name: 'DEMO:SPECTRUM', protocol }, signal);
      assert.equal((reading.value as ArrayLike<number>).length, 256);
      const { value } = await frontEnd.readPv({ name: 'DEMO:STATE', protocol }, signal);
      assert.equal(value, 'Idle');
    }
  });

  it('is not found where no IOC has it', async () => {
    for (const protocol of ['ca', 'pva'] as const) {
      const reading = frontEnd.readPv({ name: 'NO:SUCH', protocol }, signal);
      await assert.rejects(reading, { code: 'not-found' });
    }
  });

  it('says what is in the way', async () => {
    dev.setPaused(true);
    await scene.clock.advance(1000);
    const reading = frontEnd.readPv({ name: MOTOR, protocol: 'ca' }, signal);
    await assert.rejects(reading, { code: 'container' });
    dev.setPaused(false);
    await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 12/12');
    await frontEnd.readPv({ name: MOTOR, protocol: 'ca' }, signal);
  });

  it('is given up when its IOC takes the question and never answers', async () => {
    dev.iocs[0]?.hang();
    let error: unknown;
    frontEnd.readPv({ name: MOTOR, protocol: 'ca' }, signal).catch((e: unknown) => (error = e));
    await scene.until(() => error !== undefined, 'an end');
    assert.equal((error as { code?: unknown }).code, 'timeout');
    // What is known of it tells why there is no value.
    const [ca] = (await frontEnd.describePv({ name: MOTOR, maxWaitMs: 0 }, signal)).paths;
    assert.ok(ca?.readProblem);
  });
});

describe('a PV whose name was given to several servers', () => {
  /** A server of the CA protocol that answers reads of the name as told. */
  function server(
    key: string,
    step: PvStep,
    answer: number | Error,
    source: NameSource = { kind: 'user' },
  ): PvServer {
    const names = new NameTable();
    names.add(['X'], source);
    return {
      ...{ key, protocol: 'ca', names, container: { name: key } },
      ioc: { name: key, state: () => ({ servers: [] }) },
      forwarder: {},
      stepOf: () => step,
      noteRead: () => undefined,
      read: async () => {
        if (answer instanceof Error) throw answer;
        return { value: answer, severity: 'NO_ALARM' };
      },
    } as unknown as PvServer;
  }
  const read = async (...servers: PvServer[]): Promise<unknown> => {
    const identity = { clientName: 'test', hostName: 'here' };
    const reader = new PvReader({ servers: () => servers, identity, clock: new FakeClock() });
    return (await reader.read({ name: 'X', protocol: 'ca' }, signal)).value;
  };
  const none = new ContainerError('the IOC has no PV X');

  it('is read from the one that has it, not from one that has not answered yet', async () => {
    const answers = [server('old', 'pending', none), server('new', 'reachable', 5)] as const;
    assert.equal(await read(...answers), 5);
    const listed = server('listed', 'pending', 7, { kind: 'pva-list' });
    assert.equal(await read(server('old', 'pending', 1), listed), 7);
  });

  it('is read from the next one where one turns out not to have it', async () => {
    assert.equal(await read(server('old', 'pending', none), server('new', 'pending', 5)), 5);
    const all = [server('old', 'pending', none), server('new', 'pending', none)];
    await assert.rejects(read(...all), { code: 'container' });
  });

  it('is nowhere where all of them have said no', async () => {
    const all = [server('old', 'not-found', 1), server('new', 'not-found', 1)];
    await assert.rejects(read(...all), { code: 'not-found' });
  });

  it('is not asked for elsewhere where reading is denied', async () => {
    const denied = server('old', 'pending', new NoReadAccessError('denied'));
    await assert.rejects(read(denied, server('new', 'pending', 5)), { code: 'no-read-access' });
  });
});

describe('what is told of a PV', () => {
  let scene: CoreScene;
  let dev: FakeContainer;
  let frontEnd: CoreApi;
  beforeEach(async () => {
    scene = new CoreScene();
    dev = scene.engine.run('dev');
    dev.start({ name: 'IOC' });
    frontEnd = await scene.open();
  });
  afterEach(() => scene.end());

  const describePv = (name: string, maxWaitMs = 700): Promise<PvDetails> =>
    frontEnd.describePv({ name, maxWaitMs }, signal);
  const path = ({ paths }: PvDetails, protocol: string): PvPath => {
    const found = paths.find(({ row }) => row.protocol === protocol);
    assert.ok(found, JSON.stringify(paths));
    return found;
  };

  it('is its path over each protocol, with a value that was just read', async () => {
    const details = await describePv(MOTOR);
    assert.equal(details.paths.length, 2);
    for (const protocol of ['ca', 'pva']) {
      const { row, local, route, pid, reading, readAt, readProblem } = path(details, protocol);
      assert.deepEqual([row.step, row.containerName, row.iocName], ['reachable', 'dev', 'IOC']);
      assert.deepEqual([local?.port, route, pid], [protocol === 'ca' ? 5064 : 5075, 'entered', 10]);
      assert.equal(typeof reading?.value, 'number');
      assert.equal(readAt, new Date(scene.clock.wallMs()).toISOString());
      assert.equal(readProblem, undefined);
    }
  });

  it('is, for a part of a structure, its own value over pvAccess', async () => {
    const describePart = (part: readonly string[]): Promise<PvDetails> => {
      const name = [MOTOR, ...part].join('/');
      const query = { name, part: { name: MOTOR, path: part }, maxWaitMs: 700 };
      return frontEnd.describePv(query, signal);
    };
    const units = await describePart(['display', 'units']);
    assert.deepEqual(
      [units.name, units.part, units.paths.length],
      [MOTOR, ['display', 'units'], 1],
    );
    assert.equal(path(units, 'pva').reading?.value, 'mm');
    const severity = path(await describePart(['alarm', 'severity']), 'pva').reading;
    assert.deepEqual([severity?.value, severity?.severity], [0, 'NO_ALARM']);
    assert.deepEqual(path(await describePart(['display', 'no']), 'pva').readProblem, {
      code: 'not-read',
      detail: `${MOTOR} has no part display/no`,
    });
    // What was read of a part is not the value of the PV.
    assert.equal(typeof path(await describePv(MOTOR), 'pva').reading?.value, 'number');
  });

  it('is, for a field, its own value and the path of its record', async () => {
    const details = await describePv(`${MOTOR}.EGU`);
    for (const protocol of ['ca', 'pva']) {
      const { row, reading } = path(details, protocol);
      assert.deepEqual([row.name, row.step, reading?.value], [MOTOR, 'reachable', 'mm']);
    }
    const long = path(await describePv(`${MOTOR}.DESC$`), 'ca');
    assert.equal(long.reading?.value, 'built-in demo');
    const { total } = await frontEnd.listPvs(
      { pattern: `${MOTOR}.*`, offset: 0, limit: 1 },
      signal,
    );
    assert.equal(total, 0, 'fields are not added to the names');
  });

  it('is why a field of a record cannot be read', async () => {
    const { row, readProblem } = path(await describePv(`${MOTOR}.NOBODY`), 'ca');
    assert.equal(row.step, 'reachable', 'the record is there');
    assert.match(JSON.stringify(readProblem), /no PV DEMO:MOTOR\.NOBODY/);
  });

  it('is nothing for a field of a record that no IOC has', async () => {
    assert.deepEqual((await describePv('NO:SUCH.DESC')).paths, []);
  });

  it('is nothing where no IOC has it', async () => {
    assert.deepEqual(await describePv('NO:SUCH'), { name: 'NO:SUCH', paths: [] });
  });

  it('is not read again while it is fresh, nor by two at once', async () => {
    const [ioc] = dev.iocs;
    assert.ok(ioc);
    /** What a hover asks of the IOC while it hangs, in bytes. */
    const asked = async (...hovers: number[]): Promise<number> => {
      ioc.hang();
      const all = Promise.all(hovers.map(() => describePv(MOTOR)));
      await scene.clock.advance(0);
      const { unreadBytes } = ioc;
      ioc.goOn();
      await all;
      return unreadBytes;
    };
    const once = await asked(1);
    assert.ok(once > 0);
    assert.equal(await asked(1), 0);
    await scene.clock.advance(600);
    assert.equal(await asked(1, 2), once);
  });

  it('is what is known when nobody wants to wait', async () => {
    assert.equal(path(await describePv(MOTOR, 0), 'ca').reading, undefined);
    const { reading } = path(await describePv(MOTOR), 'ca');
    await scene.clock.advance(5000);
    assert.deepEqual(path(await describePv(MOTOR, 0), 'ca').reading, reading);
  });

  it('comes without the value that is late, which is there for who asks next', async () => {
    const [ioc] = dev.iocs;
    assert.ok(ioc);
    ioc.hang();
    let details: PvDetails | undefined;
    void describePv(MOTOR).then((told) => (details = told));
    await scene.until(() => details !== undefined, 'an answer', 1000);
    assert.ok(details);
    assert.equal(path(details, 'ca').reading, undefined);
    ioc.goOn();
    await scene.clock.advance(100);
    assert.ok(path(await describePv(MOTOR, 0), 'ca').reading);
  });

  it('keeps the last value beside the reason why there is no newer one', async () => {
    const { reading } = path(await describePv(MOTOR), 'ca');
    dev.setPaused(true);
    await scene.clock.advance(1000);
    const later = path(await describePv(MOTOR), 'ca');
    assert.equal(later.problem?.code, 'container-paused');
    assert.equal(later.row.state, 'disconnected');
    assert.deepEqual(later.reading, reading);
    assert.ok(later.readProblem);
    for (const ioc of dev.iocs) dev.end(ioc);
    await scene.clock.advance(1000);
    const last = path(await describePv(MOTOR), 'ca');
    assert.equal(last.row.state, 'ioc-gone');
    assert.ok(last.readProblem);
  });

  it('is that its IOC does not have it, without asking for a value', async () => {
    const box = scene.engine.run('box');
    box.files.set('/x.db', 'record(ai, "X:LOST") {}');
    box.start({ name: 'BOX', servers: { 5064: 'ca' }, commandLine: ['softIoc', '-d', '/x.db'] });
    await scene.untilSettled();
    const lost = path(await describePv('X:LOST'), 'ca');
    assert.equal(lost.row.state, 'not-found');
    assert.ok(lost.readProblem);
    await assert.rejects(frontEnd.readPv({ name: 'X:LOST', protocol: 'ca' }, signal), {
      code: 'container',
    });
  });
});
