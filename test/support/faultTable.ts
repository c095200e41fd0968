/**
 * Ways to be unreachable that are made with real containers, IOCs and clients, and what the doctor's
 * first line says of each: for the tests, and for docs/doctor.md.
 */

/** One way to be unreachable. */
export interface FaultRow {
  /** The doctor's line, as it begins: `{n}` stands for a number, `{}` for any text. */
  readonly line: string;
  /** What the test does, as the doctor says, and who reads the PV then; absent: nothing. */
  readonly cure?: string;
}

/** Made in test/interop/faults.test.ts. */
export const CONTAINER_FAULTS = {
  'nothing is exposed': {
    line: 'nothing is exposed on this machine now: clients here find no PV of a container',
    cure: 'runs epics-expose; p4p',
  },
  'the engine is not running': {
    line: 'No engine is running: there is no {}/none.sock.',
  },
  'a container ended': {
    line: 'ioc-a: container ioc-a ended with exit code 137',
    cure: 'starts it by the command; caget',
  },
  'a container restarts again and again': {
    line: 'ioc-a: container ioc-a ends and is started again, {n} times until now, last with exit code 3',
  },
  'an IOC ended': {
    line: 'X:TEMPERATURE ({}): the IOC stopped listening on port {n}',
    cure: 'starts the IOC again; caget, p4p',
  },
  'an IOC hangs before iocInit': {
    line: 'ioc-a in ioc-a: it runs (pid {n}), but opened no port for Channel Access or pvAccess; its log ends: "{}\'nowhere.db\'"',
    cure: 'corrects what the log names, restarts it; caget',
  },
  'a program listens that is no IOC': {
    line: '{} in ioc-a: the process listens on port 5064 but does not answer Channel Access',
    cure: 'ends it and starts an IOC; caget',
  },
  'a packet filter in the container': {
    line: '{} in ioc-a: connections to port 5064 time out although it listens: a packet filter?',
    cure: 'removes the rule; caget',
  },
  'access security denies reading': {
    line: 'X:TEMPERATURE (Channel Access, {}): its access security denies reading to user {} on host {}',
    cure: 'permits it in the file, restarts the IOC; caget',
  },
  'the other protocol': {
    line: 'X:TEMPERATURE is served, but not over pvAccess',
    cure: 'reads it over Channel Access; caget',
  },
  'a record that was never processed': {
    line: 'X:NEVER of {} is readable, but its record was never processed: it has no valid value (UDF)',
  },
  'a record that came after the IOC': {
    line: 'X:NEW stands in /work/own.db:2, but ioc-a in ioc-a does not have it: it has not loaded that record',
    cure: 'restarts the IOC; caget',
  },
  'the relays stand still': {
    line: 'the background process (pid {n}) is suspended: its relays and name servers stand still',
    cure: 'lets it go on by the command; caget',
  },
  'the same PVs twice': {
    line: '{n} PVs, such as X:TEMPERATURE, are served by {} in ioc-a and {} in ioc-b over Channel Access; clients here get those of ioc-a, which started first',
    cure: 'stops one of them; caget',
  },
  'an IOC on this machine has the port of searches': {
    line: 'UDP 127.0.0.1:5064 is held by softIocCa (pid {n}): clients that search there (EPICS_CA_ADDR_LIST=127.0.0.1) get no answer from us',
    cure: 'EPICS_CA_NAME_SERVERS; caget',
  },
  'a published port that leads nowhere': {
    line: '127.0.0.9:5064 in EPICS_CA_NAME_SERVERS: ioc-a publishes it, but its IOC listens on 127.0.0.1 inside: that port leads nowhere',
    cure: 'the printed address; caget',
  },
  'a published port of another number': {
    line: '127.0.0.1:8075 in EPICS_PVA_NAME_SERVERS leads to {} in ioc-a, which tells clients its own port: they go on to 127.0.0.1:5075, and that is not this IOC',
    cure: 'the printed address; p4p',
  },
  'an address that the container has not': {
    line: '{} in ioc-a: it runs (pid {n}), but opened no port for Channel Access or pvAccess: EPICS_CAS_INTF_ADDR_LIST="10.99.99.99" in its environment names no address of its container',
    cure: 'leaves it out; caget',
  },
  'an IOC ignores this machine': {
    line: 'clients search 127.0.0.1 (EPICS_CA_ADDR_LIST), and {} ignores searches from 127.0.0.1: EPICS_CAS_IGNORE_ADDR_LIST in its environment',
    cure: 'the printed variable; caget',
  },
  'the gateway is published elsewhere': {
    line: '{}environment.sh:1: nothing listens behind 127.0.0.1:5095 in EPICS_PVA_NAME_SERVERS: connections are ended at once; {} is at 127.0.0.1:5105',
    cure: 'the printed address; p4p',
  },
  'a forwarder that leads to another IOC': {
    line: '127.0.0.7:5364 in EPICS_CA_NAME_SERVERS is socat (pid {n}) and leads to {} in well alone',
    cure: 'the printed address; caget',
  },
  'a stranger that says nothing': {
    line: '127.0.0.7:5364 in EPICS_CA_NAME_SERVERS is socat (pid {n}), which does not answer Channel Access',
    cure: 'the printed address; caget',
  },
  'an engine of another user': {
    line: 'softIocCa of user exlab{n} runs in a container (pid {n}), whose engine is not looked at',
    cure: 'names its engine; caget',
  },
  'a background process of another version': {
    line: 'note: the background process is version 0.0.1, and this program version {n}',
  },
  'a client that is told another name': {
    line: 'python{} (pid {n}) searches for WELL:TEMPRATURE, which no IOC here has; the nearest is WELL:TEMPERATURE ({})',
    cure: 'the name that it says; caget, p4p',
  },
  'an IOC hangs': {
    // Whether its circuit is known to be lost by then depends on when it is asked.
    line: 'HANGS:TEMPERATURE {} not answer || caprotoIoc in ioc-a: no circuit to the server: no handshake within {n} s',
    cure: 'lets it go on; caget',
  },
  'an IOC is suspended': {
    line: "X:TEMPERATURE (Channel Access, {}): the IOC's process (pid 1) is suspended by Ctrl-Z or another signal",
    cure: 'lets it go on by the command; caget',
  },
  'no way into the container': {
    line: '{} in ioc-a: no route into the container leads to port 5064. Tried: ',
  },
  'front ends that want other addresses told': {
    line: 'note: one front end wants clients to go direct, and another by relay: relay counts for all',
  },
  'front ends that search differently': {
    line: 'note: front ends want different searches by UDP answered (loopback, thishost): thishost counts for all',
  },
} as const satisfies Record<string, FaultRow>;

