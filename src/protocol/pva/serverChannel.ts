/**
 * The channel `server`, whose RPC lists channels and describes the server. QSRV1, QSRV2, p4p and
 * every other pvxs and pvAccessCPP server have it (pvxs serversource.cpp, pvAccessCPP
 * responseHandlers.cpp). core-pva has none and does not answer CREATE_CHANNEL for it: set a
 * deadline.
 */
import { RemoteProtocolError } from '../../base/errors';
import { EncodedStrings } from './encodedStrings';
import { structureType } from './types';
import { asStructure, type PvaAnyValue, type PvaStructureValue, valueAt } from './values';

/** The name of that channel. */
export const SERVER_CHANNEL = 'server';

/** `channels` lists the names, `info` describes the server. */
export type ServerChannelOp = 'channels' | 'info';

const QUERY = structureType('', { op: 'string' });
const NTURI = structureType('epics:nt/NTURI:1.0', {
  scheme: 'string',
  path: 'string',
  query: QUERY,
});

/** The argument of the RPC on `server`, an NTURI as pvlist and pvxlist send it. */
export function serverChannelRequest(op: ServerChannelOp): PvaAnyValue {
  return { type: NTURI, value: { scheme: 'pva', path: SERVER_CHANNEL, query: { op } } };
}

/** The operation that a client requests of our own `server` channel; undefined if it names none. */
export function readServerChannelRequest(argument: PvaAnyValue | undefined): string | undefined {
  const op = valueAt(argument?.value, 'query.op') ?? valueAt(argument?.value, 'op');
  return typeof op === 'string' ? op : undefined;
}

/** Channel names, created or still encoded; either may be iterated once. */
export type ChannelNames = Iterable<string> & { readonly length: number };

/** The names in the answer to `channels`. Throws RemoteProtocolError if it has no string array. */
export function readChannelNames(result: PvaAnyValue | undefined): ChannelNames {
  const names = valueAt(result?.value, 'value');
  if (names instanceof EncodedStrings) return names;
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw new RemoteProtocolError('pvAccess server: its list of channels is no array of strings');
  }
  return names;
}

/**
 * The answer to `info`: implLang and version from all servers; process, startTime and host from
 * pvAccessCPP. Fields that are not text are left out.
 */
export function readServerInfo(result: PvaAnyValue | undefined): Readonly<Record<string, string>> {
  const structure: PvaStructureValue = asStructure(result?.value) ?? {};
  return Object.fromEntries(
    Object.entries(structure).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
}
