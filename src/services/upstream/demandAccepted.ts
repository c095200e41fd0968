import { RemoteProtocolError } from '../../base/errors';
import { isSuccess, type PvaStatus } from '../../protocol/pva';

/** @throws RemoteProtocolError where a pvAccess server did not take our connection, which ends the circuit. */
export function demandAccepted(status: PvaStatus): void {
  if (isSuccess(status)) return;
  throw new RemoteProtocolError(`the server refused our connection: ${status.message}`);
}
