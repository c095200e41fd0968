/* eslint no-template-curly-in-string: off -- variables of shells look like placeholders */
import assert from 'node:assert/strict';
import {
  checkSettings,
  entriesToTry,
  type MachineFacts,
  type Setting,
} from '../../../../src/model/diagnosis/clientSettings';
import { CLIENTS, type ClientName } from '../../../../src/model/diagnosis/clients';
import { parseEnvFile } from '../../../../src/model/diagnosis/envFile';
import type { Finding } from '../../../../src/model/diagnosis/finding';
import type { Endpoint } from '../../../../src/model/endpoint';
import type { PvProtocol } from '../../../../src/model/pvProtocol';
import { findingText } from '../../../../src/present/findingText';
import { TERMINAL_WORDS } from '../../../../src/present/frontEndWords';

const CA = { host: '127.0.0.1', port: 5063 };
const PVA = { host: '127.0.0.1', port: 5074 };

/** A machine on which everything that we expose is there, and clients may be set up or not. */
const machine = (more: Partial<MachineFacts> = {}): MachineFacts => ({
  nameServers: { ca: CA, pva: PVA },
  searchPorts: { ca: [5064], pva: [5076] },
  areBroadcastsAnswered: { ca: false, pva: false },
  isCarried: { ca: true, pva: true },
  udpPorts: new Set([5064, 5065, 5076]),
  answers: new Map([
    ['127.0.0.1:5063', 'listens'],
    ['127.0.0.1:5074', 'listens'],
    ['127.0.0.1:5094', 'refuses'],
    ['127.0.0.1:5076', 'refuses'],
  ]),
  ...more,
});
const GOOD = {
  EPICS_CA_NAME_SERVERS: '127.0.0.1:5063',
  EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074',
};

function lines(
  variables: Record<string, string>,
  more: Partial<MachineFacts> = {},
): readonly string[] {
  const settings = Object.entries({ ...GOOD, ...variables }).map(([name, value]): Setting => ({
    name,
    value,
  }));
  return checkSettings({ settings }, machine(more)).flatMap((finding) =>
    finding.code === 'only-some-clients' ? [] : [findingText(finding, TERMINAL_WORDS).message],
  );
}

