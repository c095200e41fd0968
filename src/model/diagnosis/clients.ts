/**
 * What clients do with the settings of a person, as data: one row for each library that searches for
 * PVs, and which libraries the clients have that people know by name. `test/field/clientRules.test.ts`
 * tries every rule with the real library.
 */
import type { PvProtocol } from '../pvProtocol';

/** What one library does with settings. Libraries read them when they start. */
export interface LibraryRules {
  /** What it is called. */
  readonly library: string;
  /** Of which the rules hold, and where they are read. */
  readonly source: string;
  /** The real client with which they are tried. */
  readonly triedWith: string;
  /** Whether it searches by TCP, and so reads EPICS_CA_NAME_SERVERS or EPICS_PVA_NAME_SERVERS. */
  readonly hasNameServers: boolean;
  /** Ports up to this one are out of range: the default is taken instead; -1: not even 0 is. */
  readonly lastRefusedPort: number;
  /** Whether it waits at its end for a name server that refused. */
  readonly waitsForRefused: boolean;
  /** What it makes of `a:1,b:2`: nothing, or the host before the first colon at the default port. */
  readonly takesListWithCommas: boolean;
  /** Whether it broadcasts, with this AUTO_ADDR_LIST, and with an ADDR_LIST or without. */
  readonly isBroadcasting: (auto: string, hasList: boolean) => boolean;
}

/** caget, pyepics, aioca. It waits 30 s for a name server that refused, 15 s if another has the PV. */
const LIBCA: LibraryRules = {
  library: 'libca',
  source:
    'EPICS Base 7.0.10: ca/src/client/iocinf.cpp (blanks), libcom/src/env/envSubr.c (ports), libcom/src/misc/aToIPAddr.c (nothing may follow the port)',
  triedWith: 'aioca 1.8.1',
  hasNameServers: true,
  lastRefusedPort: 5000,
  waitsForRefused: true,
  takesListWithCommas: false,
  isBroadcasting: (auto) => !/no|NO/.test(auto),
};

/** Channel Access in Java, as in Phoebus. */
const CAJ: LibraryRules = {
  library: 'CAJ',
  source:
    'jca 2.4.11: CAJContext.java (which settings), InetAddressUtil.java (blanks; a port that is no number is the default), CAJNameClient.java (tries again every ten seconds)',
  triedWith: 'jca 2.4.11',
  hasNameServers: true,
  lastRefusedPort: -1,
  waitsForRefused: false,
  takesListWithCommas: true,
  isBroadcasting: (auto) => !/^no$/i.test(auto),
};

const CAPROTO: LibraryRules = {
  library: 'caproto',
  source: 'caproto 1.3.0: _utils.py',
  triedWith: 'caproto 1.3.0',
  hasNameServers: false,
  lastRefusedPort: -1,
  waitsForRefused: false,
  takesListWithCommas: false,
  isBroadcasting: (auto, hasList) => !hasList || /^(?:yes)?$/i.test(auto),
};

/** pvxget, p4p. */
const PVXS: LibraryRules = {
  library: 'PVXS',
  source: 'PVXS 1.5.3: config.cpp (blanks; any port but 0; refusals are logged)',
  triedWith: 'p4p 4.3.0',
  hasNameServers: true,
  lastRefusedPort: 0,
  waitsForRefused: false,
  takesListWithCommas: false,
  isBroadcasting: (auto) => !/^(?:no|0)$/i.test(auto),
};

/** pvAccess in Java, as in Phoebus. */
const CORE_PVA: LibraryRules = {
  library: 'core-pva',
  source: 'core-pva 5.0.5: PVASettings.java, Network.java',
  triedWith: 'core-pva 5.0.5 and 4.7.3',
  hasNameServers: true,
  lastRefusedPort: -1,
  waitsForRefused: false,
  takesListWithCommas: false,
  isBroadcasting: (auto) => /^(?:yes|true)?$/i.test(auto),
};

/** pvget of EPICS 7. */
const PV_ACCESS_CPP: LibraryRules = {
  library: 'pvAccessCPP',
  source:
    'pvAccessCPP 7.1.8: clientContextImpl.cpp (configuration), in which the words EPICS_PVA_NAME_SERVERS do not occur',
  triedWith: 'a program of pvAccessCPP, as EPICS 7 has it',
  hasNameServers: false,
  lastRefusedPort: -1,
  waitsForRefused: false,
  takesListWithCommas: false,
  isBroadcasting: (auto) => !/^(?:no|false|0)$/i.test(auto),
};

const PVA_PY: LibraryRules = {
  ...PV_ACCESS_CPP,
  library: 'pvaPy',
  source: 'pvaPy 5.6.0, whose own pvAccessCPP reads EPICS_PVA_NAME_SERVERS',
  triedWith: 'pvaPy 5.6.0',
  hasNameServers: true,
};

/** A client, and by which library it finds PVs of each protocol. */
export interface Client extends Readonly<Partial<Record<PvProtocol, LibraryRules>>> {
  /** What it is called. */
  readonly title: string;
  /** Its settings over Channel Access are no variables: it reads EPICS_CA_* only if Java is told to. */
  readonly hasPreferences?: boolean;
}

/**
 * The clients that can be named. Many are no clients of a kind of their own: pyepics, aioca and MEDM
 * have libca; ophyd-async has aioca and p4p, PyDM has pyepics and p4p.
 */
export const CLIENTS = {
  caget: { title: 'caget', ca: LIBCA },
  camonitor: { title: 'camonitor', ca: LIBCA },
  pyepics: { title: 'pyepics', ca: LIBCA },
  aioca: { title: 'aioca', ca: LIBCA },
  caproto: { title: 'caproto', ca: CAPROTO },
  caj: { title: 'CAJ', ca: CAJ, hasPreferences: true },
  phoebus: { title: 'Phoebus', ca: CAJ, pva: CORE_PVA, hasPreferences: true },
  pvxget: { title: 'pvxget', pva: PVXS },
  p4p: { title: 'p4p', pva: PVXS },
  pvget: { title: 'pvget', pva: PV_ACCESS_CPP },
  pvapy: { title: 'pvaPy', pva: PVA_PY },
  'ophyd-async': { title: 'ophyd-async', ca: LIBCA, pva: PVXS },
  pydm: { title: 'PyDM', ca: LIBCA, pva: PVXS },
} as const satisfies Record<string, Client>;
/** A name of a client. */
export type ClientName = keyof typeof CLIENTS;
/** All of them, in this order. */
export const CLIENT_NAMES = Object.keys(CLIENTS) as ClientName[];

/** The rules where no client is named: those of the commonest library of each protocol. */
export const COMMON_RULES: Readonly<Record<PvProtocol, LibraryRules>> = { ca: LIBCA, pva: PVXS };

/** Clients that do not read the variable with the name servers of a protocol. */
export function clientsWithoutNameServers(protocol: PvProtocol): string[] {
  const all: Client[] = Object.values(CLIENTS);
  return all.flatMap((client) => {
    const rules = client[protocol];
    const isWithout = rules?.hasNameServers === false;
    const isToldElsewhere = protocol === 'ca' && rules && client.hasPreferences === true;
    return isWithout || isToldElsewhere ? [client.title] : [];
  });
}
