import type { Clock } from '../../../base/clock';
import { DisposableStore } from '../../../base/disposable';
import { identifyPvaServer, isSuccess, PvaClientConnection } from '../../../protocol/pva';
import type { Connection } from '../../host/connection';
import type { Identification, ServerIdentity } from './serverIdentity';

/**
 * pvxs sends its GUID in answer to a search for nothing. Other servers do not answer, so do not
 * wait long.
 */
const GUID_WAIT_MS = 300;

/** Recognises a pvAccess server: it validates us, and sends its GUID if it does so over TCP. */
export function identifyPva(
  connection: Connection,
  clock: Clock,
  settle: (identity: ServerIdentity | undefined) => void,
): Identification {
  const store = new DisposableStore();
  const tell = (guid?: string): void => {
    const implementation = identifyPvaServer(client.observations);
    settle({ protocol: 'pva', implementation, ...(guid !== undefined && { guid }) });
  };
  const client = new PvaClientConnection({
    onValidated(status) {
      if (!isSuccess(status)) {
        tell();
        return;
      }
      client.search([], { mustReply: true, isDirect: true });
      store.add(clock.after(GUID_WAIT_MS, () => tell()));
    },
    onSearchResponse: ({ guid }) => tell(guid),
  });
  return {
    // The server speaks first; everything that we send is an answer.
    begin: () => undefined,
    receive(chunk) {
      client.receive(chunk);
      const output = client.takeOutput();
      if (output.byteLength > 0 && !store.isDisposed) connection.write(output);
    },
    dispose: () => store.dispose(),
  };
}
