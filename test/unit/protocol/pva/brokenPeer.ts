import { ntScalarType, PvaClientConnection } from '../../../../src/protocol/pva';
import { fromHex } from '../../../support/hex';

/** A frame of a little endian server. */
export function frame(command: number, payload: string, flags = 0x40): Uint8Array {
  const bytes = fromHex(payload);
  const size = bytes.length;
  const header = [0xca, 2, flags, command, size & 255, (size >> 8) & 255, (size >> 16) & 255, 0];
  return Uint8Array.of(...header, ...bytes);
}

const validation = frame(1, '00000100 ff7f 01 09616e6f6e796d6f7573');
export const validated = frame(9, 'ff');
export const created = frame(7, '00000000 01000000 ff');

/** A client with channel 0 created, a get (ioid 1) and a monitor (2) begun, an rpc (3) begun. */
export function makeClient(maxMessageBytes = 1 << 20): PvaClientConnection {
  const client = new PvaClientConnection({}, { maxMessageBytes });
  client.receive(validation);
  client.receive(validated);
  client.createChannel('pv');
  client.receive(created);
  client.get(0);
  client.monitor(0);
  client.rpc(0, { type: ntScalarType('int'), value: {} });
  client.takeOutput();
  return client;
}
