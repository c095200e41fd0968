import assert from 'node:assert/strict';
import { CoreScene } from '../../../support/coreScene';
import { type FakeContainer, type FakeIoc, SILENT, WEB_SERVER } from '../../../support/fakeEngine';

const EXPOSED_CA = 'exposed 127.0.0.1:5064 12/12';
/** How long an IOC that ended is still shown. */
const SHOWN_MS = 60_000;

describe('a container that is followed', () => {
  let scene: CoreScene;
  let dev: FakeContainer;
  let ioc: FakeIoc;
  beforeEach(async () => {
    scene = new CoreScene();
    dev = scene.engine.run('dev');
    ioc = dev.start({ name: 'IOC' });
    await scene.open();
  });
  afterEach(() => scene.end());

  it('shows an IOC that ended for a minute, and listens for it no longer', async () => {
    dev.end(ioc);
    assert.equal(scene.server('dev', 'ca').status, 'gone');
    assert.equal(scene.server('dev', 'ca').problem?.code, 'ioc-gone');
    await scene.clock.advance(100);
    // Name servers stay, where clients wait for it.
    assert.deepEqual(scene.machine.listening, ['127.0.0.1:5063', '127.0.0.1:5074']);
    await scene.clock.advance(SHOWN_MS - 200);
    assert.equal(scene.container('dev').iocs.length, 1);
    await scene.clock.advance(200);
    assert.equal(scene.container('dev').iocs.length, 0);
  });

  it('has one IOC where the same one is started again, at its place', async () => {
    dev.end(ioc);
    await scene.clock.advance(1000);
    dev.start({ name: 'IOC' });
    await scene.untilLine('dev', 'ca', EXPOSED_CA);
    assert.equal(scene.container('dev').iocs.length, 1);
    await scene.clock.advance(SHOWN_MS);
    assert.equal(scene.line('dev', 'ca'), EXPOSED_CA);
  });

  it('shows two IOCs side by side, one of which ended', async () => {
    dev.start({ name: 'OTHER', servers: { 40_001: 'ca', 40_002: 'pva' } });
    await scene.until(() => scene.container('dev').iocs.length === 2, 'two IOCs');
    await scene.untilSettled();
    dev.end(ioc);
    const states = scene
      .container('dev')
      .iocs.map(({ name, servers }) => [name, servers[0]?.status]);
    assert.deepEqual(states, [
      ['IOC', 'gone'],
      ['OTHER', 'exposed'],
    ]);
  });

  it('looks again at once when a circuit ends', async () => {
    dev.crash(ioc);
    await scene.until(() => scene.server('dev', 'ca').status === 'gone', 'gone', 200);
    assert.equal(scene.server('dev', 'pva').status, 'gone');
  });

  it('is connected to again when only its circuits end', async () => {
    ioc.dropCircuits();
    await scene.until(() => scene.server('dev', 'ca').pvs.reachable === 0, 'disconnected');
    assert.equal(scene.server('dev', 'ca').problem?.code, 'disconnected');
    await scene.untilLine('dev', 'ca', EXPOSED_CA);
  });

  describe('whose sockets cannot be seen', () => {
    it('keeps what was seen, says so, and takes what is there when they can', async () => {
      dev.failWatch('no shell');
      assert.equal(scene.container('dev').problem?.code, 'cannot-look-inside');
      assert.equal(scene.line('dev', 'ca'), EXPOSED_CA);
      dev.failWatch('no shell');
      dev.seeAgain();
      assert.equal(scene.container('dev').problem, undefined);
      assert.equal(scene.line('dev', 'ca'), EXPOSED_CA);
      dev.failWatch('no shell');
      dev.end(ioc);
      assert.equal(scene.container('dev').problem, undefined);
      assert.equal(scene.server('dev', 'ca').status, 'gone');
    });

    it('holds up nothing: that it cannot be seen settles it', async () => {
      const hidden = scene.engine.run('hidden');
      assert.equal(scene.snapshot.isSettled, false);
      hidden.failWatch('no shell');
      assert.equal(scene.snapshot.isSettled, true);
    });
  });

  it('has no IOC left when its first process is gone', () => {
    dev.endWatch();
    assert.equal(scene.server('dev', 'ca').status, 'gone');
    assert.equal(scene.server('dev', 'pva').status, 'gone');
  });
});

describe('the routes into a container', () => {
  it('are tried in their order, and what led to one server goes before for the next', async () => {
    const scene = new CoreScene();
    const dev = scene.engine.run('dev');
    dev.routeKinds = ['published', 'address', 'exec-node', 'exec-python'];
    dev.blocked.set('published', 'port 5064 is not published');
    dev.blocked.set('address', 'no route to host');
    dev.start({ name: 'IOC', servers: { 5064: 'ca' } });
    await scene.open({ names: ['DEMO:MOTOR'] });
    assert.deepEqual(dev.dialled.slice(0, 3), ['published', 'address', 'exec-node']);
    dev.dialled.length = 0;
    dev.start({ name: 'OTHER', servers: { 40_001: 'ca' } });
    await scene.until(() => dev.dialled.length > 2, 'the other IOC');
    // What leads straight to this machine is another matter for each server.
    assert.deepEqual(dev.dialled.slice(0, 2), ['published', 'exec-node']);
    await scene.end();
  });

  it('tell what an IOC of another number is published as', async () => {
    const scene = new CoreScene();
    const published = {
      transport: 'tcp',
      containerPort: 5064,
      hostIp: '',
      hostPort: 6064,
    } as const;
    const dev = scene.engine.run('dev', { publishedPorts: [published, published] });
    dev.start({ name: 'IOC' });
    await scene.open();
    assert.deepEqual(
      scene.server('dev', 'ca').notes?.map(({ code }) => code),
      ['published-elsewhere'],
    );
    assert.equal(scene.server('dev', 'pva').notes, undefined);
    await scene.end();
  });
});

