/** Joins the server roles of both protocols with a stream. */
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { type CaPvProvider, CaServerCircuit } from '../protocol/ca';
import { type PvaProvider, PvaServerConnection } from '../protocol/pva';
import { CA_SERVER_PORT, PVA_SERVER_PORT } from '../services/detect/candidates';
import { createDemoCa } from './demoCa';
import type { DemoValues } from './demoPvs';
import { createDemoPva } from './demoPva';
import { version } from '../../package.json';

interface ServerRole {
  receive(chunk: Uint8Array): void;
  takeOutput(): Uint8Array;
  dispose(): void;
}

/** The demo's servers; each connection gets its own circuit on the same PVs. */
export class DemoServers {
  readonly #ca: CaPvProvider;
  readonly #pva: PvaProvider;
  readonly #guid = randomBytes(12).toString('hex');

  constructor(values: DemoValues) {
    this.#ca = createDemoCa(values);
    this.#pva = createDemoPva(values);
  }

  /** Serves whichever protocol belongs to the port; false when none does. */
  serve(port: number, stream: Duplex): boolean {
    if (port === CA_SERVER_PORT) {
      serve(
        stream,
        (onOutput) => new CaServerCircuit(this.#ca, { peer: 'client', port, onOutput }),
      );
    } else if (port === PVA_SERVER_PORT) {
      const options = { guid: this.#guid, tcpPort: port, version };
      serve(stream, (onOutput) => new PvaServerConnection(this.#pva, { ...options, onOutput }));
    } else {
      return false;
    }
    return true;
  }
}

/** Takes output only when the stream has room: the roles squash what a slow client misses. */
function serve(stream: Duplex, create: (onOutput: () => void) => ServerRole): void {
  let hasRoom = true;
  const flush = (): void => {
    if (!hasRoom || stream.destroyed) return;
    const bytes = role.takeOutput();
    if (bytes.byteLength > 0) hasRoom = stream.write(bytes);
  };
  const role = create(() => void Promise.resolve().then(flush));
  stream.on('drain', () => {
    hasRoom = true;
    flush();
  });
  stream.on('data', (chunk: Buffer) => {
    try {
      role.receive(chunk);
      flush();
    } catch (error) {
      flush();
      stream.destroy(error instanceof Error ? error : undefined);
    }
  });
  stream.on('error', () => undefined);
  stream.on('end', () => stream.end());
  stream.on('close', () => role.dispose());
  flush();
}
