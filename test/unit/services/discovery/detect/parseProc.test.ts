import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  parseCommandLine,
  parseCommandName,
  parseEnvironment,
  parseHexAddress,
  parseInnermostPid,
  parseIsSuspended,
  parseParentPid,
  parseSocketCounters,
  parseSocketInodes,
  parseConnectionInodes,
  parseConnections,
  parseSocketTable,
  parseStartTicks,
} from '../../../../../src/services/discovery/detect/parseProc';

// Captured from Linux 6.18: an IOC, a client's circuit, a client, a dual-stack listener.
const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 00000000:13C8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 315835 1 0000000000000000 100 0 0 10 0                     
   1: 0100007F:9D0B 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 315900 1 0000000000000000 100 0 0 10 0                     
   2: 0100007F:13C8 0100007F:8A2E 01 00000000:00000000 00:00000000 00000000     0        0 315911 2 0000000000000000 20 4 30 10 -1                    
`;
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:13D3 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 72011 1 0000000000000000 100 0 0 10 0
   1: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 72012 1 0000000000000000 100 0 0 10 0
`;
const UDP = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            
 6540: 00000000:13C8 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 315836 2 0000000000000000 0        
 6541: 0100007F:C576 0100007F:13C8 01 00000000:00000000 00:00000000 00000000     0        0 315837 2 0000000000000000 0        
`;

describe('parseProc', () => {
  it('tells connections that were answered from those that are only begun', () => {
    const line = (state: string): string => TCP.replaceAll(' 01 ', ` ${state} `);
    const states = ['01', '02', '03', '06', '08'].map((state) =>
      [...parseConnections(line(state))].map(({ isAnswered }) => isAnswered),
    );
    assert.deepEqual(states, [[true], [false], [true], [false], [false]]);
  });

  it('finds listeners and bound UDP sockets, and leaves connections out', () => {
    assert.deepEqual(parseSocketTable(TCP, 'tcp'), [
      { transport: 'tcp', host: '0.0.0.0', port: 5064, inode: 315835, uid: 0 },
      { transport: 'tcp', host: '127.0.0.1', port: 40203, inode: 315900, uid: 1000 },
    ]);
    assert.deepEqual(parseSocketTable(UDP, 'udp'), [
      { transport: 'udp', host: '0.0.0.0', port: 5064, inode: 315836, uid: 0 },
    ]);
  });

  it('finds the socket of a connection by its end here', () => {
    assert.deepEqual(parseConnectionInodes(TCP, { host: '127.0.0.1', port: 5064 }), [315911]);
    assert.deepEqual(
      parseConnectionInodes(TCP, { host: '::ffff:127.0.0.1', port: 5064 }),
      [315911],
    );
    assert.deepEqual(parseConnectionInodes(TCP, { host: '127.0.0.2', port: 5064 }), []);
    assert.deepEqual(parseConnectionInodes(TCP, { host: '127.0.0.1', port: 40203 }), []);
  });

  it('gives IPv4-mapped addresses as IPv4', () => {
    assert.deepEqual(
      parseSocketTable(TCP6, 'tcp').map(({ host, port }) => ({ host, port })),
      [
        { host: '::', port: 5075 },
        { host: '127.0.0.1', port: 8080 },
      ],
    );
  });

  it('leaves out lines that make no sense', () => {
    const lines = [
      '',
      '0: 0100007F:13C8',
      '0: 0100007F:13C8 0:0 0A a b c uid 0 12',
      '0: 0100:13C8 0:0 0A a b c 0 0 12',
      '0: 0100007F:0000 0:0 0A a b c 0 0 12',
      '0: 0100007F:13C8 0:0 0A a b c 0 0 0', // a socket that nobody holds any more
    ];
    assert.deepEqual(parseSocketTable(lines.join('\n'), 'tcp'), []);
  });

  for (const [hex, expected] of [
    ['FE00A8C0', '192.168.0.254'],
    ['00000000000000000000000001000000', '::1'],
    ['000080FE00000000FF00420200000AFE', 'fe80::242:ff:fe0a:0'],
    ['B80D0120000000000000000001000000', '2001:db8::1'],
    ['B80D0120020001000400030006000500', '2001:db8:1:2:3:4:5:6'],
    ['0100', undefined],
    ['0100007G', undefined],
  ] as const) {
    it(`reads the address ${hex}`, () => {
      assert.equal(parseHexAddress(hex), expected);
    });
  }

  it('compares only counters of the network namespace', () => {
    const sockstat = (mem: number, inuse: number): string =>
      `sockets: used 3\nTCP: inuse ${inuse} orphan 0 tw ${mem} alloc 5 mem ${mem}\nUDP: inuse 1 mem ${mem}\nUDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n`;
    assert.equal(parseSocketCounters(sockstat(1, 2)), 'TCP=2 UDP=1');
    assert.equal(parseSocketCounters(sockstat(9, 2)), parseSocketCounters(sockstat(1, 2)));
    assert.notEqual(parseSocketCounters(sockstat(1, 3)), parseSocketCounters(sockstat(1, 2)));
    assert.equal(parseSocketCounters('TCP6: inuse 4\nUDP6: inuse 5\n'), 'TCP6=4 UDP6=5');
  });

  it('reads stat with a name that looks like its end', () => {
    const rest = '1 22853 22853 0 -1 4194560 150 0 0 0 0 0 0 0 20 0 1 0 215197 4435968 200';
    assert.equal(parseStartTicks(`7 (a) S (b) S ${rest}`), 215197);
    assert.equal(parseCommandName(`7 (a) S (b) S ${rest}`), 'a) S (b');
    assert.equal(parseParentPid(`7 (a) S (b) S ${rest}`), 1);
    assert.equal(parseStartTicks(`7 (sh) Z ${rest}`), undefined);
    assert.equal(parseStartTicks('7 (sh) S 1 2 3'), undefined);
    assert.ok(parseIsSuspended(`7 (a) S (b) T ${rest}`));
    assert.ok(!parseIsSuspended(`7 (a) t ${rest}`));
    assert.ok(!parseIsSuspended(`7 (a) T (b) S ${rest}`));
    assert.ok(!parseIsSuspended(''));
    assert.equal(parseStartTicks(''), undefined);
  });

  it('reads this very process as Linux tells of it', function () {
    if (process.platform !== 'linux') this.skip();
    const read = (name: string): string => readFileSync(`/proc/self/${name}`, 'utf8');
    assert.ok((parseStartTicks(read('stat')) ?? 0) > 0);
    assert.equal(parseInnermostPid(read('status')), process.pid);
    assert.equal(parseCommandLine(read('cmdline'))[0]?.endsWith('node'), true);
  });

  it('reads the pid in the innermost namespace', () => {
    assert.equal(parseInnermostPid('Name:\tsh\nNSpid:\t23365\t12\t1\nNSpgid:\t23365\t1\n'), 1);
    assert.equal(parseInnermostPid('NSpid:\t23365\nX:\t1\n'), 23365);
    assert.equal(parseInnermostPid('Name:\tsh\n'), undefined);
  });

  it('finds sockets among descriptors', () => {
    const listing = `lrwx------ 1 root root 64 Nov 23 23:41 0 -> /dev/null
