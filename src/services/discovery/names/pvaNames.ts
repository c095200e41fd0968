import { RemoteProtocolError } from '../../../base/errors';
import {
  type ChannelNames,
  isSuccess,
  PvaClientConnection,
  readChannelNames,
  SERVER_CHANNEL,
  serverChannelRequest,
} from '../../../protocol/pva';
import type { Connection } from '../../host/connection';
import { converse } from '../../upstream/converse';

/** Enough for 200,000 names of usual length, with room. */
const MAX_LIST_BYTES = 32 * 1024 * 1024;

/**
 * Lists the PVs of a server through its channel `server`, and closes the connection. Rejects when
 * it has no such list (core-pva just stays silent: the caller sets the deadline).
 */
export function listPvaNames(
  connection: Connection,
  identity: { readonly clientName: string; readonly hostName: string },
  signal: AbortSignal,
): Promise<ChannelNames> {
  return converse<ChannelNames>(connection, signal, (settle, fail) => {
    const refuse = (what: string, message: string): void =>
      fail(new RemoteProtocolError(`the server ${what}: ${message || 'without a reason'}`));
    const client = new PvaClientConnection(
      {
        onValidated(status) {
          if (isSuccess(status)) client.createChannel(SERVER_CHANNEL);
          else refuse('refused our connection', status.message);
        },
        onChannelCreated(cid, status) {
          if (isSuccess(status)) client.rpc(cid, serverChannelRequest('channels'));
          else refuse('has no list of its PVs', status.message);
        },
        onRpc(_ioid, status, result) {
          if (isSuccess(status)) settle(readChannelNames(result));
          else refuse('did not list its PVs', status.message);
        },
      },
      {
        identity: { user: identity.clientName, host: identity.hostName },
        maxMessageBytes: MAX_LIST_BYTES,
        keepsStringsEncoded: true,
      },
    );
    return client;
  });
}
