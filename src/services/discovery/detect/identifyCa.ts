import type { Clock } from '../../../base/clock';
import { DisposableStore } from '../../../base/disposable';
import { CaClientCircuit, identifyCaServer } from '../../../protocol/ca';
import type { Connection } from '../../host/connection';
import { caHandler } from '../../upstream/caHandler';
import type { Identification, ServerIdentity } from './serverIdentity';

/** All servers since CA 4.3 answer ECHO; one that only sends its version is a CA server as well. */
const ECHO_WAIT_MS = 500;

/** Recognises a Channel Access server: it answers VERSION and ECHO. */
export function identifyCa(
  connection: Connection,
  clock: Clock,
  settle: (identity: ServerIdentity | undefined) => void,
): Identification {
  const store = new DisposableStore();
  const tell = (): void => {
    const observations = circuit.observations;
    const implementation = identifyCaServer(observations);
    settle({ protocol: 'ca', implementation, caObservations: observations });
  };
  let isWaiting = false;
  const circuit = new CaClientCircuit(
    caHandler({
      version() {
        if (!isWaiting) store.add(clock.after(clock.stretch(ECHO_WAIT_MS), tell));
        isWaiting = true;
      },
      echo: tell,
    }),
    { peer: 'the server' },
  );
  return {
    begin({ wasSilent }) {
      if (wasSilent) circuit.noteSilence();
      circuit.handshake({ clientName: 'epics-expose', hostName: 'localhost' });
      circuit.echoMirror();
      connection.write(circuit.takeOutput());
    },
    receive: (chunk) => circuit.receive(chunk),
    dispose() {
      circuit.close();
      store.dispose();
    },
  };
}
