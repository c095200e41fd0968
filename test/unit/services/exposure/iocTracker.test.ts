import assert from 'node:assert/strict';
import { CoreScene } from '../../../support/coreScene';
import type { FakeContainer } from '../../../support/fakeEngine';

/** An IOC without pvAccess: nobody lists its PVs. */
const CA_ONLY = {
  name: 'IOC',
  servers: { 5064: 'ca' },
  commandLine: ['softIoc', '-d', '/db/demo.db'],
} as const;

describe('the names of an IOC', () => {
  let scene: CoreScene;
  let dev: FakeContainer;
  beforeEach(() => {
    scene = new CoreScene();
    dev = scene.engine.run('dev');
  });
  afterEach(() => scene.end());

  async function names(): Promise<string[]> {
    const frontEnd = await scene.open();
    const page = await frontEnd.listPvs({ offset: 0, limit: 100 }, new AbortController().signal);
    return page.rows.map(({ name, step, source }) => `${name} ${step} ${source.kind}`);
  }

  it('are read from its database files where no server lists them', async () => {
    dev.files.set('/db/demo.db', 'record(ai, "DEMO:MOTOR") {}\nrecord(ai, "DEMO:COUNTER") {}');
    dev.start(CA_ONLY);
    assert.deepEqual(await names(), [
      'DEMO:COUNTER reachable database',
      'DEMO:MOTOR reachable database',
    ]);
    assert.equal(scene.ioc('dev').namesNotes, undefined);
  });

  it('are said to come while they are read', async () => {
    const seen: (boolean | undefined)[] = [];
    dev.files.set('/db/demo.db', 'record(ai, "DEMO:MOTOR") {}');
    dev.onReadFile = () => seen.push(scene.ioc('dev').isNaming);
    dev.start(CA_ONLY);
    await names();
    assert.deepEqual([seen, scene.ioc('dev').isNaming], [[true], undefined]);
  });

  it('say which of them the IOC does not have', async () => {
    dev.files.set('/db/demo.db', 'record(ai, "DEMO:MOTOR") {}\nrecord(ai, "DEMO:LOST") {}');
    dev.start(CA_ONLY);
    assert.deepEqual(await names(), [
      'DEMO:LOST not-found database',
      'DEMO:MOTOR reachable database',
    ]);
    assert.deepEqual(scene.server('dev', 'ca').notes, [{ code: 'names-not-served', count: 1 }]);
  });

  it('are none, with the reason, where a file is missing', async () => {
    dev.start(CA_ONLY);
    assert.deepEqual(await names(), []);
    assert.equal(scene.ioc('dev').namesNotes?.[0]?.code, 'names-file');
  });

  it('are not looked for where the process is not shown', async () => {
    dev.showsProcesses = false;
    dev.files.set('/db/demo.db', 'record(ai, "DEMO:MOTOR") {}');
    dev.start(CA_ONLY);
    assert.deepEqual(await names(), []);
    assert.equal(scene.ioc('dev').namesNotes?.[0]?.code, 'process-hidden');
    assert.equal(scene.ioc('dev').pid, undefined);
  });

  it('are not read from files of a gateway: its PVs are elsewhere', async () => {
    dev.files.set('/epics/runtime/ioc.db', 'record(ai, "DEMO:MOTOR") {}');
    dev.start({ ...CA_ONLY, commandLine: ['gateway'] });
    assert.deepEqual(await names(), []);
    assert.equal(scene.ioc('dev').role, 'gateway');
    assert.equal(scene.ioc('dev').namesNotes?.[0]?.code, 'gateway-names');
  });

  it('are found in files that changed after the IOC had read them', async () => {
    dev.files.set('/x.db', 'record(ai, "DEMO:MOTOR") {}');
    dev.start({ ...CA_ONLY, commandLine: ['softIoc', '-d', '/x.db'] });
    assert.deepEqual(await names(), ['DEMO:MOTOR reachable database']);
    const frontEnd = await scene.open();
    const { signal } = new AbortController();
    const find = (name: string) => frontEnd.findRecord({ name }, signal);
    assert.deepEqual(await find('DEMO:NEW'), []);
    dev.files.set('/x.db', 'record(ai, "DEMO:MOTOR") {}\nrecord(ai, "DEMO:NEW") {}');
    const place = { iocName: scene.ioc('dev').name, containerName: 'dev' };
    assert.deepEqual(await find('DEMO:NEW'), [{ ...place, file: '/x.db', line: 2 }]);
    // It is looked for, and not added to what the IOC is known to have.
    assert.deepEqual(await names(), ['DEMO:MOTOR reachable database']);
    dev.files.clear();
    assert.deepEqual(await find('DEMO:NEW'), []);
  });

  it('of the PVA list serve its CA server too', async () => {
    dev.start({ name: 'IOC' });
    const all = await names();
    assert.equal(all.length, 24);
    assert.ok(all.every((row) => row.endsWith(' reachable pva-list')));
  });

  it('that a person gives are watched, and are no longer told when nobody gives them', async () => {
    dev.start({ ...CA_ONLY, commandLine: ['softIoc'] });
    const frontEnd = await scene.open({ names: ['DEMO:MOTOR', 'NO:SUCH'] });
    assert.equal(scene.line('dev', 'ca'), 'exposed 127.0.0.1:5064 1/1');
    assert.deepEqual(scene.snapshot.unknownNames, ['NO:SUCH']);
    await frontEnd.setRequest({
      ...{ selection: { containers: [], labels: [] }, engines: [], names: ['DEMO:COUNTER'] },
    });
    await scene.until(() => scene.server('dev', 'ca').pvs.total === 1, 'one name');
    await scene.untilSettled();
    assert.deepEqual(scene.snapshot.unknownNames, []);
    const { signal } = new AbortController();
    const { rows } = await frontEnd.listPvs({ offset: 0, limit: 10 }, signal);
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['DEMO:COUNTER'],
    );
  });

  it('are those of a server that comes later, too', async () => {
    const ioc = dev.start({ ...CA_ONLY, commandLine: ['softIoc'] });
    assert.deepEqual(await names(), []);
    dev.openListener(ioc, 5075, 'pva');
    await scene.untilLine('dev', 'pva', 'exposed 127.0.0.1:5075 12/12');
    await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 12/12');
    assert.equal(scene.ioc('dev').namesNotes, undefined);
  });
});
