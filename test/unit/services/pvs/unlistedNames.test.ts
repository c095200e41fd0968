/** Names that no IOC reports and no request names: asking for them works, and leaves nothing behind. */
import assert from 'node:assert/strict';
import type { CoreApi, PvDetails, PvUpdate } from '../../../../src/model/coreApi';
import { WINDOW_WORDS } from '../../../../src/present/frontEndWords';
import { pvText } from '../../../../src/present/pvDetailsText';
import type { PvProtocol } from '../../../../src/model/snapshot';
import { CoreScene } from '../../../support/coreScene';
import type { FakeContainer } from '../../../support/fakeEngine';

const { signal } = new AbortController();
const MOTOR = 'DEMO:MOTOR';

describe('a PV that its IOC does not report', () => {
  let scene: CoreScene;
  let dev: FakeContainer;
  let frontEnd: CoreApi;
  beforeEach(async () => {
    scene = new CoreScene();
    // Without a pvAccess server and without files, nothing tells the names of this IOC.
    dev = scene.engine.run('dev');
    dev.start({ name: 'CA', servers: { 5064: 'ca' } });
    frontEnd = await scene.open();
    assert.equal(scene.line('dev', 'ca'), 'exposed 127.0.0.1:5064 0/0');
  });
  afterEach(() => scene.end());

  const total = async (): Promise<number> =>
    (await frontEnd.listPvs({ offset: 0, limit: 1 }, signal)).total;
  const bytesAsked = async (work: () => Promise<unknown>): Promise<number> => {
    const [ioc] = dev.iocs;
    assert.ok(ioc);
    ioc.hang();
    const done = work();
    await scene.clock.advance(0);
    const { unreadBytes } = ioc;
    ioc.goOn();
    await done;
    return unreadBytes;
  };

  it('is read all the same', async () => {
    const { value } = await frontEnd.readPv({ name: MOTOR, protocol: 'ca' }, signal);
    assert.equal(typeof value, 'number');
    await assert.rejects(frontEnd.readPv({ name: MOTOR, protocol: 'pva' }, signal), {
      code: 'not-found',
    });
    assert.equal(scene.line('dev', 'ca'), 'exposed 127.0.0.1:5064 0/0');
    assert.equal(await total(), 0);
  });

  it('is told with the servers that have it', async () => {
    const { name, paths } = await frontEnd.describePv({ name: MOTOR, maxWaitMs: 700 }, signal);
    assert.equal(name, MOTOR);
    const [path] = paths;
    assert.ok(path && paths.length === 1);
    assert.deepEqual(
      [path.row.name, path.row.step, path.row.state],
      [MOTOR, 'reachable', 'reachable'],
    );
    assert.equal(typeof path.reading?.value, 'number');
    const none = await frontEnd.describePv({ name: 'NO:SUCH', maxWaitMs: 700 }, signal);
    assert.deepEqual(none.paths, []);
    assert.equal(await total(), 0);
  });

  it('is not told to be nowhere while its IOC has not answered', async () => {
    dev.iocs[0]?.hang();
    let details: PvDetails | undefined;
    const describe = async (): Promise<void> => {
      details = await frontEnd.describePv({ name: MOTOR, maxWaitMs: 700 }, signal);
    };
    void describe();
    await scene.until(() => details !== undefined, 'an answer');
    assert.deepEqual(details, { name: MOTOR, paths: [], isAsked: true });
    const { head: section } = pvText(details, 0, WINDOW_WORDS);
    assert.equal(section?.health, 'busy');
    dev.iocs[0]?.goOn();
    await scene.clock.advance(100);
    await describe();
    assert.equal(details?.paths.length, 1);
  });

  it('is followed', async () => {
    const updates: PvUpdate[] = [];
    const address = { name: 'DEMO:COUNTER', protocol: 'ca' } as const;
    const monitor = frontEnd.monitorPv(address, (update) => updates.push(update));
    await scene.until(() => updates.filter(({ kind }) => kind === 'value').length > 2, 'values');
    monitor.dispose();
    assert.equal(await total(), 0);
  });

  it('is followed from when an IOC has it', async () => {
    dev.end(dev.iocs[0]!);
    const updates: PvUpdate[] = [];
    frontEnd.monitorPv({ name: MOTOR, protocol: 'ca' }, (update) => updates.push(update));
    await scene.clock.advance(1000);
    dev.start({ name: 'LATER', servers: { 5064: 'ca' } });
    await scene.until(() => updates.at(-1)?.kind === 'value', 'a value');
  });

  it('is asked for again only after some seconds when it is nowhere', async () => {
    const ask = (): Promise<unknown> =>
      frontEnd.readPv({ name: 'NO:SUCH', protocol: 'ca' }, signal).catch(() => undefined);
    assert.ok((await bytesAsked(ask)) > 0);
    assert.equal(await bytesAsked(ask), 0);
    await scene.clock.advance(6000);
    assert.ok((await bytesAsked(ask)) > 0);
  });

  it('is given up when the caller gives up', async () => {
    dev.iocs[0]?.hang();
    const abort = new AbortController();
    const reading = frontEnd.readPv({ name: MOTOR, protocol: 'ca' }, abort.signal);
    await scene.clock.advance(10);
    abort.abort();
    await assert.rejects(reading, { code: 'cancelled' });
  });

  it('is not known to be nowhere when its IOC does not answer', async () => {
    dev.iocs[0]?.hang();
    let error: unknown;
    frontEnd.readPv({ name: MOTOR, protocol: 'ca' }, signal).catch((e: unknown) => (error = e));
    await scene.until(() => error !== undefined, 'an end');
    assert.equal((error as { code?: unknown }).code, 'timeout');
  });

  it('is read again after a request that named it has ended', async () => {
    const other = await scene.open({ names: [MOTOR] });
    assert.equal(scene.line('dev', 'ca'), 'exposed 127.0.0.1:5064 1/1');
    other.dispose();
    await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 0/0');
    await frontEnd.readPv({ name: MOTOR, protocol: 'ca' }, signal);
  });
});

describe('thousands of names that nobody has', () => {
  const COUNT = 10_000;
  for (const protocol of ['ca', 'pva'] as PvProtocol[]) {
    it(`change no count over ${protocol}`, async function () {
      this.timeout(30_000);
      const scene = new CoreScene();
      try {
        scene.engine.run('dev').start({ name: 'IOC' });
        const frontEnd = await scene.open();
        const before = scene.line('dev', protocol);
        for (let at = 0; at < COUNT; at += 1000) {
          const names = Array.from({ length: 1000 }, (_, index) => `NONE:${at + index}`);
          const ends = await Promise.allSettled(
            names.map((name) => frontEnd.readPv({ name, protocol }, new AbortController().signal)),
          );
          assert.ok(
            ends.every((end) => {
              return (
                end.status === 'rejected' && (end.reason as { code?: unknown }).code === 'not-found'
              );
            }),
          );
        }
        assert.equal(scene.line('dev', protocol), before);
        const page = await frontEnd.listPvs({ offset: 0, limit: 1 }, signal);
        assert.equal(page.total, 24);
        await frontEnd.readPv({ name: MOTOR, protocol }, signal);
      } finally {
        await scene.end();
      }
    });
  }
});