/** The settings of clients: made in test/interop/doctor.test.ts. */
export const SETTINGS_FAULTS = {
  'a list with commas': {
    line: 'EPICS_CA_NAME_SERVERS="127.0.0.1:5063,127.0.0.1:5063": entries are separated by blanks',
    cure: 'the printed variable; caget',
  },
  'a list with commas, for pvAccess': {
    line: 'EPICS_PVA_NAME_SERVERS="127.0.0.1:5074,127.0.0.1:5074": entries are separated',
    cure: 'the printed variable; p4p',
  },
  'the UDP port as a name server': {
    line: '127.0.0.1:5076 in EPICS_PVA_NAME_SERVERS: 5076 is the UDP search port',
    cure: 'the printed address; p4p',
  },
  'no setting at all, over Channel Access': {
    line: 'clients of Channel Access look neither at our name server 127.0.0.1:5063 nor at',
    cure: 'what env prints; caget',
  },
  'no setting at all, over pvAccess': {
    line: 'clients of pvAccess look neither at our name server 127.0.0.1:5074 nor at',
    cure: 'what env prints; p4p',
  },
  'searches on a port where nobody listens': {
    line: 'your clients search on UDP 6164 (EPICS_CA_SERVER_PORT), where nobody listens',
    cure: 'unsets it; caget',
  },
  'searches on the port of pvAccess': {
    line: '127.0.0.1:5076 in EPICS_CA_ADDR_LIST is searched on UDP 5076, where pvAccess is answered',
    cure: 'the printed address; caget',
  },
  'searches on the port of Channel Access': {
    line: '127.0.0.1:5064 in EPICS_PVA_ADDR_LIST is searched on UDP 5064, where Channel Access is answered',
    cure: 'the printed address; p4p',
  },
  'a comma before a port': {
    line: 'EPICS_CA_NAME_SERVERS="127.0.0.1,5063": a port follows a colon',
    cure: 'the printed variable; caget',
  },
  'a variable that is misspelt': {
    line: 'no client reads EPICS_CA_NAMESERVERS',
    cure: 'the printed variable; caget',
  },
  'the name server of the other protocol': {
    line: '127.0.0.1:5074 in EPICS_CA_NAME_SERVERS is our name server for pvAccess',
    cure: 'moves it; caget',
  },
  'what is no address': {
    line: '"<ioc>:5064" in EPICS_CA_NAME_SERVERS is no address; clients ignore it',
    cure: 'an address; caget',
  },
  'a client that has no name servers, over Channel Access': {
    line: 'caproto does not read EPICS_CA_NAME_SERVERS, and searches 127.0.0.1 only if',
    cure: 'the printed variable; caproto',
  },
  'a client that has no name servers, over pvAccess': {
    line: 'pvget does not read EPICS_PVA_NAME_SERVERS, and searches 127.0.0.1 only if',
    cure: 'the printed variable; pvAccessCPP',
  },
  'searches at the port of servers': {
    line: '127.0.0.1:5085 in EPICS_PVA_ADDR_LIST is searched on UDP 5085, where nobody listens',
    cure: 'the printed address; p4p',
  },
} as const satisfies Record<string, FaultRow>;

