/** Clients that search over TCP, on a machine in memory. */
import type { Duplex } from 'node:stream';
import type { PvProtocol } from '../../src/model/snapshot';
import { CaClientCircuit } from '../../src/protocol/ca';
import { PvaClientConnection } from '../../src/protocol/pva';
import { caHandler } from '../../src/services/upstream/caHandler';
import type { CoreScene } from './coreScene';

/** The part of a client that searches, and where it was sent, by the ids of its questions. */
export class SearchingClient {
  /** `127.0.0.1:5064` */
  readonly found = new Map<number, string>();
  absentCount = 0;

  constructor(
    readonly stream: Duplex,
    readonly ask: (id: number, name: string) => void,
  ) {}
}

/** Connects to what listens there. */
export function openSearching(
  scene: CoreScene,
  protocol: PvProtocol,
  port: number,
  host = '127.0.0.1',
): Promise<SearchingClient> {
  return protocol === 'ca' ? openCa(scene, port, host) : openPva(scene, port, host);
}

async function openCa(scene: CoreScene, port: number, host: string): Promise<SearchingClient> {
  const stream = await scene.machine.dial({ host, port });
  const circuit = new CaClientCircuit(
    caHandler({
      searchFound: (cid, at, address) => void client.found.set(cid, `${ipv4Text(address)}:${at}`),
      searchNotFound: () => void client.absentCount++,
    }),
    { peer: 'it' },
  );
  const client = new SearchingClient(stream, (cid, name) => {
    circuit.search(cid, name);
    stream.write(circuit.takeOutput());
  });
  stream.on('data', (bytes: Buffer) => circuit.receive(bytes));
  stream.resume();
  circuit.handshake({ clientName: 'tester', hostName: 'testhost' });
  return client;
}

async function openPva(scene: CoreScene, port: number, host: string): Promise<SearchingClient> {
  const stream = await scene.machine.dial({ host, port });
  const connection = new PvaClientConnection({
    onSearchResponse({ isFound, ids, address, port: at }) {
      const text = [...address.slice(12)].join('.');
      for (const id of ids) if (isFound) client.found.set(id, `${text}:${at}`);
      if (!isFound) client.absentCount++;
    },
  });
  const client = new SearchingClient(stream, (id, name) => {
    connection.search([{ id, name }], { mustReply: true });
    stream.write(connection.takeOutput());
  });
  stream.on('data', (bytes: Buffer) => {
    connection.receive(bytes);
    stream.write(connection.takeOutput());
  });
  stream.resume();
  await scene.until(() => connection.isValidated, 'validated');
  return client;
}

const ipv4Text = (address: number): string =>
  [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