describe('the settings of clients', () => {
  const cases: [string, Record<string, string>, string[]][] = [
    ['nothing, where they are right', {}, []],
    [
      'commas',
      { EPICS_CA_NAME_SERVERS: '127.0.0.1:5063,other:5064' },
      [
        'EPICS_CA_NAME_SERVERS="127.0.0.1:5063,other:5064": entries are separated by blanks; clients ignore this one',
      ],
    ],
    [
      'the UDP port as a name server',
      { EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074 127.0.0.1:5076' },
      [
        '127.0.0.1:5076 in EPICS_PVA_NAME_SERVERS: 5076 is the UDP search port; name servers are TCP: 5075, or ours, 5074',
      ],
    ],
    [
      'the name server of the other protocol',
      { EPICS_CA_NAME_SERVERS: '127.0.0.1:5063 127.0.0.1:5074' },
      ['127.0.0.1:5074 in EPICS_CA_NAME_SERVERS is our name server for pvAccess'],
    ],
    [
      'a name server that is gone',
      { EPICS_CA_NAME_SERVERS: '127.0.0.1:5063 127.0.0.1:5094' },
      [
        '127.0.0.1:5094 in EPICS_CA_NAME_SERVERS refuses: nobody listens there; caget waits 30 s for it',
      ],
    ],
    [
      'what is no address',
      { EPICS_CA_NAME_SERVERS: '127.0.0.1:5063 <ioc>:5064' },
      ['"<ioc>:5064" in EPICS_CA_NAME_SERVERS is no address; clients ignore it'],
    ],
    [
      'a port on which nobody is searched',
      { EPICS_CA_SERVER_PORT: '6064', EPICS_CA_NAME_SERVERS: '' },
      ['your clients search on UDP 6064 (EPICS_CA_SERVER_PORT), where nobody listens'],
    ],
    [
      'an address that is searched at the port of the other protocol',
      { EPICS_CA_NAME_SERVERS: '', EPICS_CA_ADDR_LIST: '127.0.0.1:5076' },
      [
        '127.0.0.1:5076 in EPICS_CA_ADDR_LIST is searched on UDP 5076, where pvAccess is answered, not Channel Access',
      ],
    ],
    [
      'the same, for pvAccess',
      { EPICS_PVA_NAME_SERVERS: '', EPICS_PVA_ADDR_LIST: '127.0.0.1:5064' },
      [
        '127.0.0.1:5064 in EPICS_PVA_ADDR_LIST is searched on UDP 5064, where Channel Access is answered, not pvAccess',
      ],
    ],
    [
      'the port of the other protocol as their search port',
      {
        EPICS_PVA_NAME_SERVERS: '',
        EPICS_PVA_ADDR_LIST: '127.0.0.1',
        EPICS_PVA_BROADCAST_PORT: '5064',
      },
      [
        'your clients search on UDP 5064 (EPICS_PVA_BROADCAST_PORT), where Channel Access is answered, not pvAccess',
      ],
    ],
    [
      'a comma for a colon',
      { EPICS_CA_NAME_SERVERS: '127.0.0.1,5063' },
      ['EPICS_CA_NAME_SERVERS="127.0.0.1,5063": a port follows a colon; clients ignore this one'],
    ],
    [
      'a port that does not matter, because name servers are set',
      { EPICS_CA_SERVER_PORT: '6064' },
      [],
    ],
    [
      'clients that look elsewhere',
      { EPICS_PVA_NAME_SERVERS: '' },
      ['clients of pvAccess look neither at our name server 127.0.0.1:5074 nor at 127.0.0.1'],
    ],
    [
      'an address of this machine at which nobody answers searches',
      { EPICS_PVA_NAME_SERVERS: '', EPICS_PVA_ADDR_LIST: '127.0.0.9' },
      ['clients of pvAccess look neither at our name server 127.0.0.1:5074 nor at 127.0.0.1'],
    ],
    [
      'an address that is searched at the port of servers',
      { EPICS_PVA_NAME_SERVERS: '', EPICS_PVA_ADDR_LIST: '127.0.0.1:5075 10.0.0.1:5075' },
      ['127.0.0.1:5075 in EPICS_PVA_ADDR_LIST is searched on UDP 5075, where nobody listens'],
    ],
    [
      'what only pvAccess allows behind an address',
      { EPICS_PVA_ADDR_LIST: '224.0.2.3,255@192.168.1.1 [ff02::42:1]:9876,10@eth2 10.0.0.1,1' },
      [],
    ],
    [
      'a name server with TLS, whose port is no UDP port',
      { EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074 pvas://127.0.0.1' },
      ['pvas://127.0.0.1 in EPICS_PVA_NAME_SERVERS refuses: nobody listens there'],
    ],
    [
      'nothing, where 127.0.0.1 is searched',
      { EPICS_PVA_NAME_SERVERS: '', EPICS_PVA_ADDR_LIST: 'localhost' },
      [],
    ],
  ];
  for (const [title, variables, expected] of cases) {
    it(`have: ${title}`, () => assert.deepEqual(lines(variables), expected));
  }

  const notes = (variables: Record<string, string>, more: Partial<MachineFacts> = {}): string[] => {
    const settings = Object.entries({ ...GOOD, ...variables }).map(([name, value]) => ({
      name,
      value,
    }));
    return checkSettings({ settings }, machine(more))
      .filter(({ code }) => code !== 'only-some-clients')
      .map((finding) => {
        const { message, advice } = findingText(finding, TERMINAL_WORDS);
        return `${finding.isNote === true ? 'note: ' : ''}${message} -> ${advice}`;
      });
  };

  it('find PVs by any port on which their searches are answered', () => {
    const more = { searchPorts: { ca: [5064, 6064], pva: [5076] } };
    for (const names of [
      { EPICS_CA_ADDR_LIST: '127.0.0.1:6064' },
      { EPICS_CA_ADDR_LIST: 'localhost', EPICS_CA_SERVER_PORT: '6064' },
    ]) {
      assert.deepEqual(notes({ EPICS_CA_NAME_SERVERS: '', ...names }, more), []);
    }
    const mixed = {
      EPICS_CA_NAME_SERVERS: '',
      EPICS_CA_ADDR_LIST: '127.0.0.1:5064',
      EPICS_CA_SERVER_PORT: '5076',
    };
    assert.deepEqual(notes(mixed).slice(1), []);
  });

  it('are not called wrong where another program may answer searches', () => {
    const names = { EPICS_CA_NAME_SERVERS: '', EPICS_CA_ADDR_LIST: '127.0.0.1:7777' };
    const unsure =
      'note: 127.0.0.1:7777 in EPICS_CA_ADDR_LIST is searched on UDP 7777, and whether anybody answers there is not known -> To find what is exposed, write 127.0.0.1:5064.';
    assert.deepEqual(notes(names, { udpPorts: new Set([5064, 5076, 7777]) }), [unsure]);
    const { udpPorts: _, ...unknown } = machine();
    const settings = Object.entries({ ...GOOD, ...names }).map(([name, value]) => ({
      name,
      value,
    }));
    const found = checkSettings({ settings }, unknown);
    assert.deepEqual(
      found
        .map(({ code, isNote }) => [code, isNote])
        .filter(([code]) => code !== 'only-some-clients'),
      [['search-unsure', true]],
    );
    assert.match(
      notes(names).join(),
      /^127\.0\.0\.1:7777 .* where nobody listens -> Write 127\.0\.0\.1:5064 instead\.$/,
    );
  });

  it('say what was meant by a comma', () => {
    const advice = (name: string, value: string): string => notes({ [name]: value }).join();
    for (const [value, meant] of [
      ['127.0.0.1,5063', '127.0.0.1:5063'],
      ['127.0.0.1,5063;10.0.0.1', '127.0.0.1:5063 10.0.0.1'],
      ['a:1,b,2', 'a:1 b:2'],
      ['127.0.0.1;5063', '127.0.0.1:5063'],
    ]) {
      assert.match(
        advice('EPICS_CA_NAME_SERVERS', `${value}`),
        new RegExp(`Write EPICS_CA_NAME_SERVERS="${meant}"\\.$`),
      );
    }
    assert.match(
      advice('EPICS_PVA_ADDR_LIST', '224.0.2.3,255 127.0.0.1,5076'),
      /Write EPICS_PVA_ADDR_LIST="224\.0\.2\.3,255 127\.0\.0\.1:5076"\.$/,
    );
  });

  it('may be misspelt, which is the cause where something is missing', () => {
    for (const [wrong, meant] of [
      ['EPICS_CA_NAMESERVERS', 'EPICS_CA_NAME_SERVERS'],
      ['EPICS_CA_NAME_SERVER', 'EPICS_CA_NAME_SERVERS'],
      ['EPICS_CA_ADDRLIST', 'EPICS_CA_ADDR_LIST'],
      ['EPICS_CA_ADDRESS_LIST', 'EPICS_CA_ADDR_LIST'],
      ['EPICS_CA_AUTO_ADDRLIST', 'EPICS_CA_AUTO_ADDR_LIST'],
    ]) {
      const [first, ...rest] = notes({ EPICS_CA_NAME_SERVERS: '', [`${wrong}`]: 'x' });
      assert.equal(first, `no client reads ${wrong} -> Write ${meant} instead.`);
      assert.match(rest.join(), /^clients of Channel Access look neither/);
      assert.match(notes({ [`${wrong}`]: 'x' }).join(), /^note: no client reads/, 'harmless');
    }
    assert.match(notes({ EPICS_PVA_NAMESERVERS: 'x' }).join(), /^note: no client reads EPICS_PVA_/);
    for (const name of [
      ...['EPICS_CA_MAX_ARRAY_BYTES', 'EPICS_CA_CONN_TMO', 'EPICS_PVA_INTF_ADDR_LIST'],
      ...['EPICS_CA_MINE', 'EPICS_CAS_SERVER_PORT', 'EPICS_PVAS_ADDR_LIST', 'EPICS_BASE'],
    ]) {
      assert.deepEqual(notes({ [name]: '1' }), [], name);
    }
  });

  it('are those of the protocols of the PVs that were asked about', () => {
    const variables = { EPICS_PVA_NAME_SERVERS: '', EPICS_PVA_ADDR_LIST: 'a,b' };
    assert.deepEqual(notes(variables, { protocols: ['ca'] }), []);
    assert.equal(notes(variables, { protocols: ['ca', 'pva'] }).length, 1);
  });

  it('do not matter while nothing is exposed', () => {
    assert.deepEqual(lines({}, { nameServers: {} }), [
      'nothing is exposed on this machine now: clients here find no PV of a container',
    ]);
  });

  it('are not judged by what is not known', () => {
    const { udpPorts: _, ...unknown } = machine();
    const settings = [
      { name: 'EPICS_CA_SERVER_PORT', value: '6064' },
      { name: 'EPICS_CA_ADDR_LIST', value: '127.0.0.1' },
      { name: 'EPICS_PVA_NAME_SERVERS', value: '127.0.0.1:5074 far.away:5094' },
    ];
    const found = checkSettings({ settings }, unknown);
    assert.deepEqual(
      found.filter(({ isNote }) => !isNote),
      [],
    );
    assert.deepEqual(lines({}, { isCarried: { ca: false, pva: false }, nameServers: {} }), []);
  });

  it('are called unknown where they depend on what is not known, and nothing is said of the rest', () => {
    const found = (text: string): string[] =>
      checkSettings({ settings: parseEnvFile(text, 'f') }, machine()).flatMap((finding) =>
        finding.code === 'only-some-clients'
          ? []
          : `${finding.isNote === true ? 'note: ' : ''}${findingText(finding, TERMINAL_WORDS).message}`,
      );
    const pva = 'EPICS_PVA_NAME_SERVERS=127.0.0.1:5074\n';
    const note = 'is not known: it depends on other variables';
    assert.deepEqual(found(`${pva}EPICS_CA_NAME_SERVERS=$HOST:5063`), [
      `note: f:2: the value of EPICS_CA_NAME_SERVERS ${note}`,
    ]);
    assert.deepEqual(found(`${pva}EPICS_CA_SERVER_PORT=$X\nEPICS_CA_NAME_SERVERS=127.0.0.1\n`), [
      `note: f:2: the value of EPICS_CA_SERVER_PORT ${note}`,
    ]);
  });

  it('name the endpoints of this machine to try, and no others', () => {
    const settings = [
      { name: 'EPICS_CA_NAME_SERVERS', value: '127.0.0.1 192.0.2.1 localhost:70000 [::1]:5' },
      { name: 'EPICS_CA_SERVER_PORT', value: '6064' },
      { name: 'EPICS_CA_ADDR_LIST', value: '127.0.0.5' },
    ];
    assert.deepEqual(entriesToTry({ settings }), [
      { host: '127.0.0.1', port: 6064 },
      { host: '::1', port: 5 },
    ]);
    // No name that a setting has is looked up: that of this machine is one address.
    const names = 'localhost:5063 127.999.1.1:5063 127.evil.example:5063 ioc.example:5063';
    assert.deepEqual(
      entriesToTry({ settings: [{ name: 'EPICS_CA_NAME_SERVERS', value: names }] }),
      [{ host: '127.0.0.1', port: 5063 }],
    );
  });

  it('say nothing of a port that clients do not take', () => {
    for (const port of ['', '0', '70000', '4000', '1e4', '0x1770', 'x', '-1']) {
      const names = { EPICS_CA_NAME_SERVERS: '', EPICS_CA_ADDR_LIST: '127.0.0.1' };
      assert.deepEqual(lines({ EPICS_CA_SERVER_PORT: port, ...names }), [], port);
    }
  });
});

describe('the settings of one client', () => {
  function told(name: ClientName, variables: Record<string, string>, more = {}): string[] {
    const settings = Object.entries(variables).map(([key, value]) => ({ name: key, value }));
    return checkSettings({ settings, client: CLIENTS[name] }, machine(more)).map((finding) => {
      const { message, advice } = findingText(finding, TERMINAL_WORDS);
      return `${message} -> ${advice}`;
    });
  }
  const unread = (client: string, protocol: string): string[] => [
    `${client} does not read EPICS_${protocol}_NAME_SERVERS, and searches 127.0.0.1 only if EPICS_${protocol}_ADDR_LIST names it -> Set EPICS_${protocol}_ADDR_LIST=127.0.0.1.`,
  ];

  it('are those of its protocols alone', () => {
    const noPva = { EPICS_CA_NAME_SERVERS: '127.0.0.1:5063', EPICS_PVA_ADDR_LIST: 'a,b' };
    assert.deepEqual(told('caget', noPva), []);
    assert.match(told('p4p', noPva).join(), /EPICS_PVA_ADDR_LIST="a,b".*; p4p ignores this one/);
    assert.match(told('ophyd-async', {}).join(), /ophyd-async looks .*ophyd-async looks /);
  });

  it('may be some that it does not read', () => {
    assert.deepEqual(told('caproto', GOOD), unread('caproto', 'CA'));
    assert.deepEqual(told('pvget', GOOD), unread('pvget', 'PVA'));
    assert.deepEqual(told('pvapy', GOOD), []);
    assert.deepEqual(told('caproto', { EPICS_CA_NAME_SERVERS: 'x,y' }), unread('caproto', 'CA'));
    assert.deepEqual(told('caproto', { ...GOOD, EPICS_CA_ADDR_LIST: '127.0.0.1' }), []);
    const off = { searchPorts: { ca: [], pva: [] } };
    assert.match(told('pvget', {}, off).join(), /^pvget has no name servers, .*=127\.0\.0\.1, and/);
    assert.match(
      told('pvget', {}, off).join(),
      /have searches answered: see the option --search\.$/,
    );
  });

  it('cost what they cost with it', () => {
    const stale = '127.0.0.1:5063 127.0.0.1:5094';
    assert.match(told('aioca', { EPICS_CA_NAME_SERVERS: stale }).join(), /aioca waits 30 s for it/);
    const pva = { EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074 127.0.0.1:5094' };
    assert.match(told('p4p', pva).join(), /refuses: nobody listens there ->/);
  });

  it('may have ports that libca does not take', () => {
    const low = { EPICS_CA_SERVER_PORT: '4064', EPICS_CA_ADDR_LIST: '127.0.0.1' };
    assert.deepEqual(told('caget', low), []);
    assert.match(told('caproto', low).join(), /search on UDP 4064/);
  });

  it('say whether it broadcasts', () => {
    const answered = { areBroadcastsAnswered: { ca: true, pva: true } };
    const cases: [ClientName, string, boolean][] = [
      ['caget', 'NO', false],
      ['caget', 'No', true],
      ['caget', 'false', true],
      ['caproto', 'NO', true],
      ['caj', 'no', false],
      ['p4p', '0', false],
      ['p4p', 'false', true],
      ['pvget', 'false', false],
      ['phoebus', 'maybe', false],
    ];
    for (const [name, auto, isFound] of cases) {
      const variables = { EPICS_CA_AUTO_ADDR_LIST: auto, EPICS_PVA_AUTO_ADDR_LIST: auto };
      const pva = told(name, variables, answered).filter((line) => !/Channel Access/.test(line));
      const lines = name === 'phoebus' ? pva : told(name, variables, answered);
      assert.equal(lines.length === 0, isFound, `${name} ${auto}`);
      assert.deepEqual(told(name, {}, answered), [], name);
    }
    const list = { EPICS_CA_ADDR_LIST: '10.0.0.1', EPICS_CA_AUTO_ADDR_LIST: 'NO' };
    assert.equal(told('caproto', list, answered).length, 1);
  });

  it('are noted where they lead others nowhere', () => {
    const settings = Object.entries(GOOD).map(([name, value]) => ({ name, value }));
    const notes = checkSettings({ settings }, machine());
    assert.deepEqual(
      notes.map((note) => [note.isNote, findingText(note, TERMINAL_WORDS).message]),
      [
        [true, 'EPICS_CA_NAME_SERVERS is not read by caproto, CAJ, Phoebus'],
        [true, 'EPICS_PVA_NAME_SERVERS is not read by pvget'],
      ],
    );
  });
});

describe('a file of settings', () => {
  const read = (text: string): string[] =>
    parseEnvFile(text, 'f').map(
      ({ name, value, line, isUnknown }) =>
        `${line} ${name}=${isUnknown === true ? '(unknown)' : value}`,
    );

  it('is read whatever shell it is for', () => {
    assert.deepEqual(
      read(
        [
          '#!/bin/sh',
          'export EPICS_CA_ADDR_LIST="127.0.0.1 10.0.0.1" # ours',
          "EPICS_PVA_NAME_SERVERS='127.0.0.1:5074'\r",
          'setenv EPICS_CA_SERVER_PORT 6064',
          'set "EPICS_PVA_ADDR_LIST=127.0.0.1 x"',
          'set -gx EPICS_CA_NAME_SERVERS 127.0.0.1:5063',
          "$env:EPICS_PVA_SERVER_PORT = '5075'",
          'NOT_EPICS=1',
          'export EPICS_CA_MAX_ARRAY_BYTES=10; echo done',
        ].join('\n'),
      ),
      [
        '2 EPICS_CA_ADDR_LIST=127.0.0.1 10.0.0.1',
        '3 EPICS_PVA_NAME_SERVERS=127.0.0.1:5074',
        '4 EPICS_CA_SERVER_PORT=6064',
        '5 EPICS_PVA_ADDR_LIST=127.0.0.1 x',
        '6 EPICS_CA_NAME_SERVERS=127.0.0.1:5063',
        '7 EPICS_PVA_SERVER_PORT=5075',
        '9 EPICS_CA_MAX_ARRAY_BYTES=10',
      ],
    );
  });

  it('gives no value that it does not say', () => {
    assert.deepEqual(
      read(
        'EPICS_CA_SERVER_PORT=6064\nEPICS_CA_ADDR_LIST=$HOST\nEPICS_CA_NAME_SERVERS=a:${EPICS_CA_SERVER_PORT}\nEPICS_PVA_ADDR_LIST=`hostname`',
      ),
      [
        '1 EPICS_CA_SERVER_PORT=6064',
        '2 EPICS_CA_ADDR_LIST=(unknown)',
        '3 EPICS_CA_NAME_SERVERS=a:6064',
        '4 EPICS_PVA_ADDR_LIST=(unknown)',
      ],
    );
  });

  it('may be anything', () => {
    assert.deepEqual(read('\0\u0001'.repeat(100_000)), []);
    assert.deepEqual(read('EPICS_CA_ADDR_LIST='.repeat(100_000)).length, 1);
  });

  it('takes no longer than it is, and no more room', () => {
    const doubled = read(`EPICS_A=xxxxxxxx\n${'EPICS_A=$EPICS_A$EPICS_A\n'.repeat(1000)}`);
    assert.ok(doubled.join('').length < 100_000);
    for (const line of [`EPICS_A=a${' '.repeat(9980)}b`, `EPICS_A=${';'.repeat(9980)}\rx`]) {
      assert.equal(read(`${line}\n`.repeat(100)).length, 100);
    }
  });
});

describe('name servers that are not ours', () => {
  const socat = { process: { pid: 7, command: 'socat' } };
  const ioc = { iocName: 'IOC', containerName: 'dev' };
  const at = { host: '127.0.0.7', port: 5064 };
  const place = { EPICS_CA_NAME_SERVERS: '127.0.0.7:5064' };
  const answers = new Map([['127.0.0.7:5064', 'listens']] as const);
  const trace = { protocol: 'ca', endpoint: at, owner: socat, hasAnswered: true } as const;

  it('lead to one IOC, which is enough for its PVs', () => {
    const traces = [{ ...trace, ioc }];
    assert.deepEqual(lines(place, { answers, traces }), [
      '127.0.0.7:5064 in EPICS_CA_NAME_SERVERS is socat (pid 7) and leads to IOC in dev alone',
    ]);
    const asked = [{ ...ioc, protocol: 'ca' as const }];
    assert.deepEqual(lines(place, { answers, traces, asked }), []);
    const both = `${place.EPICS_CA_NAME_SERVERS} 127.0.0.1:5063`;
    assert.deepEqual(lines({ EPICS_CA_NAME_SERVERS: both }, { answers, traces }), []);
  });

  it('answer for all if they are relays of ours', () => {
    const traces = [{ protocol: 'ca', endpoint: at, hasAnswered: true, isOurs: true } as const];
    assert.deepEqual(lines(place, { answers, traces }), []);
  });

  it('may be no servers', () => {
    const traces = [{ ...trace, hasAnswered: false }];
    assert.match(
      lines(place, { answers, traces })[0] ?? '',
      /is socat \(pid 7\), which does not answer Channel Access$/,
    );
  });

  it('may be ports that lead nowhere', () => {
    const inVain = new Map([['127.0.0.7:5064', { container: 'dev', inside: '127.0.0.1' }]]);
    assert.match(
      lines(place, { answers, inVain })[0] ?? '',
      /dev publishes it, but its IOC listens/,
    );
    const ends = new Map([['127.0.0.7:5064', 'ends']] as const);
    const gateways = { ca: { name: 'pvagw', at: { host: '127.0.0.1', port: 5105 } } };
    assert.match(
      lines(place, { answers: ends, gateways })[0] ?? '',
      /^nothing listens behind 127\.0\.0\.7:5064 .*; pvagw is at 127\.0\.0\.1:5105$/,
    );
  });
});

describe('a published port of another number', () => {
  const entry = { host: '127.0.0.1', port: 8075 };
  const server = (relay: Endpoint | undefined, protocol: PvProtocol = 'pva') => ({
    ...{ protocol, iocName: 'ioc', containerName: 'pub', at: [entry], searchedAt: [], port: 5075 },
    ...(relay && { relay }),
  });
  const answers = new Map([['127.0.0.1:8075', 'listens']] as const);
  const told = (relay: Endpoint | undefined, more = ''): readonly string[] =>
    lines(
      { EPICS_PVA_NAME_SERVERS: `127.0.0.1:8075${more}` },
      { servers: [server(relay)], answers, protocols: ['pva'] },
    );

  it('leads clients of pvAccess on to the number of the server itself', () => {
    const line =
      /^127\.0\.0\.1:8075 in EPICS_PVA_NAME_SERVERS leads to ioc in pub, which tells clients its own port: they go on to 127\.0\.0\.1:5075, and that is not this IOC$/;
    assert.match(told({ host: '127.0.0.2', port: 5075 })[0] ?? '', line);
    assert.match(told(undefined)[0] ?? '', line);
    // Ours, which is there, too, does not keep them from going there.
    assert.match(told(undefined, ' 127.0.0.1:5074')[0] ?? '', line);
  });

  it('is right where our relay has that number', () => {
    assert.deepEqual(told({ host: '127.0.0.1', port: 5075 }, ' 127.0.0.1:5074'), []);
  });

  it('is right for Channel Access, whose clients stay there', () => {
    const found = lines(
      { EPICS_CA_NAME_SERVERS: '127.0.0.1:8075 127.0.0.1:5063' },
      { servers: [server(undefined, 'ca')], answers, protocols: ['ca'] },
    );
    assert.deepEqual(found, []);
  });
});

describe('a name server that refuses', () => {
  const told = (list: string, facts: Partial<MachineFacts> = {}): Finding | undefined =>
    checkSettings(
      { settings: [{ name: 'EPICS_CA_NAME_SERVERS', value: list }] },
      machine({
        answers: new Map(list.split(' ').map((entry) => [entry, 'refuses'] as const)),
        ...{ protocols: ['ca'], ...facts },
      }),
    ).find(({ code }) => code === 'entry-refuses');
  const advice = (finding: Finding | undefined): string =>
    finding ? findingText(finding, TERMINAL_WORDS).advice : '';

  it('is to be replaced by ours, or removed by who has ours already', () => {
    assert.match(
      advice(told('127.0.0.1:5094')),
      /^Write 127\.0\.0\.1:5063 \(our name server\) instead/,
    );
    assert.match(advice(told('127.0.0.1:5094 127.0.0.1:5063')), /^Remove it/);
  });

  it('is ours, which opens again by itself', () => {
    const found = told('127.0.0.1:5063', { nameServers: {}, isAskedHere: true });
    assert.match(advice(found), /^Leave it: it opens/);
  });
});

describe('searches to 127.0.0.1', () => {
  const here = { EPICS_CA_NAME_SERVERS: '', EPICS_CA_ADDR_LIST: '127.0.0.1' };
  const unanswered = { searchPorts: { ca: [], pva: [5076] } };

  it('are not answered where another program has the port, which is said', () => {
    const problem = {
      code: 'search-port-taken',
      protocol: 'ca',
      endpoint: { host: '127.0.0.1', port: 5064 },
      refusal: { why: 'held', owner: { process: { pid: 7, command: 'softIoc' } } },
    } as const;
    assert.match(
      lines(here, { ...unanswered, searchProblems: { ca: problem } })[0] ?? '',
      /^UDP 127\.0\.0\.1:5064 is held by softIoc/,
    );
  });

  it('find the PVs of the servers to which they lead, and no others', () => {
    const iocOf = (containerName: string) => ({
      protocol: 'ca' as const,
      iocName: 'ioc',
      containerName,
    });
    const servers = [
      { ...iocOf('pub'), at: [{ host: '127.0.0.1', port: 9064 }], searchedAt: [5064], port: 5064 },
      { ...iocOf('here'), at: [{ host: '127.0.0.1', port: 6999 }], searchedAt: [6999], port: 6999 },
    ];
    const none = { EPICS_CA_NAME_SERVERS: '', EPICS_CA_ADDR_LIST: '' };
    const off = { ...unanswered, servers, protocols: ['ca'] as const };
    const udpPorts = new Set([5064, 5076, 6999]);
    const ways: [string, Record<string, string>][] = [
      ['pub', { EPICS_CA_ADDR_LIST: '127.0.0.1' }],
      ['pub', { EPICS_CA_NAME_SERVERS: '127.0.0.1:9064' }],
      ['pub', { EPICS_CA_NAME_SERVERS: 'localhost:9064' }],
      ['here', { EPICS_CA_ADDR_LIST: '127.0.0.1', EPICS_CA_SERVER_PORT: '6999' }],
      ['here', { EPICS_CA_ADDR_LIST: '127.0.0.1:6999' }],
      ['here', { EPICS_CA_NAME_SERVERS: '127.0.0.1:6999' }],
    ];
    for (const [name, names] of ways) {
      const told = (...asked: string[]): readonly string[] =>
        lines({ ...none, ...names }, { ...off, udpPorts, asked: asked.map(iocOf) });
      assert.deepEqual(told(name), [], JSON.stringify(names));
      assert.notDeepEqual(told(name, 'another'), [], JSON.stringify(names));
      const unexposed = { ...off, udpPorts, asked: [iocOf(name)], nameServers: {} };
      assert.deepEqual(lines({ ...none, ...names }, unexposed), [], JSON.stringify(names));
    }
    const caproto = checkSettings(
      { settings: [{ name: 'EPICS_CA_ADDR_LIST', value: '127.0.0.1' }], client: CLIENTS.caproto },
      machine({ ...off, udpPorts, asked: [iocOf('pub')] }),
    );
    assert.deepEqual(caproto, []);
  });

  it('are broadcast to IOCs of this machine that listen at the usual port, or one that is given', () => {
    const place = { protocol: 'ca' as const, iocName: 'ioc', containerName: 'here' };
    const nothing = { EPICS_CA_NAME_SERVERS: '', EPICS_CA_ADDR_LIST: '' };
    const told = (port: number, variables: Record<string, string> = {}): readonly string[] =>
      lines(
        { ...nothing, EPICS_CA_AUTO_ADDR_LIST: 'YES', ...variables },
        {
          servers: [{ ...place, at: [{ host: '127.0.0.1', port }], searchedAt: [port], port }],
          ...{ asked: [place], isAskedHere: true, protocols: ['ca'] },
        },
      );
    assert.deepEqual(told(5064), []);
    assert.match(told(6064)[0] ?? '', /look neither at our name server/);
    assert.deepEqual(told(6064, { EPICS_CA_SERVER_PORT: '6064' }), []);
    assert.deepEqual(told(6064, { EPICS_CA_ADDR_LIST: '10.0.0.255:6064' }), []);
    // Its own was taken, and it takes searches at the usual one.
    assert.deepEqual(told(41_234), []);
  });

  it('may be ignored by the IOC that gets them', () => {
    const list = 'EPICS_CAS_IGNORE_ADDR_LIST';
    const ignoring = [{ protocol: 'ca' as const, ioc: 'IOC', list, addresses: '127.0.0.1' }];
    assert.match(
      lines(here, { ...unanswered, ignoring })[0] ?? '',
      /IOC ignores searches from 127/,
    );
    assert.deepEqual(lines(here, { ignoring }), []);
  });
});
