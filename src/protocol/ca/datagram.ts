import { RemoteProtocolError } from '../../base/errors';
import { FrameReader } from './frameReader';
import type { CaFrame } from './message';

/**
 * Cuts a UDP datagram into its messages, which are whole and follow one another; pass them to
 * decodeClientMessage or decodeServerMessage. Payloads are parts of the datagram.
 * @throws RemoteProtocolError when the datagram does not end where its last message does
 */
export function decodeDatagram(datagram: Uint8Array, peer: string): CaFrame[] {
  const reader = new FrameReader(peer, () => datagram.length);
  reader.push(datagram);
  const frames: CaFrame[] = [];
  let usedBytes = 0;
  while (reader.next()) {
    const { command, dataType, count, parameter1, parameter2, payload } = reader;
    if (reader.isOversize) break;
    frames.push({ command, dataType, count, parameter1, parameter2, payload });
    usedBytes += reader.frameBytes;
  }
  if (usedBytes !== datagram.length) {
    throw new RemoteProtocolError(`${peer} sent a datagram with a cut message`);
  }
  return frames;
}
