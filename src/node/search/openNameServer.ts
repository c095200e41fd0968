/**
 * A server without any PV, whose searches are answered as in a relay: circuits to it outlive those to
 * IOCs, so clients that search by it are told at once when an IOC is back.
 */
import { randomBytes } from 'node:crypto';
import { CaServerCircuit } from '../../protocol/ca';
import { PvaServerConnection } from '../../protocol/pva';
import type { PvProtocol } from '../../model/snapshot';
import type { Relay, SiftCircuit } from '../../services/connection';
import { duplexPair } from '../relay/duplexPair';
import { serveRole } from '../relay/serveRole';
import { openTcpRelay } from '../relay/tcpRelay';

/** Below those of servers, which IOCs in containers may want. */
const PORTS: Readonly<Record<PvProtocol, readonly number[]>> = {
  ca: [5063, 15_063, 25_063, 35_063],
  pva: [5074, 15_074, 25_074, 35_074],
};
const NOTHING = { find: () => undefined, names: () => [] };

/** On the first port that is free; undefined when none is. */
export async function openNameServer(
  protocol: PvProtocol,
  version: string,
  sift: SiftCircuit,
): Promise<Relay | undefined> {
  const guid = randomBytes(12).toString('hex');
  for (const port of PORTS[protocol]) {
    const result = await openTcpRelay(
      { host: '127.0.0.1', port },
      () => {
        const [client, server] = duplexPair();
        client.pause();
        client.on('error', () => undefined);
        serveRole(server, (onOutput) =>
          protocol === 'ca'
            ? new CaServerCircuit(NOTHING, { peer: 'client', port, onOutput })
            : new PvaServerConnection(NOTHING, { guid, tcpPort: port, version, onOutput }),
        );
        return Promise.resolve({ stream: client, usesOnread: false });
      },
      { sift },
    );
    if (result.kind === 'listening') return result.relay;
  }
  return undefined;
}
