/**
 * Channel Access, sans I/O. This room knows bytes and the state of a conversation; it must not know
 * sockets, timers, or pvAccess.
 */
export * from './constants';
export { Eca, ecaName } from './eca';
export {
  dbrLayout,
  dbrName,
  dbrSizeBytes,
  dbrType,
  wrapDbrType,
  DBR_STRING,
  DBR_SHORT,
  DBR_FLOAT,
  DBR_ENUM,
  DBR_CHAR,
  DBR_LONG,
  DBR_DOUBLE,
  DBR_STSACK_STRING,
  DBR_CLASS_NAME,
  type DbrLayout,
  type ElementType,
  type Wrapping,
} from './dbrTypes';
export { CaClientCircuit, searchReplyHost } from './clientCircuit';
export type { CaClientHandler, CaClientOptions, CaHandshake } from './clientHandler';
export {
  decodeDbr,
  encodeDbr,
  EPICS_EPOCH_SECONDS,
  type CaAlarm,
  type CaAlarmLimits,
  type CaLimits,
  type CaTimeStamp,
  type DbrData,
  type DbrValue,
} from './dbrData';
export type { CaClientMessage, CaFrame, CaServerMessage } from './message';
export { decodeClientMessage, decodeServerMessage } from './decodeMessage';
export { encodeClientMessage, encodeServerMessage, type CaClientRequest } from './encodeMessage';
export type { CaRequestHeader } from './errorPayload';
export { FrameReader } from './frameReader';
export { FrameWriter } from './frameWriter';
export { convertDbr } from './convertDbr';
export {
  CaServerCircuit,
  type CaPvProvider,
  type CaServedPv,
  type CaServerOptions,
} from './serverCircuit';
export {
  identifyCaServer,
  type CaImplementation,
  type CaServerObservations,
} from './serverSoftware';
export { writeCaBeacon } from './beacon';
export { decodeDatagram } from './datagram';
export { CaRelayInterceptor, type CaQuestion } from './relayInterceptor';
export {
  type CaFound,
  type CaSearchDatagram,
  readCaSearches,
  writeCaFound,
} from './searchDatagram';
export { decodeText } from './text';
