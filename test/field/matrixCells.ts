/**
 * Every client against every server of its protocol, in each way that a client is told where to search:
 * what has to come of it with IOCs in containers and epics-expose, and why where it is nothing. Clients
 * get what people's clients get, and nothing else.
 */
import { preferenceOf } from '../../src/model/diagnosis/phoebusSettings';
import { phoebusPreferences } from '../../src/model/phoebusStart';
import { terminalEnvironment } from '../../src/present/terminalEnvironment';
import type { PvProtocol } from '../../src/model/snapshot';
import {
  caget,
  caprotoGet,
  type EpicsEnvironment,
  type Get,
  likePhoebus,
  nameServers,
  p4pGet,
  pvaPyGet,
  pvGet,
  searchAddresses,
} from '../support/clients';
import type { Exposed } from '../support/exposed';
import type { IocKind } from '../support/lab/ioc';

export interface MatrixClient {
  readonly name: string;
  readonly protocol: PvProtocol;
  /** With its variables; of Phoebus also with the file of preferences that it is started with. */
  readonly get: (preferences: string) => Get;
  readonly isPhoebus?: boolean;
}

export const CLIENTS: readonly MatrixClient[] = [
  { name: 'libca (aioca)', protocol: 'ca', get: () => caget },
  phoebus('CAJ (Phoebus)', 'ca'),
  { name: 'caproto', protocol: 'ca', get: () => caprotoGet },
  { name: 'PVXS (p4p)', protocol: 'pva', get: () => p4pGet },
  phoebus('core-pva (Phoebus)', 'pva'),
  phoebus('core-pva 4.7.3', 'pva', 'core-pva-4.7.3'),
  { name: 'pvAccessCPP (pvaPy)', protocol: 'pva', get: () => pvaPyGet },
  { name: 'pvAccessCPP (pvget)', protocol: 'pva', get: () => pvGet },
];

/** Started as phoebus.sh starts it, with no option of ours. */
function phoebus(
  name: string,
  protocol: PvProtocol,
  release?: Parameters<typeof likePhoebus>[1],
): MatrixClient {
  const get = (preferences: string): Get => likePhoebus(preferences, release)[protocol];
  return { name, protocol, get, isPhoebus: true };
}

export interface MatrixServer {
  readonly name: string;
  readonly ioc: IocKind;
  readonly prefix: string;
  readonly protocols: readonly PvProtocol[];
}

/** The first has the usual ports on 127.0.0.1; the others have what is left. */
export const SERVERS: readonly MatrixServer[] = [
  { name: 'rsrv, QSRV 2', ioc: 'softIocPvx', prefix: 'QSRVB:', protocols: ['ca', 'pva'] },
  { name: 'rsrv, QSRV 1', ioc: 'softIocPva', prefix: 'QSRVA:', protocols: ['ca', 'pva'] },
  { name: 'caproto', ioc: 'caproto', prefix: 'CAPROTO:', protocols: ['ca'] },
  { name: 'p4p', ioc: 'p4p', prefix: 'P4P:', protocols: ['pva'] },
  { name: 'core-pva', ioc: 'corePva', prefix: 'COREPVA:', protocols: ['pva'] },
  { name: 'pvagw', ioc: 'pvagw', prefix: 'GATEWAY:', protocols: ['pva'] },
];

const TCP = ['5064/tcp', '5075/tcp'];
const TCP_AND_UDP = [...TCP, '5064/udp', '5076/udp'];

/** What a client is started with. */
export interface Start {
  readonly environment: EpicsEnvironment;
  /** Of Phoebus: the lines of the file. */
  readonly preferences?: string;
}

/** What the client is told, and nothing else. */
export interface Told {
  readonly name: string;
  /** What clients get while this command exposes the servers; undefined: while nobody does. */
  readonly start: (exposed: Exposed | undefined, isPhoebus: boolean) => Start;
  /** What the command needs for it. */
  readonly options: readonly string[];
  /**
   * What one would publish for it without us; nothing where we tell of ourselves. Where an engine has 5076/udp, the clients of PVXS and
   * core-pva do not even start, so it is left out where it is of no use.
   */
  readonly published: readonly string[];
}

export const TOLD: readonly Told[] = [
  {
    name: '`env`',
    start: (exposed) => {
      const environment = exposed?.printedEnvironment ?? {};
      return { environment, preferences: phoebusPreferences(environment, '') };
    },
    options: [],
    published: [],
  },
  {
    name: 'VS Code',
    start: (exposed) => ({ environment: exposed ? ofTerminal(exposed) : {} }),
    options: [],
    published: [],
  },
  {
    name: 'name servers',
    start: (_, isPhoebus) =>
      given(nameServers({ ca: ['127.0.0.1:5064'], pva: ['127.0.0.1:5075'] }), isPhoebus),
    options: ['--search', 'off'],
    published: TCP,
  },
  {
    name: 'address list',
    start: (_, isPhoebus) =>
      given(searchAddresses({ ca: ['127.0.0.1'], pva: ['127.0.0.1'] }), isPhoebus),
    options: [],
    published: TCP_AND_UDP,
  },
  {
    name: 'nothing',
    start: () => ({ environment: {} }),
    options: ['--search', 'thishost'],
    published: TCP_AND_UDP,
  },
];

/** New terminals of a window: VS Code puts our lists before what is there. */
function ofTerminal({ model }: Exposed): EpicsEnvironment {
  const variables = Object.entries(terminalEnvironment('auto', 'here', model, undefined));
  return Object.fromEntries(variables.map(([name, list]) => [name, `${list} `]));
}

/** What a person has set: as variables, or for Phoebus as its preferences. */
export function given(environment: EpicsEnvironment, isPhoebus: boolean): Start {
  if (!isPhoebus) return { environment };
  const lines = Object.entries(environment).flatMap(([variable, value]) => {
    const isSwitch = variable === 'EPICS_CA_AUTO_ADDR_LIST';
    return value === '' ? [] : [`${preferenceOf(variable)}=${isSwitch ? value !== 'NO' : value}`];
  });
  return { environment: {}, preferences: lines.join('\n') };
}

const NO_TCP = {
  caproto:
    'caproto has no search by TCP: it does not read `EPICS_CA_NAME_SERVERS`. `env --client caproto` prints what it needs.',
  pvget: 'pvget has no search by TCP: it does not read `EPICS_PVA_NAME_SERVERS`.',
};

/** Why clients do not reach any server. All the others have to. */
const failures: readonly { client: string; told: string; why: string }[] = [
  ...['`env`', 'VS Code', 'name servers'].map((told) => ({
    ...{ client: 'caproto', told, why: NO_TCP.caproto },
  })),
  { client: 'pvAccessCPP (pvget)', told: 'name servers', why: NO_TCP.pvget },
  {
    client: 'CAJ (Phoebus)',
    told: 'VS Code',
    why: 'Over Channel Access, Phoebus reads preferences and no variables. Start Phoebus and `epics-expose phoebus` tell it so.',
  },
];

/** Undefined where it has to work. */
export function failureOf(client: MatrixClient, told: Told): string | undefined {
  return failures.find((failure) => failure.client === client.name && failure.told === told.name)
    ?.why;
}

export function serversFor({ protocol }: MatrixClient): MatrixServer[] {
  return SERVERS.filter(({ protocols }) => protocols.includes(protocol));
}

export const pvOf = ({ prefix }: MatrixServer): string => `${prefix}TEMPERATURE`;
