import assert from 'node:assert/strict';
import {
  detectIocs,
  type IocCandidate,
} from '../../../../../src/services/discovery/detect/candidates';
import { iocName, iocNames } from '../../../../../src/services/discovery/detect/iocName';
import {
  NO_SIGNS,
  type ProcessSigns,
} from '../../../../../src/services/discovery/detect/processSigns';
import type {
  BoundSocket,
  ProcessInfo,
  SocketReport,
} from '../../../../../src/services/host/socketReport';

const process = (
  pid: number,
  commandLine: string[],
  inodes: number[],
  more: Partial<ProcessInfo> = {},
): ProcessInfo => ({
  pid,
  name: commandLine[0]?.split('/').at(-1) ?? '',
  commandLine,
  environment: {},
  startTicks: pid * 10,
  socketInodes: inodes,
  ...more,
});
const tcp = (port: number, inode: number, host = '0.0.0.0'): BoundSocket => ({
  transport: 'tcp',
  host,
  port,
  inode,
  uid: 0,
});
const udp = (port: number, inode: number): BoundSocket => ({
  ...tcp(port, inode),
  transport: 'udp',
});

function findIocCandidates(report: SocketReport, signs?: ProcessSigns): readonly IocCandidate[] {
  return detectIocs(report, 'dev', () => signs).candidates;
}

describe('detectIocs', () => {
  it('tells two IOCs of one container apart, the second on dynamic ports', () => {
    const candidates = findIocCandidates({
      sockets: [
        tcp(5064, 1),
        tcp(5075, 2),
        udp(5064, 3),
        udp(5076, 4),
        tcp(40509, 5),
        tcp(38913, 6),
        udp(5064, 7),
      ],
      processes: [
        process(10, ['softIocPVX', '-d', 'a.db'], [1, 2, 3, 4], {
          environment: { IOC_NAME: 'ONE' },
        }),
        process(11, ['softIocPVX', '-d', 'b.db'], [5, 6, 7]),
      ],
    });
    assert.deepEqual(
      candidates.map((c) => [c.name, c.listeners.map((l) => [l.endpoint.port, l.expected])]),
      [
        [
          'ONE',
          [
            [5064, 'ca'],
            [5075, 'pva'],
          ],
        ],
        [
          'softIocPVX b.db',
          [
            [38913, undefined],
            [40509, undefined],
          ],
        ],
      ],
    );
  });

  it('leaves caRepeater and programs that show no sign of EPICS alone', () => {
    const candidates = findIocCandidates({
      sockets: [udp(5065, 1), tcp(22, 2), tcp(8080, 3)],
      processes: [
        process(5, ['caRepeater'], [1]),
        process(6, ['sshd'], [2], { environment: { EPICS_CAS_SERVER_PORT: '8064' } }),
        process(7, ['node', 'server.js'], [3], {
          environment: { EPICS_CAS_INTF_ADDR_LIST: '127.0.0.1' },
        }),
      ],
    });
    assert.deepEqual(candidates, []);
  });

  it('takes sockets without a visible owner when the port says EPICS', () => {
    const [candidate, ...rest] = findIocCandidates({
      sockets: [tcp(5064, 1), tcp(9999, 2)],
      processes: [],
    });
    assert.equal(rest.length, 0);
    assert.equal(candidate?.process, undefined);
    assert.equal(candidate?.listeners[0]?.endpoint.port, 5064);
  });

  it('gives a socket that a child inherited to the process that opened it', () => {
    const [candidate] = findIocCandidates({
      sockets: [tcp(5064, 1)],
      processes: [process(20, ['sh'], [1]), process(10, ['softIoc'], [1])],
    });
    assert.equal(candidate?.process?.pid, 10);
  });

  it('makes one listener of a server on several addresses, the widest', () => {
    const [candidate] = findIocCandidates({
      sockets: [
        tcp(5075, 1, '::'),
        tcp(5075, 2),
        tcp(5064, 3, '127.0.0.1'),
        tcp(5064, 4, '10.0.0.2'),
      ],
      processes: [process(3, ['softIocPVX'], [1, 2, 3, 4])],
    });
    assert.deepEqual(
      candidate?.listeners.map((l) => l.endpoint.host),
      ['10.0.0.2', '0.0.0.0'],
    );
  });

  it('names gateways', () => {
    const [candidate] = findIocCandidates({
      sockets: [tcp(5075, 1), udp(5076, 2)],
      processes: [process(3, ['/usr/bin/python3', '/venv/bin/pvagw', 'gw.conf'], [1, 2])],
    });
    assert.equal(candidate?.role, 'gateway');
  });
});

