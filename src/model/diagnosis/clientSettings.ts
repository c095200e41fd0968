/**
 * What is wrong with the settings of EPICS clients. For all of them: lists are separated by white
 * space, name servers are TCP, entries without a port take the default. What differs is in `clients`.
 */
import { type Endpoint, formatEndpoint, isLoopback, isSameEndpoint } from '../endpoint';
import { NAME_SERVER_PORTS } from '../nameServerPorts';
import type { EndpointQuery, TracedEndpoint } from '../coreApi';
import type { IocPlace } from '../iocPlace';
import type { PortOwner, Problem } from '../problem';
import type { PvProtocol } from '../pvProtocol';
import { type Client, clientsWithoutNameServers, COMMON_RULES, type LibraryRules } from './clients';
import type { Finding, SettingSource } from './finding';
import { meantVariable } from './misspelt';

/** A variable as it is set, and where. */
export interface Setting extends SettingSource {
  readonly name: string;
  /** As far as it is known. */
  readonly value: string;
  /** It depends on what is not known here, such as a variable of another program. */
  readonly isUnknown?: boolean;
  /** Of Phoebus, which is set in place of the variable. */
  readonly preference?: string;
}

/** The settings that are meant. */
export interface ClientSettings {
  readonly settings: readonly Setting[];
  /** Who has them; absent: any client. */
  readonly client?: Client;
  /** What is known already, such as what is wrong with the form of a file. */
  readonly findings?: readonly Finding[];
  /** The file of Phoebus' preferences, of which the settings are. */
  readonly phoebus?: {
    readonly file: string;
    /** The preferences for name servers. */
    readonly nameServers: Readonly<Record<PvProtocol, string>>;
  };
}

/** What was found out about this machine. */
export interface MachineFacts extends Partial<KnownPlaces> {
  /** What is at endpoints of settings; those that are not there were not traced. */
  readonly traces?: readonly TracedEndpoint[];
  /** The IOCs of the PVs that were asked about; absent: none was. */
  readonly asked?: readonly ServedBy[];
  /** Whether all of those listen on this machine itself, where clients find them without us. */
  readonly isAskedHere?: boolean;
  /** The protocols of those PVs; absent: both. */
  readonly protocols?: readonly PvProtocol[];
  /** Our name servers; absent: not open. */
  readonly nameServers: Readonly<Partial<Record<PvProtocol, Endpoint>>>;
  /** UDP ports at which we answer searches to 127.0.0.1, the usual one first; empty: at none. */
  readonly searchPorts: Readonly<Record<PvProtocol, readonly number[]>>;
  /** Why they are not, where we would. */
  readonly searchProblems?: Readonly<Partial<Record<PvProtocol, Problem>>>;
  /** Ports on which somebody takes datagrams; absent: not known. */
  readonly udpPorts?: ReadonlySet<number>;
  /** Whether there are PVs that only we make reachable here. */
  readonly isCarried: Readonly<Record<PvProtocol, boolean>>;
  /** Whether broadcasts of clients are answered. */
  readonly areBroadcastsAnswered: Readonly<Record<PvProtocol, boolean>>;
  /** How an endpoint of this machine answers, as `formatEndpoint` writes it; absent: not tried. */
  readonly answers: ReadonlyMap<string, 'listens' | 'refuses' | 'silent' | 'ends'>;
}

/** An IOC, and the protocol over which it serves. */
export interface ServedBy extends IocPlace {
  readonly protocol: PvProtocol;
}

/** What of the endpoints of this machine a snapshot tells. */
export interface KnownPlaces {
  /** Servers that are found here without us. */
  readonly servers: readonly (ServedBy & {
    /** Where connections reach them. */
    readonly at: readonly Endpoint[];
    /** Where our relay is. */
    readonly relay?: Endpoint;
    /** The number on which they listen themselves, and which they tell to clients. */
    readonly port: number;
    /** UDP ports of 127.0.0.1 at which they take searches themselves. */
    readonly searchedAt: readonly number[];
  })[];
  /** Published ports that lead nowhere, as `formatEndpoint` writes them. */
  readonly inVain: ReadonlyMap<string, { readonly container: string; readonly inside: string }>;
  /** The only gateway for a protocol, and where it is on this machine. */
  readonly gateways: Readonly<
    Partial<Record<PvProtocol, { readonly name: string; readonly at: Endpoint }>>
  >;
  /** IOCs of this machine's network that ignore what is sent from 127.0.0.1. */
  readonly ignoring: readonly {
    readonly protocol: PvProtocol;
    readonly ioc: string;
    readonly list: string;
    readonly addresses: string;
  }[];
}

