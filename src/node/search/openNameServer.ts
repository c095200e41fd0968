import { randomBytes } from 'node:crypto';
import { CaServerCircuit } from '../../protocol/ca';
import { PvaServerConnection } from '../../protocol/pva';
import type { PvProtocol } from '../../model/snapshot';
import type { Relay, InterceptCircuit } from '../../services/host/connection';
import { duplexPair } from '../relay/duplexPair';
import { attachServer } from '../relay/attachServer';
import { openTcpRelay } from '../relay/tcpRelay';

/**
 * More names than any client asks for at once. A longer message is no search, and ends the circuit.
 */
const MAX_MESSAGE_BYTES = 128 * 1024;

const NOTHING = { find: () => undefined, names: () => [] };

/**
 * Opens a name server on a port of 127.0.0.1: a server without any PV, whose searches are answered
 * as in a relay. Circuits to it outlive those to IOCs, so clients that search through it learn at
 * once when an IOC is back. Undefined when the port is taken.
 */
export async function openNameServer(
  protocol: PvProtocol,
  port: number,
  version: string,
  intercept: InterceptCircuit,
): Promise<Relay | undefined> {
  const guid = randomBytes(12).toString('hex');
  const result = await openTcpRelay(
    { host: '127.0.0.1', port },
    () => {
      const [client, server] = duplexPair();
      client.pause();
      client.on('error', () => undefined);
      attachServer(server, (onOutput) =>
        protocol === 'ca'
          ? new CaServerCircuit(NOTHING, { peer: 'client', port, onOutput })
          : new PvaServerConnection(NOTHING, {
              ...{ guid, tcpPort: port, version, onOutput },
              maxMessageBytes: MAX_MESSAGE_BYTES,
            }),
      );
      return Promise.resolve({ stream: client, usesOnread: false });
    },
    { intercept },
  );
  return result.kind === 'listening' ? result.relay : undefined;
}
