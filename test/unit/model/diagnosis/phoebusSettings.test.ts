import assert from 'node:assert/strict';
import { checkSettings, type MachineFacts } from '../../../../src/model/diagnosis/clientSettings';
import { CLIENTS } from '../../../../src/model/diagnosis/clients';
import { parseJavaProperties } from '../../../../src/model/diagnosis/javaProperties';
import {
  parsePhoebusFile,
  phoebusSettings,
  preferenceOf,
} from '../../../../src/model/diagnosis/phoebusSettings';
import { findingText } from '../../../../src/present/findingText';
import { TERMINAL_WORDS } from '../../../../src/present/frontEndWords';

const CA = 'org.phoebus.pv.ca/name_servers';
const PVA = 'org.phoebus.pv.pva/epics_pva_name_servers';
const GOOD = `${CA}=127.0.0.1:5063\n${PVA}=127.0.0.1:5074\n`;

const machine: MachineFacts = {
  nameServers: { ca: { host: '127.0.0.1', port: 5063 }, pva: { host: '127.0.0.1', port: 5074 } },
  searchPorts: { ca: [5064], pva: [5076] },
  areBroadcastsAnswered: { ca: false, pva: false },
  isCarried: { ca: true, pva: true },
  udpPorts: new Set([5064, 5065, 5076]),
  answers: new Map([
    ['127.0.0.1:5063', 'listens'],
    ['127.0.0.1:5074', 'listens'],
    ['127.0.0.1:5094', 'refuses'],
  ]),
};

type Variables = Record<string, string>;

function findings(
  text: string,
  environment: Variables = {},
  more: Partial<MachineFacts> = {},
): string[] {
  const file = parsePhoebusFile(text, 'settings.ini');
  const outside = Object.entries(environment).map(([name, value]) => ({ name, value }));
  const nameServers = {
    ca: preferenceOf('EPICS_CA_NAME_SERVERS'),
    pva: preferenceOf('EPICS_PVA_NAME_SERVERS'),
  };
  const found = checkSettings(
    {
      settings: phoebusSettings(outside, file.settings),
      client: CLIENTS.phoebus,
      findings: file.findings,
      phoebus: { file: 'settings.ini', nameServers },
    },
    { ...machine, ...more },
  );
  return found.map((finding) => {
    const { message, advice } = findingText(finding, TERMINAL_WORDS);
    return `${finding.isNote === true ? 'note: ' : ''}${message} -> ${advice}`;
  });
}