/** Names of the variables of one protocol. */
interface Variables {
  readonly nameServers: string;
  readonly addressList: string;
  readonly autoAddressList: string;
  /** The port of servers for entries without one, TCP. */
  readonly serverPort: string;
  /** The UDP port on which clients search. */
  readonly searchPort: string;
  readonly defaultServerPort: number;
  readonly defaultSearchPort: number;
}

/** CA clients search on the server port, pvAccess clients on the broadcast port. */
export const CLIENT_VARIABLES: Readonly<Record<PvProtocol, Variables>> = {
  ca: {
    nameServers: 'EPICS_CA_NAME_SERVERS',
    addressList: 'EPICS_CA_ADDR_LIST',
    autoAddressList: 'EPICS_CA_AUTO_ADDR_LIST',
    serverPort: 'EPICS_CA_SERVER_PORT',
    searchPort: 'EPICS_CA_SERVER_PORT',
    defaultServerPort: 5064,
    defaultSearchPort: 5064,
  },
  pva: {
    nameServers: 'EPICS_PVA_NAME_SERVERS',
    addressList: 'EPICS_PVA_ADDR_LIST',
    autoAddressList: 'EPICS_PVA_AUTO_ADDR_LIST',
    serverPort: 'EPICS_PVA_SERVER_PORT',
    searchPort: 'EPICS_PVA_BROADCAST_PORT',
    defaultServerPort: 5075,
    defaultSearchPort: 5076,
  },
};

const PROTOCOLS: readonly PvProtocol[] = ['ca', 'pva'];
/** Host or address, and a port; an IPv6 address in brackets; core-pva has pvas:// for TLS. */
const ENTRY = /^(pvas?:\/\/)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::(\d{1,5}))?$/;
/** Of one list; a longer one is some mistake. */
const MAX_ENTRIES = 100;

/** The settings of one library. */
interface Examined extends Pick<ClientSettings, 'settings' | 'client' | 'phoebus'> {
  readonly protocol: PvProtocol;
  readonly rules: LibraryRules;
}

function examined(clients: ClientSettings): Examined[] {
  const { client = COMMON_RULES } = clients;
  // Nothing is said of a value that is not known.
  const settings = clients.settings.map((one) => (one.isUnknown ? { ...one, value: '' } : one));
  return PROTOCOLS.flatMap((protocol) => {
    const rules = client[protocol];
    return rules ? [{ ...clients, settings, protocol, rules }] : [];
  });
}

/** Loopback entries of name server lists, for `MachineFacts.answers`. */
export function entriesToTry(clients: ClientSettings): readonly Endpoint[] {
  return entriesToTrace(clients).map(({ endpoint }) => endpoint);
}

/** Loopback entries of name server lists, each once, for `MachineFacts.traces`. */
export function entriesToTrace(clients: ClientSettings): readonly EndpointQuery[] {
  const queries = examined(clients).flatMap((one) =>
    listOf(one, CLIENT_VARIABLES[one.protocol].nameServers).flatMap((entry) => {
      const endpoint = endpointOf(entry, one);
      const { protocol } = one;
      return endpoint && isLoopback(endpoint.host) ? [{ protocol, endpoint }] : [];
    }),
  );
  return [...new Map(queries.map((query) => [JSON.stringify(query), query])).values()];
}

function traceOf(
  { protocol }: Examined,
  endpoint: Endpoint,
  { traces = [] }: MachineFacts,
): TracedEndpoint | undefined {
  return traces.find((one) => one.protocol === protocol && isSameEndpoint(one.endpoint, endpoint));
}

