/** One of each kind, with facts as they may be: for tests of their words, and for docs/doctor.md. */
import type { FindingCode, FindingFacts } from '../../src/model/diagnosis/finding';
import type { ProblemCode, ProblemFacts } from '../../src/model/problem';

const endpoint = { host: '127.0.0.1', port: 5064 };
const held = { why: 'held', owner: { process: { pid: 7, command: 'socat' } } } as const;
const taken = [{ endpoint, refusal: held }];
const uri = 'tcp://h:2375';
const detail = 'the reason';

/** One of each problem. */
export const PROBLEM_SAMPLES: { readonly [C in ProblemCode]: ProblemFacts[C] } = {
  'no-engine': {},
  'engine-here': {},
  'engine-permission': { path: '/var/run/docker.sock' },
  'engine-hidden': { path: '/home/x/y.sock' },
  'engine-not-running': { path: '/var/run/docker.sock', isMissing: true },
  'engine-timeout': { uri },
  'engine-unreachable': { uri, detail },
  'engine-tls': { uri, detail },
  'engine-api': { uri, api: '1.12', oldestApi: '1.24' },
  'engine-duplicate': { uri },
  'podman-missing': {},
  'podman-service': { detail },
  'engine-idle': {},
  'ssh-unsupported': {},
  'ssh-missing': { detail },
  'ssh-host-key': { host: 'h', detail },
  'ssh-auth': { host: 'h', detail },
  'ssh-unreachable': { host: 'h', detail },
  'ssh-failed': { host: 'h', detail },
  'ssh-no-socket': { host: 'h' },
  'container-paused': { container: 'dev' },
  'container-stopped': { container: 'dev', exitCode: 3 },
  'container-removed': { container: 'dev' },
  'container-restarts': { container: 'dev', count: 9, exitCode: 3 },
  'ioc-no-port': { pid: 7, lastLine: 'iocInit: failed' },
  'cannot-look-inside': { container: 'dev', detail },
  'ioc-suspended': { pid: 7 },
  'ioc-gone': { port: 5064 },
  'no-handshake': { port: 5064, protocol: 'ca' },
  'packets-dropped': { port: 5064 },
  'no-way-in': { port: 5064, tried: [{ route: 'published port', detail }, { route: 'python3' }] },
  'port-taken': { port: 5064, taken },
  'not-relayed': { port: 5064 },
  'relay-ended': { endpoint, detail },
  disconnected: { detail },
  internal: { detail },
  'search-port-taken': { protocol: 'ca', endpoint, refusal: held },
  'well-known-port-taken': { protocol: 'pva', endpoint, refusal: { why: 'one-server' } },
  'port-given-back': { container: 'dev', transport: 'tcp', endpoint },
  'not-served': { protocol: 'ca' },
  'no-read-access': { user: 'user ann on host desk' },
  'no-channel': { step: 'no-answer' },
  'not-read': { detail },
  'searched-in-vain': {
    pv: 'A:TMP',
    similar: [{ name: 'A:TEMP', iocName: 'ioc', containerName: 'dev' }],
    client: { pid: 7, command: 'caget' },
  },
  'broker-older': { version: '0.1.0', own: '0.2.0' },
  'broker-newer': { version: '0.2.0', own: '0.1.0' },
  'broker-nonsense': { detail },
  'broker-gone': {},
  'broker-silent': { pid: 7 },
};

const CA = 'EPICS_CA_NAME_SERVERS';
const PVA = 'EPICS_PVA_NAME_SERVERS';
const server = { host: '127.0.0.1', port: 5063 };
const pv = 'DEMO:TEMPERATURE';
const settings = { file: 'settings.ini', line: 3 };
const compose = { file: 'compose.yml', line: 7, service: 'ioc' };
const iocs = [
  { iocName: 'ioc', containerName: 'one' },
  { iocName: 'ioc', containerName: 'two' },
];

