/** pvAccess without input or output: client and server side of a circuit, types, values, names. */
export { type PvaStatus, isSuccess } from './basics';
export { BitSet } from './bitSet';
export { isChannelName, PvaClientConnection, type PvaClientOptions } from './clientConnection';
export type { PvaClientHandler } from './clientHandler';
export { PVA_ECHO_INTERVAL_MS } from './constants';
export {
  identifyPvaServer,
  type PvaServerImplementation,
  type PvaServerObservations,
} from './serverSoftware';
export type { MonitorOptions } from './operation';
export { type PvRequest, pvRequest, REQUEST_ALL } from './pvRequest';
export type { SearchedName, SearchRequest, SearchResponse } from './search';
export {
  type PvaFound,
  type PvaSearch,
  passOnSearch,
  readPvaSearches,
  writePvaFound,
} from './searchDatagram';
export { PvaRelayInterceptor } from './relayInterceptor';
export {
  type ChannelNames,
  readChannelNames,
  readServerInfo,
  SERVER_CHANNEL,
  serverChannelRequest,
} from './serverChannel';
export * from './types';
export type {
  PvaAnyValue,
  PvaNumberArray,
  PvaStructureValue,
  PvaUnionValue,
  PvaValue,
} from './values';
export { asStructure, valueAt } from './values';
export { NT_ENUM_TYPE, ntScalarArrayType, ntScalarType } from './normativeTypes';
export { type PvReading, readPv } from './pvReading';
export { type PvaProvider, type PvaServedPv, StoredPv } from './servedPv';
export { PvaServerConnection, type PvaServerOptions } from './serverConnection';