/** The findings about the settings, the surest first. */
export function checkSettings(clients: ClientSettings, facts: MachineFacts): Finding[] {
  const { isCarried, nameServers, protocols } = facts;
  const libraries = examined(clients).filter(
    ({ protocol }) => protocols?.includes(protocol) ?? true,
  );
  const isExposed = nameServers.ca ?? nameServers.pva;
  if (!isExposed && facts.isAskedHere !== true && (isCarried.ca || isCarried.pva)) {
    const isFound = libraries.length > 0 && libraries.every((one) => isLedToAsked(one, facts));
    if (!isFound) return [{ code: 'not-exposed' }];
  }
  const each = libraries.map((one) => {
    const wrong = [
      ...checkLists(one, facts),
      ...checkSearchPort(one, facts),
      ...checkIgnored(one, facts),
    ];
    // What somebody set comes before what nobody set, of which it may be the reason.
    const unknown = unknownOf(one);
    const isClear = wrong.length === 0 && unknown.length === 0;
    const setUp = isClear ? checkSetUp(one, facts) : [];
    const missing = setUp.filter(({ isNote }) => isNote !== true);
    return {
      protocol: one.protocol,
      wrong,
      // Nobody reads it, which is the reason of what is missing, or harmless.
      missing: [...harmless(checkNames(one), missing.length === 0), ...missing],
      notes: [
        ...setUp.filter(({ isNote }) => isNote === true),
        ...(isClear ? checkOthers(one, facts) : unknown),
      ],
    };
  });
  const lacking = each.filter(({ missing }) => missing.some(({ isNote }) => isNote !== true));
  const ofFile = (clients.findings ?? []).filter(
    ({ code }) => code !== 'preferences-unknown' || protocols?.includes('ca') !== false,
  );
  return [
    ...ofFile.flatMap((finding) =>
      // A preference that is not read harms only where something is missing.
      harmless([finding], finding.code === 'preference-unknown' && lacking.length === 0),
    ),
    ...each.flatMap(({ wrong }) => wrong),
    ...each.flatMap(({ missing }) => missing),
    ...each.flatMap(({ notes }) => notes),
  ];
}

function harmless(findings: readonly Finding[], isHarmless: boolean): Finding[] {
  return findings.map((finding) => (isHarmless ? { ...finding, isNote: true } : finding));
}

/** Variables that no client reads, and that were probably meant for others. */
function checkNames(one: Examined): Finding[] {
  const names = variableNames(one.protocol);
  const prefix = `EPICS_${one.protocol.toUpperCase()}_`;
  return one.settings.flatMap((setting): Finding[] => {
    if (!setting.name.startsWith(prefix) || settingOf(one.settings, setting.name) !== setting)
      return [];
    const meant = meantVariable(setting.name, names);
    if (meant === undefined) return [];
    const { client: _, ...where } = placeOf(setting, one);
    return [{ code: 'variable-unknown', ...where, meant }];
  });
}

function variableNames(protocol: PvProtocol): string[] {
  const { nameServers, addressList, autoAddressList, serverPort, searchPort } =
    CLIENT_VARIABLES[protocol];
  return [...new Set([nameServers, addressList, autoAddressList, serverPort, searchPort])];
}

function unknownOf(one: Examined): Finding[] {
  return variableNames(one.protocol).flatMap((name): Finding[] => {
    const setting = settingOf(one.settings, name);
    if (setting?.isUnknown !== true) return [];
    return [{ code: 'setting-unknown', ...placeOf(setting, one), isNote: true }];
  });
}

/** What is wrong with the form of settings, whatever machine they are for. */
export function checkForm(settings: readonly Setting[]): Finding[] {
  return examined({ settings }).flatMap((one) => checkLists(one, NOTHING_KNOWN));
}

/**
 * What is wrong with settings that somebody may use, such as those of a file: as notes, because nobody
 * knows who uses them. Nothing is said of what they leave out.
 */
export function checkGiven(clients: ClientSettings, facts = NOTHING_KNOWN): Finding[] {
  const found = examined(clients).flatMap((one) => [
    ...checkLists(one, facts),
    ...checkSearchPort(one, facts),
    ...checkNames(one),
  ]);
  return [...(clients.findings ?? []), ...found].map((finding) => ({ ...finding, isNote: true }));
}

const NOTHING: MachineFacts['isCarried'] = { ca: false, pva: false };
const NOTHING_KNOWN: MachineFacts = {
  nameServers: {},
  searchPorts: { ca: [], pva: [] },
  areBroadcastsAnswered: NOTHING,
  isCarried: NOTHING,
  answers: new Map(),
};