lrwx------ 1 root root 64 Nov 23 23:41 3 -> socket:[12]
lrwx------ 1 root root 64 Nov 23 23:41 4 -> 'socket:[13]'
lrwx------ 1 root root 64 Nov 23 23:41 5 -> pipe:[14]`;
    assert.deepEqual(parseSocketInodes(listing), [12, 13]);
  });

  it('splits command lines and keeps empty words inside', () => {
    assert.deepEqual(parseCommandLine('softIoc\0-m\0\0-d\0a.db\0'), [
      'softIoc',
      '-m',
      '',
      '-d',
      'a.db',
    ]);
    assert.deepEqual(parseCommandLine(''), []);
  });

  it('keeps only variables that concern EPICS', () => {
    assert.deepEqual(
      parseEnvironment(
        'AWS_SECRET=x\0IOC_NAME=bl01\0EPICS_CA_SERVER_PORT=5066\0IOC_P=A=B\0=\0noise\0',
      ),
      { IOC_NAME: 'bl01', EPICS_CA_SERVER_PORT: '5066', IOC_P: 'A=B' },
    );
  });

  it('reads so much of a process and of a table, and no more', () => {
    assert.equal(parseCommandLine('a\0'.repeat(200_000)).length, 5000);
    assert.equal(parseCommandLine('a'.repeat(1_000_000))[0]?.length, 256 * 1024);
    assert.deepEqual(Object.keys(parseEnvironment('x\0'.repeat(100_000) + 'IOC=1')), []);
    assert.equal(parseEnvironment(`IOC=${'x'.repeat(1_000_000)}`)['IOC']?.length, 256 * 1024 - 4);
    const [head = '', listener = ''] = TCP.split('\n');
    const sockets = parseSocketTable(`${head}\n${`${listener}\n`.repeat(100_000)}`, 'tcp');
    assert.ok(sockets.length > 10_000 && sockets.length < 20_000, `${sockets.length}`);
    assert.deepEqual(parseSocketTable('\n'.repeat(1_000_000), 'tcp'), []);
  });
});
