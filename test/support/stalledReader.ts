/** A CA client that stops reading in the middle of an answer: what it gets then is in our hands. */
import { connect } from 'node:net';
import { CaClientCircuit } from '../../src/protocol/ca';
import { caHandler } from '../../src/services/upstream/caHandler';
import type { Endpoint } from '../../src/model/endpoint';

const DBR_DOUBLE = 6;
const FIRST_PIECE_BYTES = 100_000;

export interface StalledReader {
  /** Reads on to the end of the connection: how much came in all, and how it ended. */
  drain(): Promise<{ receivedBytes: number; error: Error | undefined }>;
}

/** Resolves when the answer has begun and was left half read. */
export function readStalled(
  endpoint: Endpoint,
  name: string,
  count: number,
): Promise<StalledReader> {
  return new Promise((resolve, reject) => {
    const socket = connect(endpoint);
    let receivedBytes = 0;
    let error: Error | undefined;
    let isAnswering = false;
    const circuit: CaClientCircuit = new CaClientCircuit(
      caHandler({
        channelCreated(cid) {
          circuit.readNotify(0, cid, DBR_DOUBLE, count);
          isAnswering = true;
        },
      }),
      { peer: `${endpoint.host}:${endpoint.port}` },
    );
    const flush = (): void => {
      if (circuit.outputBytes > 0) socket.write(circuit.takeOutput());
    };
    const ended = new Promise<void>((done) => socket.once('close', () => done()));
    socket.on('error', (reason) => {
      error = reason;
      reject(reason);
    });
    socket.on('data', (bytes) => {
      receivedBytes += bytes.length;
      if (!isAnswering) {
        circuit.receive(bytes);
        flush();
      } else if (receivedBytes > FIRST_PIECE_BYTES && !socket.isPaused()) {
        socket.pause();
        resolve({
          async drain() {
            socket.removeAllListeners('data').on('data', (more) => (receivedBytes += more.length));
            socket.resume();
            await ended;
            return { receivedBytes, error };
          },
        });
      }
    });
    circuit.handshake({ clientName: 'test', hostName: 'localhost' });
    circuit.createChannel(0, name);
    flush();
  });
}
