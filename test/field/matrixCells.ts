/**
 * Every client against every server of its protocol, in each way that a client can be told where to
 * search: what has to come of it with IOCs in containers and epics-expose, and why where it is nothing.
 */
import type { PvProtocol } from '../../src/model/snapshot';
import {
  caget,
  cajGet,
  caprotoGet,
  corePva473Get,
  corePvaGet,
  type EpicsEnvironment,
  type Get,
  nameServers,
  p4pGet,
  pvaPyGet,
  searchAddresses,
} from '../support/clients';
import type { IocKind } from '../support/lab/ioc';

export interface MatrixClient {
  readonly name: string;
  readonly protocol: PvProtocol;
  readonly get: Get;
}

export const CLIENTS: readonly MatrixClient[] = [
  { name: 'libca (aioca)', protocol: 'ca', get: caget },
  { name: 'CAJ (Phoebus)', protocol: 'ca', get: cajGet },
  { name: 'caproto', protocol: 'ca', get: caprotoGet },
  { name: 'PVXS (p4p)', protocol: 'pva', get: p4pGet },
  { name: 'core-pva (Phoebus)', protocol: 'pva', get: corePvaGet },
  { name: 'core-pva 4.7.3', protocol: 'pva', get: corePva473Get },
  { name: 'pvAccessCPP (pvaPy)', protocol: 'pva', get: pvaPyGet },
];

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

/** What the client is told, and nothing else. */
export interface Told {
  readonly name: string;
  readonly environment: EpicsEnvironment;
  /** What the command needs for it. */
  readonly options: readonly string[];
  /**
   * What one would publish for it without us. Where an engine has 5076/udp, the clients of PVXS and
   * core-pva do not even start, so it is left out where it is of no use.
   */
  readonly published: readonly string[];
}

export const TOLD: readonly Told[] = [
  {
    name: 'name servers',
    environment: nameServers({ ca: ['127.0.0.1:5064'], pva: ['127.0.0.1:5075'] }),
    options: ['--search', 'off'],
    published: TCP,
  },
  {
    name: 'address list',
    environment: searchAddresses({ ca: ['127.0.0.1'], pva: ['127.0.0.1'] }),
    options: [],
    published: TCP_AND_UDP,
  },
  {
    name: 'nothing',
    environment: {},
    options: ['--search', 'thishost'],
    published: TCP_AND_UDP,
  },
];

/** Why clients do not reach any server. All the others have to. */
const failures: readonly { client: string; told: string; why: string }[] = [
  {
    client: 'caproto',
    told: 'name servers',
    why: "caproto's client has no search by TCP: it does not read EPICS_CA_NAME_SERVERS.",
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