function checkLists(one: Examined, facts: MachineFacts): Finding[] {
  const { protocol, rules, settings } = one;
  const { nameServers, addressList } = CLIENT_VARIABLES[protocol];
  return [...(rules.hasNameServers ? [nameServers] : []), addressList].flatMap((name) => {
    const setting = settingOf(settings, name);
    if (!setting || setting.value.trim() === '') return [];
    const where = placeOf(setting, one);
    const entries = listOf(one, name);
    if (entries.some((entry) => /[,;]/.test(entry))) {
      const taken = takenOf(entries, one);
      return [
        {
          code: 'list-separator',
          ...where,
          value: setting.value,
          ...meantByList(setting.value, protocol),
          ...(taken && { taken }),
        } as const,
      ];
    }
    return entries.flatMap((entry) => {
      const endpoint = endpointOf(entry, one);
      if (!endpoint) return [{ code: 'entry-no-address', ...where, entry } as const];
      const check = name === nameServers ? checkNameServer : checkAddress;
      return check(where, entry, endpoint, one, facts);
    });
  });
}

/** How a list is written, whose ports or entries follow a comma or a semicolon. */
function meantByList(
  value: string,
  protocol: PvProtocol,
): { readonly meant: string; readonly hasPortByComma: boolean } {
  // Of pvAccess a short number after a comma is how far multicasts go.
  const isPva = protocol === 'pva';
  const colons = value.replace(PORT_AFTER_MARK[protocol], ':');
  const entries = colons.split(isPva ? /[\s;]+|,(?!\d{1,3}(?:[\s@;]|$))/ : /[\s,;]+/);
  const meant = entries.filter(Boolean).join(' ');
  return { meant, hasPortByComma: colons !== value };
}

/** A comma or semicolon between a host without a port and a number, which alone is no address. */
const PORT_AFTER_MARK: Readonly<Record<PvProtocol, RegExp>> = {
  ca: /(?<=[\w.\]])(?<![:,;]\d{1,5})[,;](?=\d{1,5}(?:[\s,;]|$))/g,
  pva: /(?<=[\w.\]])(?<![:,;]\d{1,5})[,;](?=\d{4,5}(?:[\s,;]|$))/g,
};

/** What CAJ makes of an entry with a comma: what is before the first colon, at the default port. */
function takenOf(entries: readonly string[], one: Examined): Endpoint | undefined {
  const [, host] = /^([\w.-]+):/.exec(entries[0] ?? '') ?? [];
  return one.rules.takesListWithCommas && host !== undefined ? endpointOf(host, one) : undefined;
}

const HAS_PORT = /:\d+$/;

function checkNameServer(
  where: ReturnType<typeof placeOf>,
  entry: string,
  endpoint: Endpoint,
  one: Examined,
  facts: MachineFacts,
): Finding[] {
  const { protocol, rules, settings } = one;
  const { nameServers, answers, inVain, gateways } = facts;
  const { serverPort } = CLIENT_VARIABLES[protocol];
  if (!HAS_PORT.test(entry) && settingOf(settings, serverPort)?.isUnknown === true) return [];
  const answer = answers.get(formatEndpoint(endpoint));
  const [ours, gateway] = [nameServers[protocol], gateways?.[protocol]];
  const instead = { ...(ours && { ours }), ...(gateway && { gateway }) };
  const vain = inVain?.get(formatEndpoint(endpoint));
  if (vain) return [{ code: 'entry-in-vain', ...where, entry, ...vain, ...(ours && { ours }) }];
  if (answer === 'listens') {
    const other: PvProtocol = protocol === 'ca' ? 'pva' : 'ca';
    const theirs = nameServers[other];
    const isTheirs = theirs !== undefined && formatEndpoint(theirs) === formatEndpoint(endpoint);
    if (isTheirs) return [{ code: 'name-server-other-protocol', ...where, entry, protocol: other }];
    const { hasAnswered = true, owner } = traceOf(one, endpoint, facts) ?? {};
    if (hasAnswered) {
      const stray = strayOf(one, endpoint, facts);
      return stray ? [{ code: 'entry-other-port', ...where, entry, ...stray, ...instead }] : [];
    }
    const facing = { protocol, ...(owner && { owner }), ...(ours && { ours }) };
    return [{ code: 'entry-stranger', ...where, entry, ...facing }];
  }
  const { defaultSearchPort, defaultServerPort } = CLIENT_VARIABLES[protocol];
  const isSearchPort = endpoint.port === defaultSearchPort && endpoint.port !== defaultServerPort;
  if (isSearchPort && !isTls(entry)) {
    const ours = nameServers[protocol];
    return [
      { code: 'name-server-udp-port', ...where, entry, port: endpoint.port, ...(ours && { ours }) },
    ];
  }
  const isWaitedFor = rules.waitsForRefused;
  if (answer === 'refuses') {
    const isOurPlace =
      !ours && endpoint.host === '127.0.0.1' && NAME_SERVER_PORTS[protocol].includes(endpoint.port);
    // Who has ours already needs no second one.
    const better = pointsAtOurs(one, facts) ? { ...(gateway && { gateway }) } : instead;
    const found = { entry, isWaitedFor, ...better, ...(isOurPlace && { ourPlace: protocol }) };
    return [{ code: 'entry-refuses', ...where, ...found }];
  }
  if (answer === 'ends') return [{ code: 'entry-ends', ...where, entry, ...instead }];
  return answer === 'silent' ? [{ code: 'entry-silent', ...where, entry }] : [];
}