describe('a published port of a server on the loopback of its container', () => {
  it('leads nowhere, which is said', async () => {
    const scene = new CoreScene();
    const published = {
      transport: 'tcp',
      containerPort: 5064,
      hostIp: '',
      hostPort: 6064,
    } as const;
    const dev = scene.engine.run('dev', { publishedPorts: [published] });
    dev.start({ name: 'IOC', host: '127.0.0.1' });
    await scene.open();
    assert.deepEqual(scene.server('dev', 'ca').notes?.[0], {
      ...{ code: 'published-in-vain', port: 5064, inside: '127.0.0.1' },
      ...{
        published: [{ host: '127.0.0.1', port: 6064 }],
        local: { host: '127.0.0.1', port: 5064 },
      },
    });
    await scene.end();
  });
});

describe('processes of a container that are not known by name or port', () => {
  let scene: CoreScene;
  let dev: FakeContainer;
  beforeEach(() => {
    scene = new CoreScene();
    dev = scene.engine.run('dev');
  });
  afterEach(() => scene.end());

  const nameless = { name: '', environment: { IOC_NAME: '' } };

  it('are IOCs when their script says so, on the port that it sets', async () => {
    dev.files.set('/work/plc1.cmd', 'epicsEnvSet("EPICS_CA_SERVER_PORT","7064")\niocInit\n');
    dev.start({ ...nameless, servers: { 7064: 'ca' }, commandLine: ['plc', '/work/plc1.cmd'] });
    await scene.open();
    assert.equal(scene.line('dev', 'ca'), 'exposed 127.0.0.1:7064 0/0');
    assert.equal(scene.ioc('dev').name, 'plc1');
  });

  it('are IOCs when a library says so', async () => {
    const mappedFiles = ['libc.so.6', 'libdbCore.so.3.24.0'];
    dev.start({
      ...{ ...nameless, mappedFiles, commandLine: ['anything'] },
      ...{ servers: { 40_001: 'pva' }, udpPorts: [6076] },
    });
    await scene.open();
    assert.equal(scene.line('dev', 'pva'), 'exposed 127.0.0.1:40001 12/12');
    assert.equal(scene.ioc('dev').name, 'dev');
  });

  it('get no connection otherwise: a web server, a DNS server, a database, a client', async () => {
    const neighbours = [
      { commandLine: ['flask', 'run'], servers: { 8000: WEB_SERVER }, mappedFiles: ['libca.so.4'] },
      { commandLine: ['coredns'], servers: { 8053: SILENT }, udpPorts: [8053] },
      { commandLine: ['postgres', '-D', '/data'], servers: { 5432: SILENT }, udpPorts: [5432] },
      { commandLine: ['dnsmasq', '/work/plc1.cmd'], servers: { 53: SILENT }, udpPorts: [53] },
    ].map((facts) => dev.start({ ...nameless, ...facts }));
    dev.files.set('/work/plc1.cmd', 'iocInit\n');
    await scene.open();
    await scene.clock.advance(30_000);
    assert.deepEqual(scene.container('dev').iocs, []);
    assert.deepEqual(
      neighbours.map(({ connectionCount }) => connectionCount),
      [0, 0, 0, 0],
    );
  });

  it('are looked at once, and again when they listen on something else', async () => {
    let reads = 0;
    dev.onReadFile = () => reads++;
    const plc = dev.start({
      ...{ ...nameless, commandLine: ['plc', '/work/a'], udpPorts: [7064] },
      servers: { 7070: SILENT },
    });
    await scene.open();
    assert.equal(reads, 1);
    dev.seeAgain();
    await scene.clock.advance(1000);
    assert.equal(reads, 1);
    dev.files.set('/work/a', 'iocInit\n');
    dev.openListener(plc, 7064, 'ca');
    await scene.until(() => scene.line('dev', 'ca').startsWith('exposed'), 'exposed');
    assert.equal(reads >= 2, true);
  });

  it('whose files cannot be read show nothing, and hold up nothing', async () => {
    dev.showsProcessFiles = false;
    dev.start({
      ...nameless,
      servers: { 7064: SILENT },
      udpPorts: [7064],
      commandLine: ['plc', 'x'],
    });
    await scene.open();
    assert.deepEqual(scene.container('dev').iocs, []);
  });

  it('that show a pair of numbers and a word of EPICS, and are none, are no row', async () => {
    const proxy = dev.start({
      ...{ ...nameless, commandLine: ['/opt/proxy', '--config=/etc/ioc/x.conf'] },
      ...{ servers: { 8443: WEB_SERVER }, udpPorts: [8443] },
    });
    await scene.open();
    await scene.clock.advance(60_000);
    assert.deepEqual(scene.container('dev').iocs, []);
    assert.ok(proxy.connectionCount <= 2, `${proxy.connectionCount} connections`);
  });

  it('are read once each, and no more than some hundred, however many there are', async () => {
    let reads = 0;
    dev.onReadFile = () => reads++;
    for (let at = 0; at < 600; at++) {
      const port = 20_000 + at;
      const ports = { servers: { [port]: SILENT }, udpPorts: [port + 10_000] };
      dev.start({ ...nameless, ...ports, commandLine: ['other', '/work/a'] });
    }
    await scene.open();
    await scene.clock.advance(60_000);
    assert.ok(reads >= 400 && reads <= 600, `${reads} files read`);
  });
});