describe('iocName', () => {
  const cases: [string, ProcessInfo, string][] = [
    [
      'IOC_NAME first',
      process(1, ['ioc', 'st.cmd'], [], { environment: { IOC_NAME: 'bl01t-ea-test-01' } }),
      'bl01t-ea-test-01',
    ],
    [
      'folder of st.cmd',
      process(1, ['../../bin/linux-x86_64/x', 'st.cmd'], [], {
        workingDirectory: '/epics/iocBoot/iocX',
      }),
      'iocX',
    ],
    [
      'not the folder that all have',
      process(1, ['/epics/ioc/bin/linux-x86_64/ioc', '/epics/runtime/st.cmd'], []),
      'dev',
    ],
    ['Python script', process(1, ['python3', '-u', '/app/my_ioc.py', '--prefix'], []), 'my_ioc'],
    [
      'Python module',
      process(1, ['python3', '-m', 'caproto.ioc_examples.simple'], []),
      'caproto.ioc_examples.simple',
    ],
    [
      'cut, where it is out of all proportion',
      process(1, ['x'], [], { environment: { IOC_NAME: 'n'.repeat(100_000) } }),
      `${'n'.repeat(200)}...`,
    ],
    [
      'program and database',
      process(1, ['softIocPVA', '-d', '/x/demo.db'], []),
      'softIocPVA demo.db',
    ],
  ];
  cases.push(
    [
      'IOC when it is a name',
      process(1, ['ioc', 'st.cmd'], [], { environment: { IOC: 'iocX' } }),
      'iocX',
    ],
    [
      'not IOC when it is a path, as in every image of epics-containers',
      process(1, ['python3', '-m', 'p4p.gw', '/config/pvagw.config'], [], {
        name: 'python3',
        environment: { IOC: '/epics/ioc' },
      }),
      'dev',
    ],
    [
      'the prompt of the shell',
      process(1, ['ioc', '/epics/runtime/st.cmd'], [], {
        environment: { IOC: '/epics/ioc', IOCSH_PS1: 'bl01-ea> ' },
      }),
      'bl01-ea',
    ],
    [
      'not the folder of all configurations, as in every image of epics-containers',
      process(1, ['ioc', '/epics/ioc/config/st.cmd'], [], { environment: { IOC: '/epics/ioc' } }),
      'dev',
    ],
    [
      'the folder that has the configuration',
      process(1, ['ioc', '/repo/services/bl01t-ea-test-01/config/st.cmd'], []),
      'bl01t-ea-test-01',
    ],
    ['a script of another name', process(1, ['plcIOC', 'plc1.cmd'], []), 'plc1'],
    [
      'no macros of softIoc run by Python',
      process(1, ['python3', '/usr/bin/softIoc', '-m', 'P=X:', '-d', 'a.db'], [], {
        name: 'python3',
      }),
      'python3 a.db',
    ],
  );
  for (const [title, info, expected] of cases) {
    it(title, () => assert.equal(iocName(info, 'dev'), expected));
  }
});

describe('iocNames', () => {
  it('has what tells two of the same apart: the script or database, else the pid', () => {
    const environment = { IOC_NAME: 'X' };
    const named = (pid: number, ...words: string[]) => process(pid, words, [], { environment });
    assert.deepEqual(
      iocNames(
        [named(1, 'ioc', 'a.cmd'), named(2, 'ioc', 'b.cmd'), process(3, ['other'], [])],
        'dev',
      ),
      ['X (a.cmd)', 'X (b.cmd)', 'dev'],
    );
    assert.deepEqual(iocNames([named(1, 'ioc', 'a.cmd'), named(2, 'ioc', 'a.cmd')], 'dev'), [
      'X (pid 1)',
      'X (pid 2)',
    ]);
    assert.deepEqual(iocNames([named(1, 'ioc'), named(2, 'ioc')], 'dev'), [
      'X (pid 1)',
      'X (pid 2)',
    ]);
  });
});