/** An address that is searched at a port of its own; one without is `checkSearchPort`'s. */
function checkAddress(
  where: ReturnType<typeof placeOf>,
  entry: string,
  { host, port }: Endpoint,
  one: Examined,
  facts: MachineFacts,
): Finding[] {
  if (!HAS_PORT.test(entry) || !isLoopback(host) || pointsAtOurs(one, facts)) return [];
  const failure = searchFailure(port, one, facts);
  if (!failure) return [];
  return [
    { code: 'search-entry', ...where, entry, port, searchPort: ourPort(one, facts), ...failure },
  ];
}

/** Only where clients search by UDP at all, and we know who would answer. */
function checkSearchPort(one: Examined, facts: MachineFacts): Finding[] {
  const { protocol, settings } = one;
  const { searchPort, defaultSearchPort } = CLIENT_VARIABLES[protocol];
  const setting = settingOf(settings, searchPort);
  const port = portOf(setting, one);
  if (!setting || port === undefined || port === defaultSearchPort) return [];
  if (pointsAtOurs(one, facts)) return [];
  const failure = searchFailure(port, one, facts);
  return failure
    ? [{ code: 'search-port', ...placeOf(setting, one), port, protocol, ...failure }]
    : [];
}

/** The protocol that is answered there in place of the other. */
interface SearchFailure {
  readonly answered?: { readonly protocol: PvProtocol; readonly wanted: PvProtocol };
}

/**
 * Why nobody answers searches to a UDP port of this machine. Undefined if somebody does, or may: another
 * program listens there, or it is not known who does.
 */
function searchFailure(
  port: number,
  { protocol: wanted }: Examined,
  { searchPorts, servers = [], udpPorts }: MachineFacts,
): SearchFailure | undefined {
  const isOfServer = (protocol: PvProtocol): boolean =>
    servers.some((one) => one.protocol === protocol && one.searchedAt.includes(port));
  if (searchPorts[wanted].includes(port) || isOfServer(wanted)) return undefined;
  const protocol: PvProtocol = wanted === 'ca' ? 'pva' : 'ca';
  if (searchPorts[protocol].includes(port)) return { answered: { protocol, wanted } };
  return udpPorts?.has(port) === false ? {} : undefined;
}

/** Where searches are answered, or usually are. */
function ourPort({ protocol }: Examined, { searchPorts }: MachineFacts): number {
  return searchPorts[protocol][0] ?? CLIENT_VARIABLES[protocol].defaultSearchPort;
}

/** Whether the IOC of this machine that gets searches to 127.0.0.1 ignores them. */
function checkIgnored(one: Examined, facts: MachineFacts): Finding[] {
  const { protocol, settings } = one;
  const { ignoring = [], nameServers, searchPorts } = facts;
  const { addressList, nameServers: variable } = CLIENT_VARIABLES[protocol];
  const setting = settingOf(settings, addressList);
  const ours = nameServers[protocol];
  if (searchPorts[protocol].length > 0 || !setting || pointsAt(one, ours)) return [];
  if (searchedHere(one).length === 0) return [];
  return ignoring
    .filter((ioc) => ioc.protocol === protocol)
    .map(({ ioc, list, addresses }) => ({
      ...{ code: 'searches-ignored', ...placeOf(setting, one), ioc, list, addresses },
      ...{ nameServers: variable, ...(ours && { ours }) },
    }));
}