describe('the preferences of Phoebus', () => {
  const cases: [string, string, string[]][] = [
    ['nothing, where they are right', GOOD, []],
    [
      'commas, of which Phoebus takes the first host over Channel Access',
      `# ours\n${CA}=127.0.0.1:5063,127.0.0.1:5073\n${PVA} = 127.0.0.1:5074,127.0.0.1:5084\n`,
      [
        `settings.ini:2: ${CA}=127.0.0.1:5063,127.0.0.1:5073: entries are separated by blanks; Phoebus takes it for 127.0.0.1:5064 alone -> Write ${CA}=127.0.0.1:5063 127.0.0.1:5073.`,
        `settings.ini:3: ${PVA}=127.0.0.1:5074,127.0.0.1:5084: entries are separated by blanks; Phoebus ignores this one -> Write ${PVA}=127.0.0.1:5074 127.0.0.1:5084.`,
      ],
    ],
    [
      'the UDP port as a name server',
      `${CA}=127.0.0.1:5063\n${PVA}=127.0.0.1:5076\n`,
      [
        `settings.ini:2: 127.0.0.1:5076 in ${PVA}: 5076 is the UDP search port; name servers are TCP: 5075, or ours, 5074 -> Write 127.0.0.1:5074 instead.`,
      ],
    ],
    [
      'a name server that is gone, for which Phoebus does not wait',
      `${CA}=127.0.0.1:5063 127.0.0.1:5094\n${PVA}=127.0.0.1:5074\n`,
      [
        `settings.ini:1: 127.0.0.1:5094 in ${CA} refuses: nobody listens there -> Remove it, or start what should listen there.`,
      ],
    ],
    [
      'the name server of the other protocol',
      `${CA}=127.0.0.1:5074\n${PVA}=127.0.0.1:5074\n`,
      [
        `settings.ini:1: 127.0.0.1:5074 in ${CA} is our name server for pvAccess -> Move it to ${PVA}.`,
      ],
    ],
    [
      'quotes, which belong to the value',
      `${CA}="127.0.0.1:5063"\n${PVA}=127.0.0.1:5074\n`,
      [
        `settings.ini:1: ""127.0.0.1:5063"" in ${CA} is no address; Phoebus ignores it -> Write HOST or HOST:PORT, separated by blanks.`,
      ],
    ],
    [
      'a port on which nobody is searched, also one that libca would not take',
      `org.phoebus.pv.ca/server_port=4064\norg.phoebus.pv.ca/addr_list=127.0.0.1\n${PVA}=127.0.0.1:5074\n`,
      [
        'settings.ini:1: your clients search on UDP 4064 (org.phoebus.pv.ca/server_port), where nobody listens -> Unset org.phoebus.pv.ca/server_port, or set it to the port of the IOC.',
      ],
    ],
    [
      'nothing of ours',
      'org.phoebus.ui/splash=false\n',
      [
        `Phoebus looks neither at our name server 127.0.0.1:5063 nor at 127.0.0.1 over Channel Access -> Write ${CA}=127.0.0.1:5063 into settings.ini.`,
        `Phoebus looks neither at our name server 127.0.0.1:5074 nor at 127.0.0.1 over pvAccess -> Write ${PVA}=127.0.0.1:5074 into settings.ini.`,
      ],
    ],
    [
      'a preference that Phoebus has not, which is why ours is missing',
      `${CA}=127.0.0.1:5063\norg.phoebus.pv.pva/name_servers=127.0.0.1:5074\n`,
      [
        `settings.ini:2: Phoebus has no preference org.phoebus.pv.pva/name_servers -> Write ${PVA} instead, or remove it.`,
        `Phoebus looks neither at our name server 127.0.0.1:5074 nor at 127.0.0.1 over pvAccess -> Write ${PVA}=127.0.0.1:5074 into settings.ini.`,
      ],
    ],
    [
      'a preference that Phoebus has not, which harms nobody: that of ioc-template',
      `${GOOD}org.phoebus.pv.pva/server_port=5075`,
      [
        'note: settings.ini:3: Phoebus has no preference org.phoebus.pv.pva/server_port -> Write org.phoebus.pv.pva/epics_pva_server_port instead, or remove it.',
      ],
    ],
    [
      'a preference that looks like none',
      `${GOOD}org.phoebus.pv.ca/nameserver=x`,
      [
        'note: settings.ini:3: Phoebus has no preference org.phoebus.pv.ca/nameserver -> Remove it.',
      ],
    ],
    [
      'a line that ends Phoebus before it has started',
      `[channel access]\n[pva]\n${GOOD}`,
      [
        'settings.ini:1: "[channel" is no preference: Phoebus does not start with this file -> Write PACKAGE/NAME=VALUE, or # before what is a comment.',
      ],
    ],
  ];
  for (const [title, text, expected] of cases) {
    it(`have: ${title}`, () => assert.deepEqual(findings(text), expected));
    it(`have, with the lines of Windows: ${title}`, () =>
      assert.deepEqual(findings(text.replaceAll('\n', '\r\n')), expected));
  }

  it('come before the environment over pvAccess, and stand in place of it over Channel Access', () => {
    const environment = {
      EPICS_CA_NAME_SERVERS: '127.0.0.1:5063',
      EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074',
    };
    assert.match(
      findings('', environment).join('\n'),
      /^Phoebus looks .* over Channel Access -> .*$/,
    );
    assert.deepEqual(findings(`${CA}=127.0.0.1:5063\n${PVA}=\n`, environment), []);
    assert.match(findings(`${CA}=127.0.0.1:5063\n${PVA}=x:5075\n`, environment).join(), /over pvA/);
    // Java is told to read the environment, and then reads no preference.
    const told = { ...environment, JDK_JAVA_OPTIONS: '-Xmx1g -Djca.use_env=true' };
    assert.deepEqual(findings('', told), []);
    const wrong = { ...told, EPICS_CA_NAME_SERVERS: '127.0.0.1:5094' };
    assert.match(
      findings(GOOD, wrong).join(),
      /^127\.0\.0\.1:5094 in EPICS_CA_NAME_SERVERS refuses/,
    );
  });

  it('switch broadcasts on by "true" alone over Channel Access', () => {
    const more = { areBroadcastsAnswered: { ca: true, pva: true } };
    assert.deepEqual(findings('', {}, more), []);
    const on = (ca: string, pva: string): string =>
      `org.phoebus.pv.ca/auto_addr_list=${ca}\norg.phoebus.pv.pva/epics_pva_auto_addr_list=${pva}\n`;
    assert.deepEqual(findings(on('TRUE', 'YES'), {}, more), []);
    assert.equal(findings(on('YES', 'NO'), {}, more).length, 2);
  });

  it('are the last of each, and not known if Phoebus takes them from elsewhere', () => {
    assert.deepEqual(findings(`${CA}=x,y\n${GOOD}`), []);
    assert.match(findings(`${GOOD}${CA}=\n`).join(), /^Phoebus looks .* over Channel Access/);
    assert.deepEqual(findings(`${GOOD}${CA}=$(NAME_SERVER)\n`), [
      `note: settings.ini:3: the value of ${CA} is not known: it depends on other variables -> Examine a running client: epics-expose doctor --pid N.`,
    ]);
  });
});

describe('a file of Java properties', () => {
  const read = (text: string): string[] =>
    parseJavaProperties(text).map(({ key, value, line }) => `${line} ${key}|${value}`);

  it('is read as Java reads it', () => {
    assert.deepEqual(
      read(
        [
          '# comment = none',
          '  ! nor this',
          'a/b=1',
          'a/c : 2 ',
          'a/d 3',
          'a/e',
          '',
          'a/f = x \\',
          '    y\\',
          '    z',
          'a/g=127.0.0.1\\:5063\\u0020x\\\\',
          'a\\=b=c',
          'a/h==',
          'a/i=last\\',
        ].join('\n'),
      ),
      [
        '3 a/b|1',
        '4 a/c|2 ',
        '5 a/d|3',
        '6 a/e|',
        '8 a/f|x yz',
        '11 a/g|127.0.0.1:5063 x\\',
        '12 a=b|c',
        '13 a/h|=',
        '14 a/i|last',
      ],
    );
  });

  it('may have names that every object has', () => {
    const text = 'constructor/x=1\n__proto__/x=1\ntoString/x=1\n';
    assert.deepEqual(parsePhoebusFile(text, 'f').findings, []);
  });

  it('may be anything, and takes no longer than it is', () => {
    for (const text of ['\\'.repeat(500_000), 'x\\\n'.repeat(200_000), `${'\\'.repeat(99)}\n`]) {
      assert.ok(read(text).join('').length <= text.length + 20_000);
    }
    assert.equal(read(`a${' '.repeat(9980)}=b\n`.repeat(100)).length, 100);
    assert.equal(read('\0\u0001=\r'.repeat(1000)).length, 1000);
  });
});