/** The preferences of Phoebus: made in test/interop/doctor.test.ts, cured by the printed line. */
export const PHOEBUS_FAULTS = {
  'a variable in place of a preference': {
    line: 'Phoebus looks neither at our name server 127.0.0.1:5063 nor at {} over Channel Access',
  },
  'no name server over pvAccess': {
    line: 'Phoebus looks neither at our name server 127.0.0.1:5074 nor at {} over pvAccess',
  },
  'a list with commas over pvAccess': {
    line: '{}settings.ini:3: org.phoebus.pv.pva/epics_pva_name_servers=127.0.0.1:5074,127{}: entries are separated by blanks; Phoebus ignores',
  },
  'a list with commas and without ports over Channel Access': {
    line: '{}settings.ini:3: org.phoebus.pv.ca/name_servers=127{}: entries are separated by blanks',
  },
  'the UDP port as a name server': {
    line: '{}settings.ini:3: 127.0.0.1:5076 in {}: 5076 is the UDP search port',
  },
  'quotes, which Java keeps': { line: '{}settings.ini:3: ""127.0.0.1:5074"" in {} is no address' },
  'a preference that Phoebus has not': {
    line: '{}settings.ini:4: Phoebus has no preference org.phoebus.pv.pva/name_servers',
  },
} as const satisfies Record<string, FaultRow>;

/** Further ones of test/interop/doctor.test.ts. */
export const OTHER_FAULTS = {
  'a stale name server': { line: '127.0.0.1:5194 in EPICS_CA_NAME_SERVERS refuses' },
  'a misspelt PV': {
    line: 'no IOC that is exposed here has SICK:TEMPRATURE; did you mean SICK:TEMPERATURE ({})?',
  },
  'a setting in a file': { line: '{}environment.sh:2: 127.0.0.1:5076 in' },
  'a container is paused': { line: '{}container doctor-ioc is paused' },
  'a line of preferences that is none': { line: '{}settings.ini:5: "[ui]" is no preference' },
} as const satisfies Record<string, FaultRow>;

/** What is wrong. */
export type ContainerFault = keyof typeof CONTAINER_FAULTS;

/** What the doctor's line begins with, for a row of a table. */
export function lineOf({ line }: FaultRow): RegExp {
  const source = line
    .replaceAll('{n}', '\0')
    .replaceAll('{}', '\x01')
    .replace(/[.*+?^$()|[\]{}\\]/g, '\\$&')
    .replaceAll(' \\|\\| ', '|')
    .replaceAll('\0', '\\d+')
    .replaceAll('\x01', '.*');
  return new RegExp(`^(?:${source})`);
}