/** Whether clients find what only we make reachable. */
function checkSetUp(one: Examined, facts: MachineFacts): Finding[] {
  const { protocol, rules, client, phoebus } = one;
  const ours = facts.nameServers[protocol];
  if (!ours || isSearched(one, facts) || pointsAtOurs(one, facts)) return [];
  if (facts.isAskedHere === true ? isHeardHere(one, facts) : !facts.isCarried[protocol]) return [];
  const led = checkLeads(one, facts);
  if (led) return led;
  const problem = facts.searchProblems?.[protocol];
  if (problem && isAt(problem, searchedHere(one))) return [{ code: 'problem', problem }];
  const unsure = checkUnsure(one, facts);
  if (unsure.length > 0) return unsure;
  const who = client && { client: client.title };
  if (!rules.hasNameServers) {
    const { addressList, nameServers } = CLIENT_VARIABLES[protocol];
    const unread = listOf(one, nameServers).length > 0;
    const isAnswered = facts.searchPorts[protocol].length > 0;
    const lists = { variable: addressList, ...(unread && { unread: nameServers }) };
    return [{ code: 'not-searched', protocol, ...who, ...lists, isAnswered }];
  }
  const place = phoebus && { file: phoebus.file, variable: phoebus.nameServers[protocol] };
  return [{ code: 'not-set-up', protocol, nameServer: ours, ...who, ...place }];
}

/** Whether the trouble with a port is that of one of these. */
function isAt(problem: Problem, searched: readonly { readonly port: number }[]): boolean {
  if (problem.code !== 'search-port-taken') return searched.length > 0;
  return searched.some(({ port }) => port === problem.endpoint.port);
}

/** Searches to a port, set by somebody, on which another program may answer: what it has is not known. */
function checkUnsure(one: Examined, facts: MachineFacts): Finding[] {
  const { addressList, defaultSearchPort } = CLIENT_VARIABLES[one.protocol];
  const setting = settingOf(one.settings, addressList);
  if (!setting) return [];
  return searchedHere(one)
    .filter(({ port }) => port !== defaultSearchPort && !searchFailure(port, one, facts))
    .map(({ entry, port }) => {
      const where = { ...placeOf(setting, one), entry, port };
      return { code: 'search-unsure', ...where, searchPort: ourPort(one, facts), isNote: true };
    });
}

/**
 * What clients find by name servers that are not ours: nothing is wrong if those, or searches, lead to
 * the IOCs of the PVs that were asked about. Undefined if there is no such name server.
 */
function checkLeads(one: Examined, facts: MachineFacts): Finding[] | undefined {
  if (isLedToAsked(one, facts)) return [];
  const { protocol, settings } = one;
  const setting = settingOf(settings, CLIENT_VARIABLES[protocol].nameServers);
  const leads = leadsOf(one, facts);
  if (!setting || leads.length === 0) return undefined;
  const ours = facts.nameServers[protocol];
  return leads.map((lead) => ({
    ...{ code: 'entry-leads-to', ...placeOf(setting, one), ...lead, ...(ours && { ours }) },
  }));
}

/** Whether clients find the PVs that were asked about, without us. */
function isLedToAsked(one: Examined, facts: MachineFacts): boolean {
  const asked = facts.asked?.filter(({ protocol }) => protocol === one.protocol);
  const found = [
    ...leadsOf(one, facts).map(({ ioc }) => ioc),
    ...serversOf(one, facts).filter(({ searchedAt }) =>
      searchedHere(one).some(({ port }) => searchedAt.includes(port)),
    ),
  ];
  return (
    found.length > 0 && asked?.every((ioc) => found.some((two) => isSameIoc(ioc, two))) === true
  );
}

/**
 * The IOC to which a name server leads if clients do not stay there: they go on to the port that a
 * server of pvAccess tells, which is its own (`-p 8075:5075`), and 127.0.0.1:5075 may be another's.
 */
function strayOf(
  one: Examined,
  endpoint: Endpoint,
  facts: MachineFacts,
): { readonly ioc: IocPlace; readonly goOnTo: Endpoint } | undefined {
  const server = one.protocol === 'pva' ? serverAt(one, endpoint, facts) : undefined;
  if (!server || server.port === endpoint.port) return undefined;
  const goOnTo = { host: endpoint.host, port: server.port };
  const places = [...server.at, ...(server.relay ? [server.relay] : [])];
  if (places.some((place) => isSameEndpoint(place, goOnTo))) return undefined;
  return { ioc: placeOfIoc(server), goOnTo };
}

