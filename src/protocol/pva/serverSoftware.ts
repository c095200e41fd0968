/** The server libraries that we can tell apart. */
export type PvaServerImplementation =
  'pvxs' | 'pvAccessCPP' | 'core-pva' | 'pvAccessJava' | 'unknown';

/** What a server revealed about itself on the wire, see PvaClientConnection.observations. */
export interface PvaServerObservations {
  /** Version byte of its messages. */
  readonly version?: number;
  readonly receiveBufferBytes?: number;
  readonly registrySize?: number;
  /** Authentication methods, in the order offered. */
  readonly authNames?: readonly string[];
  readonly isLittleEndian?: boolean;
  /** Data of its SET_BYTE_ORDER. */
  readonly byteOrderHint?: number;
  readonly answersSearchOverTcp?: boolean;
  readonly sendsAccessRights?: boolean;
  /** Message of a refused CREATE_CHANNEL. */
  readonly refusal?: string;
  /** Answer to the `info` operation of channel `server`, see readServerInfo. */
  readonly info?: Readonly<Record<string, string>>;
}

/**
 * Recognises the server library by what it sent: 'unknown' rather than a guess. Its own statement
 * (`info`) counts most. Without it CONNECTION_VALIDATION decides, in which each known server
 * announces a different receive buffer: pvxs 0x10000 (serverconn.cpp), pvAccessCPP 16384 + 1024
 * (codec.cpp), core-pva 16384 by default (PVASettings EPICS_PVA_RECEIVE_BUFFER_SIZE). pvAccessJava
 * is recognised by its `info` alone.
 */
export function identifyPvaServer(seen: PvaServerObservations): PvaServerImplementation {
  if (seen.info !== undefined) return byInfo(seen.info);
  if (seen.registrySize !== 0x7fff) return 'unknown';
  if (seen.sendsAccessRights === true) return 'core-pva';
  if (seen.receiveBufferBytes === 17_408) {
    return seen.refusal === 'Refused to create Channel' ? 'unknown' : 'pvAccessCPP';
  }
  if (seen.authNames?.slice(0, 2).join() !== 'anonymous,ca') return 'unknown';
  if (seen.receiveBufferBytes === 0x10000) {
    const isRefusalOurs =
      seen.refusal === undefined || seen.refusal === 'Refused to create Channel';
    return isRefusalOurs ? 'pvxs' : 'unknown';
  }
  // pvAccessJava has the same buffer, but revision 1 (PVAConstants.java).
  const isCorePva = seen.receiveBufferBytes === 16_384 && (seen.version ?? 0) >= 2;
  return isCorePva ? 'core-pva' : 'unknown';
}

/** pvxs: "PVXS 1.5.3"; pvAccessCPP: five fields, version "7.1.8"; pvAccessJava: implLang java. */
function byInfo(info: Readonly<Record<string, string>>): PvaServerImplementation {
  if (info['implLang'] === 'java') return 'pvAccessJava';
  if (info['implLang'] !== 'cpp') return 'unknown';
  if (info['version']?.startsWith('PVXS ') === true) return 'pvxs';
  const isPvAccessCpp = ['process', 'startTime', 'host'].every((name) => info[name] !== undefined);
  return isPvAccessCpp ? 'pvAccessCPP' : 'unknown';
}