describe('evidence', () => {
  const pair = (port: number) => [tcp(port, 1), udp(port, 2)];
  const other = [tcp(6075, 1), udp(6076, 2)];
  const serves: ProcessSigns = { ...NO_SIGNS, script: 'serves' };
  const libraries = (kind: ProcessSigns['libraries']): ProcessSigns => ({
    ...NO_SIGNS,
    libraries: kind,
  });
  const rows: [string, BoundSocket[], string[], ProcessSigns, boolean][] = [
    ['a pair of numbers alone', pair(7064), ['coredns'], NO_SIGNS, false],
    ['a pair, and a script of the IOC shell', pair(7064), ['plc', 'plc1.cmd'], serves, true],
    ['a pair, and libca', pair(7064), ['plc'], libraries('ca'), true],
    [
      'a pair, and a word of the command line',
      pair(7064),
      ['python3', '-m', 'caproto.x'],
      NO_SIGNS,
      true,
    ],
    [
      'a pair, and Java of CAJ',
      pair(7064),
      ['java', '-cp', '/x/caj-1.1.jar', 'Main'],
      NO_SIGNS,
      true,
    ],
    ['a pair below 1024', pair(53), ['plc', 'plc1.cmd'], serves, false],
    ['libca without a pair, as a client in a web server', other, ['flask'], libraries('ca'), false],
    ['a script without a pair', other, ['plc', 'plc1.cmd'], serves, false],
    ['libraries of an IOC', other, ['anything'], libraries('server'), true],
    ['libraries of pvAccess and a UDP socket', other, ['python3', 'x.py'], libraries('pva'), true],
    ['libraries of pvAccess alone', [tcp(8000, 1)], ['python3', 'x.py'], libraries('pva'), false],
    ['an odd name alone', [tcp(8000, 1)], ['/opt/ioc'], NO_SIGNS, false],
    ['a known program with a UDP socket', other, ['/opt/softIoc'], NO_SIGNS, true],
    [
      'a property of Java',
      other,
      ['java', '-DEPICS_PVAS_BROADCAST_PORT=6076', 'X'],
      NO_SIGNS,
      true,
    ],
    [
      'the port that its script sets',
      [tcp(40_001, 1), udp(7064, 2)],
      ['plc', 'plc1.cmd'],
      { ...serves, settings: { EPICS_CA_SERVER_PORT: '7064' } },
      true,
    ],
  ];
  for (const [title, sockets, words, signs, isCandidate] of rows) {
    it(`${title}: ${isCandidate ? 'a handshake' : 'left alone'}`, () => {
      const report = { sockets, processes: [process(7, words, [1, 2])] };
      assert.equal(findIocCandidates(report, signs).length, isCandidate ? 1 : 0);
    });
  }

  it('asks for signs only where they would decide', () => {
    const undecided = (sockets: BoundSocket[], words: string[]) =>
      detectIocs({ sockets, processes: [process(7, words, [1, 2])] }, 'dev').undecided.length;
    assert.equal(undecided(pair(7064), ['plc', 'plc1.cmd']), 1);
    assert.equal(undecided(other, ['plc']), 1);
    assert.equal(undecided([tcp(8080, 1)], ['flask']), 0);
    assert.equal(undecided(pair(53), ['coredns']), 0);
    assert.equal(undecided(pair(5064), ['plc']), 0);
    assert.equal(undecided(pair(7064), ['nginx']), 0);
  });

  it('takes the searches of a CA server on the number it listens on', () => {
    const report = { sockets: pair(7064), processes: [process(7, ['plc'], [1, 2])] };
    const [candidate] = findIocCandidates(report, serves);
    assert.deepEqual(candidate?.searchPorts, { ca: [7064], pva: [] });
    assert.equal(candidate?.hasCaUdp, true);
    assert.equal(candidate?.listeners[0]?.expected, 'ca');
  });
});

describe('candidates of hostile processes', () => {
  // A minute and more where such a word is gone through from each of its parts.
  it('long words are no program names', () => {
    const word = '/caproto'.repeat(50_000);
    const report = { sockets: [tcp(9999, 1)], processes: [process(1, [`${word} x`], [1])] };
    assert.deepEqual(findIocCandidates(report), []);
  });

  it('have no more listeners looked at than an IOC has use for, the likeliest first', () => {
    const many = (pid: number, count: number, first: number) => {
      const sockets = Array.from({ length: count }, (_, at) => tcp(first + at, pid * 10_000 + at));
      sockets.push(udp(first - 1, pid * 10_000 + count));
      const inodes = sockets.map(({ inode }) => inode);
      return { sockets, process: process(pid, ['softIoc'], inodes) };
    };
    const owners = [many(1, 2000, 4000), ...[2, 3, 4, 5].map((pid) => many(pid, 70, 20_000))];
    const candidates = findIocCandidates({
      sockets: owners.flatMap(({ sockets }) => sockets),
      processes: owners.map((owner) => owner.process),
    });
    assert.deepEqual(
      candidates.map(({ listeners, leftOutCount }) => [listeners.length, leftOutCount]),
      [
        [64, 1936],
        [64, 6],
        [64, 6],
        [8, 62],
      ],
    );
    assert.equal(candidates[0]?.listeners[0]?.endpoint.port, 5064);
  });
});