/** The server to which a name server leads, as far as it is certain. */
function serverAt(
  one: Examined,
  endpoint: Endpoint,
  facts: MachineFacts,
): KnownPlaces['servers'][number] | undefined {
  const servers = serversOf(one, facts);
  const ioc = traceOf(one, endpoint, facts)?.ioc;
  const isThere = ({ at }: { readonly at: readonly Endpoint[] }): boolean =>
    at.some((place) => isSameEndpoint(place, endpoint));
  if (!ioc) return servers.find(isThere);
  // Of one with several servers it is not known which it is.
  const [server, another] = servers.filter((one) => isSameIoc(one, ioc));
  return another ? undefined : server;
}

/** The name servers of clients that are not ours, and to which IOC each leads. */
function leadsOf(
  one: Examined,
  facts: MachineFacts,
): { readonly entry: string; readonly ioc: IocPlace; readonly owner?: PortOwner }[] {
  if (!one.rules.hasNameServers) return [];
  return listOf(one, CLIENT_VARIABLES[one.protocol].nameServers).flatMap((entry) => {
    const endpoint = endpointOf(entry, one);
    if (!endpoint) return [];
    const trace = traceOf(one, endpoint, facts);
    const server = serverAt(one, endpoint, facts);
    const ioc = trace?.ioc ?? (server && placeOfIoc(server));
    if (strayOf(one, endpoint, facts)) return [];
    return ioc ? [{ entry, ioc, ...(trace?.owner && { owner: trace.owner }) }] : [];
  });
}

function serversOf({ protocol }: Examined, { servers = [] }: MachineFacts): KnownPlaces['servers'] {
  return servers.filter((server) => server.protocol === protocol);
}

function isSameIoc(a: IocPlace, b: IocPlace): boolean {
  return a.iocName === b.iocName && a.containerName === b.containerName;
}

function placeOfIoc({ iocName, containerName }: IocPlace): IocPlace {
  return { iocName, containerName };
}

/** Whether other clients than those that these settings are for find nothing with them. */
function checkOthers(one: Examined, facts: MachineFacts): Finding[] {
  const { protocol, client } = one;
  const isByNameServer = pointsAt(one, facts.nameServers[protocol]) && !isSearched(one, facts);
  if (client || !isByNameServer) return [];
  const { nameServers: variable } = CLIENT_VARIABLES[protocol];
  const clients = clientsWithoutNameServers(protocol);
  return [{ code: 'only-some-clients', variable, clients, isNote: true }];
}

/** Whether searches by UDP reach us. */
function isSearched(one: Examined, facts: MachineFacts): boolean {
  const { protocol, rules, settings } = one;
  const { addressList, autoAddressList } = CLIENT_VARIABLES[protocol];
  const entries = listOf(one, addressList);
  const auto = settingOf(settings, autoAddressList)?.value ?? '';
  const isBroadcasting = rules.isBroadcasting(auto, entries.length > 0);
  if (facts.areBroadcastsAnswered[protocol] && isBroadcasting) return true;
  return searchedHere(one).some(({ port }) => facts.searchPorts[protocol].includes(port));
}

/** Whether clients search at all. */
function looksAnywhere(one: Examined): boolean {
  const { nameServers, addressList, autoAddressList } = CLIENT_VARIABLES[one.protocol];
  const hasList = listOf(one, addressList).length > 0;
  const auto = settingOf(one.settings, autoAddressList)?.value ?? '';
  const hasServers = one.rules.hasNameServers && listOf(one, nameServers).length > 0;
  return hasList || hasServers || one.rules.isBroadcasting(auto, hasList);
}

/** From here on the system gives ports, to a CA server whose own is taken: it searches at another. */
const FIRST_GIVEN_PORT = 32_768;

/** Whether the IOCs on this machine itself that were asked about hear these clients search. */
function isHeardHere(one: Examined, facts: MachineFacts): boolean {
  // Where a server of pvAccess takes searches is not known.
  if (!looksAnywhere(one) || one.protocol !== 'ca') return looksAnywhere(one);
  const { addressList, nameServers, searchPort, defaultSearchPort } = CLIENT_VARIABLES.ca;
  const usual = portOf(settingOf(one.settings, searchPort), one) ?? defaultSearchPort;
  const entries = [...listOf(one, addressList), ...listOf(one, nameServers)];
  const named = entries.flatMap((entry) => endpointOf(entry, one)?.port ?? []);
  const isSearched = (port: number): boolean =>
    port >= FIRST_GIVEN_PORT || port === usual || named.includes(port);
  return serversOf(one, facts)
    .filter((server) => facts.asked?.some((ioc) => isSameIoc(ioc, server)))
    .every(({ searchedAt }) => searchedAt.length === 0 || searchedAt.some(isSearched));
}

