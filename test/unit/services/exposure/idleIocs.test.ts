import assert from 'node:assert/strict';
import { TERMINAL_WORDS } from '../../../../src/present/frontEndWords';
import { problemSentence } from '../../../../src/present/problemText';
import { tableRows } from '../../../../src/present/table';
import type { ProcessInfo } from '../../../../src/services/host/socketReport';
import { CoreScene } from '../../../support/coreScene';
import type { FakeContainer } from '../../../support/fakeEngine';
import { iocProcess } from '../../../support/iocProcess';

const PLC: ProcessInfo = iocProcess({
  pid: 1,
  parentPid: 0,
  name: 'ioc',
  commandLine: ['/epics/ioc/bin/linux-x86_64/ioc', '/epics/runtime/st.cmd'],
  environment: { IOC_NAME: 'bl01t-ea-test-01' },
});

describe('an IOC that serves nothing', () => {
  let scene: CoreScene;
  let dev: FakeContainer;
  beforeEach(() => {
    scene = new CoreScene();
    dev = scene.engine.run('dev');
  });
  afterEach(() => scene.end());

  const lines = (): string[][] =>
    tableRows(scene.snapshot).map(({ container, ioc, server, pvs }) => [
      container,
      ioc,
      server,
      pvs,
    ]);

  it('is shown once it had the time to listen, with the last error of its log', async () => {
    dev.others = [PLC];
    dev.log = 'Starting iocInit\n\u001b[31mERROR: autosave: no such file "a.sav"\u001b[0m\nepics> ';
    await scene.open();
    assert.deepEqual(lines(), []);
    await scene.clock.advance(5100);
    assert.deepEqual(lines(), [['dev', 'bl01t-ea-test-01', '-', 'no port open']]);
    const { problem } = scene.ioc('dev');
    assert.ok(problem);
    assert.match(
      problemSentence(problem, TERMINAL_WORDS),
      /^it runs \(pid 1\), but opened no port .*its log ends: "ERROR: autosave: no such file "a.sav""/,
    );
  });

  it('is shown at once when it started long ago', async () => {
    const startedAt = new Date(scene.clock.wallMs() - 60_000).toISOString();
    dev.others = [{ ...PLC, startedAt }];
    await scene.open();
    assert.deepEqual(lines(), [['dev', 'bl01t-ea-test-01', '-', 'no port open']]);
  });

  it('has no line of a log that is not its own', async () => {
    dev.others = [{ ...PLC, pid: 77 }];
    dev.log = 'error: of another program\n';
    await scene.open();
    await scene.clock.advance(5100);
    assert.deepEqual(scene.ioc('dev').problem, { code: 'ioc-no-port', pid: 77 });
  });

  it('is an IOC like any other as soon as it listens', async () => {
    dev.others = [PLC];
    await scene.open();
    await scene.clock.advance(5100);
    dev.others = [];
    dev.start({ name: 'bl01t-ea-test-01', commandLine: PLC.commandLine });
    await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 12/12');
    assert.equal(scene.container('dev').iocs.length, 1);
  });

  it('is known by its script and libraries where no name tells, and nothing else is', async () => {
    const named = (pid: number, ...words: string[]): ProcessInfo =>
      iocProcess({ pid, parentPid: 0, name: words[0] ?? '', commandLine: words, environment: {} });
    dev.others = [
      named(1, 'plc', '/opt/plc/boot.txt'),
      named(2, 'checker', '/opt/plc/boot.txt'),
      named(3, 'plotter', '/opt/notes.txt'),
      named(4, 'vim', '/opt/plc/boot.txt'),
    ];
    dev.files.set('/opt/plc/boot.txt', 'dbLoadDatabase("x.dbd")\niocInit\n');
    dev.files.set('/opt/notes.txt', 'caget X\n');
    for (const pid of [1, 3, 4]) dev.othersMap.set(pid, ['libca.so.4', 'libCom.so.3']);
    const read: string[] = [];
    dev.onReadFile = (path) => read.push(path);
    await scene.open();
    assert.deepEqual(read, [], 'not before it had the time to listen');
    await scene.clock.advance(5100);
    assert.deepEqual(
      scene.container('dev').iocs.map(({ pid, problem }) => [pid, problem?.code]),
      [[1, 'ioc-no-port']],
    );
    assert.deepEqual(read, ['/opt/plc/boot.txt', '/opt/plc/boot.txt', '/opt/notes.txt']);
    dev.seeAgain();
    await scene.clock.advance(5100);
    assert.equal(read.length, 3, 'each once');
  });

  it('is the one inside, of a wrapper and what it runs; editors and idle shells are none', async () => {
    const named = (pid: number, parentPid: number, ...words: string[]): ProcessInfo =>
      iocProcess({
        ...{ pid, parentPid, commandLine: words, startTicks: pid },
        ...{ name: words[0]?.split('/').at(-1) ?? '', environment: { IOC: '/epics/ioc' } },
      });
    dev.others = [
      named(1, 0, 'bash', '/epics/ioc/start.sh'),
      named(2, 1, 'gdb', '--args', '/epics/ioc/bin/ioc', 'st.cmd'),
      named(3, 2, '/epics/ioc/bin/ioc', 'st.cmd'),
      named(4, 0, 'vim', '/epics/runtime/st.cmd'),
      named(5, 0, 'sleep', 'infinity'),
      named(6, 0, 'tail', '-f', 'ioc.log'),
    ];
    await scene.open();
    await scene.clock.advance(5100);
    assert.deepEqual(
      scene.container('dev').iocs.map(({ pid }) => pid),
      [3],
    );
    dev.others = [named(1, 0, 'bash', '/epics/ioc/start.sh')];
    dev.seeAgain();
    await scene.clock.advance(5100);
    assert.deepEqual(lines(), [['dev', 'dev', '-', 'no port open']]);
  });
});

