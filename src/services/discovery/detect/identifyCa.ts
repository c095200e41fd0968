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
  const onEcho = (): void => {
    const { isVersionUnprompted, isVersionNumbered } = circuit.observations;
    if (isAskedAgain || isVersionUnprompted !== undefined || isVersionNumbered === true) tell();
    else {
      // A server that was busy when we spoke looks like one that speaks second.
      isAskedAgain = true;
      circuit.versionAgain();
      connection.write(circuit.takeOutput());
      tellLate();
    }
  };
  const tellLate = (): void => {
    store.add(clock.after(clock.stretch(ECHO_WAIT_MS), tell));
  };
  let isWaiting = false;
  let isAskedAgain = false;
  const circuit = new CaClientCircuit(
    caHandler({
      version() {
        if (!isWaiting) tellLate();
        isWaiting = true;
      },
      echo: onEcho,
    }),
    { peer: 'the server' },
  );
  return {
    begin() {
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