/** One of each finding; `isNote` where it always is one. */
export const FINDING_SAMPLES: {
  readonly [C in FindingCode]: FindingFacts[C] & { readonly isNote?: boolean };
} = {
  'list-separator': {
    ...{ variable: CA, value: '127.0.0.1:5063,10.0.0.1' },
    ...{ meant: '127.0.0.1:5063 10.0.0.1', hasPortByComma: false },
  },
  'entry-no-address': { variable: CA, entry: '<ioc>:5064', file: 'environment.sh', line: 2 },
  'name-server-udp-port': {
    ...{ variable: PVA, entry: '127.0.0.1:5076', port: 5076 },
    ours: { host: '127.0.0.1', port: 5074 },
  },
  'name-server-other-protocol': { variable: CA, entry: '127.0.0.1:5074', protocol: 'pva' },
  'entry-refuses': { variable: CA, entry: '127.0.0.1:5094', isWaitedFor: true },
  'entry-ends': {
    ...{ variable: PVA, entry: '127.0.0.1:5095', ours: { host: '127.0.0.1', port: 5074 } },
    gateway: { name: 'pvagw', at: { host: '127.0.0.1', port: 5105 } },
  },
  'entry-in-vain': {
    ...{
      variable: CA,
      entry: '127.0.0.1:5064',
      container: 'dev',
      inside: '127.0.0.1',
      ours: server,
    },
  },
  'entry-leads-to': {
    ...{ variable: CA, entry: '127.0.0.1:5064', owner: held.owner, ours: server },
    ioc: { iocName: 'ioc-b', containerName: 'two' },
  },
  'entry-other-port': {
    ...{ variable: PVA, entry: '127.0.0.1:8075', goOnTo: { host: '127.0.0.1', port: 5075 } },
    ...{ ioc: { iocName: 'ioc-b', containerName: 'two' }, ours: { host: '127.0.0.1', port: 5074 } },
  },
  'entry-stranger': {
    ...{ variable: CA, entry: '127.0.0.1:5064', owner: held.owner, protocol: 'ca', ours: server },
  },
  'entry-silent': { variable: CA, entry: '127.0.0.1:5094' },
  'search-entry': {
    ...{ variable: 'EPICS_PVA_ADDR_LIST', entry: '127.0.0.1:5075' },
    ...{ port: 5075, searchPort: 5076 },
  },
  'search-port': {
    ...{ variable: 'EPICS_CA_SERVER_PORT', port: 5076, protocol: 'ca' },
    answered: { protocol: 'pva', wanted: 'ca' },
  },
  'search-unsure': {
    ...{ variable: 'EPICS_CA_ADDR_LIST', entry: '127.0.0.1:7777' },
    ...{ port: 7777, searchPort: 5064, isNote: true },
  },
  'variable-unknown': { variable: 'EPICS_CA_NAMESERVERS', meant: CA },
  'not-set-up': { protocol: 'ca', nameServer: server },
  'searches-ignored': {
    ...{ variable: 'EPICS_CA_ADDR_LIST', ioc: 'ioc', list: 'EPICS_CAS_IGNORE_ADDR_LIST' },
    ...{ addresses: '127.0.0.1', nameServers: CA, ours: server },
  },
  'not-searched': {
    ...{ client: 'caproto', variable: 'EPICS_CA_ADDR_LIST', unread: CA },
    ...{ protocol: 'ca', isAnswered: true },
  },
  'only-some-clients': { variable: PVA, clients: ['pvget'], isNote: true },
  'preferences-unknown': { client: 'Phoebus', isNote: true },
  'setting-unknown': { variable: CA, file: 'environment.sh', line: 2, isNote: true },
  'preference-unknown': {
    ...settings,
    variable: 'org.phoebus.pv.pva/server_port',
    meant: 'org.phoebus.pv.pva/epics_pva_server_port',
  },
  'preference-no-package': { ...settings, variable: '[pva]' },
  'not-exposed': {},
  'port-forwarded': { file: 'devcontainer.json', line: 9, port: 5064, isUdp: false, isNote: true },
  'port-renumbered': { ...compose, inside: 5064, here: 8064, isNote: true },
  'port-not-listening': {
    ...{ ...compose, variable: 'EPICS_CA_SERVER_PORT', published: 5064, listens: 6064 },
    isNote: true,
  },
  'settings-ignored': { file: 'devcontainer.json', line: 12, isNote: true },
  'file-not-read': { file: 'compose.yml', line: 3, reason: 'Missing closing "quote', isNote: true },
  'broker-differs': { version: '0.1.0', own: '0.2.0', isNote: true },
  'answers-differ': { isNote: true },
  'searches-differ': { modes: ['loopback', 'thishost'], widest: 'thishost', isNote: true },
  problem: { problem: { code: 'container-paused' }, container: 'dev', ioc: 'ioc' },
  'engine-unanswered': { uri },
  'server-unanswered': { container: 'dev', port: 5064 },
  'foreign-ioc': {
    pid: 7,
    program: 'softIoc',
    user: 'ioc',
    uid: 1001,
    engine: 'podman',
    others: 0,
  },
  'server-note': {
    note: { code: 'read-denied', count: 3, user: 'USER on HOST' },
    ...{ container: 'dev', ioc: 'ioc' },
  },
  duplicates: { protocol: 'ca', count: 10, example: pv, iocs },
  'no-such-pv': {
    pv: 'DEMO:TEMPRATURE',
    similar: [{ name: pv, iocName: 'ioc', containerName: 'dev' }],
    isListIncomplete: false,
  },
  'pv-not-answered': { pv },
  'other-protocol': { pv, protocol: 'pva' },
  'pv-not-read': { pv, protocol: 'ca', ioc: 'ioc', problem: { code: 'disconnected', detail } },
  'pv-ended': {
    ...{ pv: 'A:TEMP', ioc: { iocName: 'ioc', containerName: 'dev' } },
  },
  'not-loaded': {
    pv,
    place: { iocName: 'ioc', containerName: 'dev', file: '/work/x.db', line: 3 },
  },
  'pv-undefined': { pv, ioc: 'ioc', reading: { value: 0, severity: 'INVALID' } },
};
