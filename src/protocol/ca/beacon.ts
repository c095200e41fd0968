import { ipv4Number } from '../ipv4';
import { CA_MINOR_PROTOCOL_REVISION, CA_PROTO_RSRV_IS_UP } from './constants';
import { FrameWriter } from './frameWriter';

/**
 * The datagram by which a server announces itself to the CA repeater (rsrv, `online_notify.c`). 16
 * bytes: RSRV_IS_UP with the minor revision, the port, the beacon's number (32 bits) and the
 * address, which rsrv leaves 0 for "the sender's".
 */
export function writeCaBeacon(
  { host, port }: { readonly host: string; readonly port: number },
  id: number,
): Uint8Array {
  const writer = new FrameWriter();
  const minor = CA_MINOR_PROTOCOL_REVISION;
  writer.message(CA_PROTO_RSRV_IS_UP, minor, port, id >>> 0, ipv4Number(host));
  return writer.take();
}