describe('a container for an IOC that does not stay', () => {
  let scene: CoreScene;
  let dev: FakeContainer;
  beforeEach(() => {
    scene = new CoreScene();
    dev = scene.engine.run('dev', { start: { command: ['softIoc'], environment: {} } });
  });
  afterEach(() => scene.end());

  const rows = (): string[] =>
    tableRows(scene.snapshot).map(({ container, ioc, pvs }) => `${container} ${ioc} ${pvs}`);

  it('is shown with its exit code for a minute, also when no IOC was seen in it', async () => {
    await scene.open();
    dev.exit(3);
    await scene.clock.advance(100);
    assert.deepEqual(rows(), ['dev - container stopped']);
    assert.deepEqual(scene.container('dev').problem, {
      ...{ code: 'container-stopped', container: 'dev', exitCode: 3 },
    });
    await scene.clock.advance(60_000);
    assert.deepEqual(rows(), []);
  });

  it('says its exit code when its IOC is gone, too', async () => {
    dev.start({ name: 'IOC' });
    await scene.open();
    dev.exit(139);
    await scene.clock.advance(100);
    assert.equal(scene.container('dev').iocs.length, 1);
    assert.match(
      problemSentence(scene.container('dev').problem!, TERMINAL_WORDS),
      /ended with exit code 139/,
    );
  });

  it('is not shown when it is for something else, or ended long ago', async () => {
    const tool = scene.engine.run('tool', { start: { command: ['postgres'], environment: {} } });
    await scene.open();
    tool.exit(1);
    await scene.clock.advance(100);
    assert.deepEqual(rows(), []);
  });

  it('is one line with the count while it restarts, and that changes every ten seconds', async () => {
    const frontEnd = await scene.open();
    const seen = new Set<string>();
    frontEnd.onDidChange(() => seen.add(rows().join()));
    for (let count = 1; count <= 20; count++) {
      dev.exit(3, count);
      await scene.clock.advance(300);
      dev.startAgain(count);
      dev.start({ name: 'IOC' });
      await scene.clock.advance(300);
    }
    assert.deepEqual(rows(), ['dev - restarting']);
    const { problem } = scene.container('dev');
    assert.ok(problem?.code === 'container-restarts' && problem.exitCode === 3);
    assert.ok(problem.count >= 3);
    assert.ok(seen.size <= 8, [...seen].join('\n'));
  });

  it('is followed again once it stays', async () => {
    await scene.open();
    dev.exit(3, 5);
    await scene.clock.advance(100);
    dev.startAgain(5);
    dev.start({ name: 'IOC' });
    await scene.clock.advance(5000);
    assert.deepEqual(rows(), ['dev - restarting']);
    await scene.clock.advance(5100);
    await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 12/12');
    assert.equal(scene.container('dev').problem, undefined);
  });
});
