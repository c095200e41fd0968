import assert from 'node:assert/strict';
import {
  findIocCandidates,
  iocName,
} from '../../../../../src/services/discovery/detect/candidates';
import type { BoundSocket, ProcessInfo } from '../../../../../src/services/host/socketReport';

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

describe('findIocCandidates', () => {
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
        tcp(5064, 3, '10.0.0.2'),
        tcp(5064, 4, '127.0.0.1'),
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
      'ioc st.cmd',
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
  for (const [title, info, expected] of cases) {
    it(title, () => assert.equal(iocName(info), expected));
  }
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
