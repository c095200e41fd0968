import { ContainerError } from '../../base/errors';
import { MAX_NAME_BYTES } from '../../model/pvTable';
import type { PvProtocol } from '../../model/snapshot';
import { encodeUtf8 } from '../../protocol/bytes';

/**
 * The longest name, in bytes, that a server survives being asked for: it ends the circuit of whoever
 * asks for a longer one. Each was measured on the program itself (docs/protocol-ca.md, docs/protocol-pva.md). Others
 * refuse a longer name like any that they do not have, and some have one.
 */
const LIMITS: Readonly<Record<string, number>> = {
  pvAccessCPP: 500,
  // Not measured; PVAConstants.MAX_CHANNEL_NAME_LENGTH of its source.
  pvAccessJava: 500,
  caj: 500,
  // It counts the padding of the message, too: 504 bytes less one are more than 500.
  pcas: 495,
};

/** What every server survives. */
const SAFE: Readonly<Record<PvProtocol, number>> = { ca: 495, pva: 500 };

/**
 * The longest name, in bytes, to ask a server for. `software`: what it was recognised as, 'unknown'
 * if only trying will tell; undefined if nothing is to be risked.
 */
export function longestName(protocol: PvProtocol, software: string | undefined): number {
  if (software === undefined) return SAFE[protocol];
  return LIMITS[software] ?? MAX_NAME_BYTES;
}

/** Whether a name has at most that many bytes, and one at least. */
export function fitsName(name: string, maxBytes: number): boolean {
  if (name === '' || name.length > maxBytes) return false;
  // No character takes more than three bytes for each of its UTF-16 units.
  return name.length * 3 <= maxBytes || encodeUtf8(name).length <= maxBytes;
}

/**
 * Checks a name before a channel is requested.
 * @throws ContainerError, a sentence for the user, if the server must not be asked for it
 */
export function requireName(name: string, maxBytes: number, software: string | undefined): void {
  if (fitsName(name, maxBytes)) return;
  if (name === '') throw new ContainerError('a PV has a name');
  throw new ContainerError(tooLongText(software, maxBytes));
}

/** Why a name is not asked for. */
function tooLongText(software: string | undefined, maxBytes: number): string {
  const known = software !== undefined && LIMITS[software] !== undefined;
  const who = known ? `${software} accepts` : 'is asked for';
  return `its name is longer than ${who} (${maxBytes} bytes)`;
}