/** Entries by which clients search by UDP at an address where we would answer, with their ports. */
function searchedHere(one: Examined): { readonly entry: string; readonly port: number }[] {
  const { addressList, searchPort, defaultSearchPort } = CLIENT_VARIABLES[one.protocol];
  const usual = portOf(settingOf(one.settings, searchPort), one) ?? defaultSearchPort;
  return listOf(one, addressList).flatMap((entry) => {
    const endpoint = endpointOf(entry, one);
    if (!endpoint || !SEARCHED.test(endpoint.host)) return [];
    return [{ entry, port: HAS_PORT.test(entry) ? endpoint.port : usual }];
  });
}

/** Where we take searches: not on all of the loopback network. */
const SEARCHED = /^(?:127\.0\.0\.1|127\.255\.255\.255)$/;

/** Whether clients look at our name server, or a relay that answers like it. */
function pointsAtOurs(one: Examined, facts: MachineFacts): boolean {
  if (pointsAt(one, facts.nameServers[one.protocol])) return true;
  if (!one.rules.hasNameServers) return false;
  return listOf(one, CLIENT_VARIABLES[one.protocol].nameServers).some((entry) => {
    const endpoint = endpointOf(entry, one);
    return endpoint !== undefined && traceOf(one, endpoint, facts)?.isOurs === true;
  });
}

function pointsAt(one: Examined, wanted: Endpoint | undefined): boolean {
  if (!wanted || !one.rules.hasNameServers) return false;
  return listOf(one, CLIENT_VARIABLES[one.protocol].nameServers).some((entry) => {
    const endpoint = endpointOf(entry, one);
    return endpoint !== undefined && isSameEndpoint(endpoint, wanted);
  });
}

/** The last one counts, as in a shell. */
export function settingOf(settings: readonly Setting[], name: string): Setting | undefined {
  return [...settings].reverse().find((setting) => setting.name === name);
}

/** Entries of a list, of those of pvAccess without what may follow: `,TTL` and `@INTERFACE`. */
function listOf({ settings, protocol }: Examined, name: string): string[] {
  const entries = (settingOf(settings, name)?.value ?? '')
    .split(/\s+/, MAX_ENTRIES)
    .filter((entry) => entry !== '');
  if (protocol === 'ca') return entries;
  return entries.map((entry) => entry.replace(/(?:,\d{1,3})?(?:@[\w.:-]+)?$/, ''));
}

function placeOf(
  { name, preference, file, line }: Setting,
  { client }: Examined,
): SettingSource & { readonly variable: string; readonly client?: string } {
  return {
    variable: preference ?? name,
    ...(client && { client: client.title }),
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line }),
  };
}

function endpointOf(entry: string, one: Examined): Endpoint | undefined {
  const [, , host = '', text] = ENTRY.exec(entry) ?? [];
  if (host === '') return undefined;
  const { serverPort, defaultServerPort } = CLIENT_VARIABLES[one.protocol];
  const fallback = isTls(entry)
    ? TLS_PORT
    : (portOf(settingOf(one.settings, serverPort), one) ?? defaultServerPort);
  const port = text === undefined ? fallback : Number(text);
  if (!(port >= 1 && port <= 65_535)) return undefined;
  // Clients look it up; to us, who look up no name that a file has, it is one address.
  return { host: host === 'localhost' ? '127.0.0.1' : host.replace(/^\[|\]$/g, ''), port };
}

/** Of pvAccess servers with TLS (core-pva, PVASettings.java). */
const TLS_PORT = 5076;

function isTls(entry: string): boolean {
  return entry.startsWith('pvas://');
}

/** The port that a variable sets; undefined where clients take their default instead. */
function portOf(setting: Setting | undefined, { rules }: Examined): number | undefined {
  const [digits] = /^\d{1,5}$/.exec(setting?.value.trim() ?? '') ?? [];
  if (digits === undefined) return undefined;
  const port = Number(digits);
  return port > rules.lastRefusedPort && port <= 65_535 ? port : undefined;
}
