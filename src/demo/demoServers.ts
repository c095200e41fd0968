import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { type CaPvProvider, CaServerCircuit } from '../protocol/ca';
import { type PvaProvider, PvaServerConnection } from '../protocol/pva';
import { CA_SERVER_PORT, PVA_SERVER_PORT } from '../services/discovery/detect/candidates';
import { attachServer } from '../node/relay/attachServer';
import { createDemoCa } from './demoCa';
import type { DemoValues } from './demoPvs';
import { createDemoPva } from './demoPva';
import { version } from '../../package.json';

/** The demo's CA and PVA server. Each connection gets its own circuit to the same PVs. */
export class DemoServers {
  readonly #ca: CaPvProvider;
  readonly #pva: PvaProvider;
  readonly #guid = randomBytes(12).toString('hex');

  constructor(values: DemoValues) {
    this.#ca = createDemoCa(values);
    this.#pva = createDemoPva(values);
  }

  /** Serves the protocol that belongs to the port; false if none does. */
  serve(port: number, stream: Duplex): boolean {
    if (port === CA_SERVER_PORT) {
      attachServer(
        stream,
        (onOutput) => new CaServerCircuit(this.#ca, { peer: 'client', port, onOutput }),
      );
    } else if (port === PVA_SERVER_PORT) {
      const options = { guid: this.#guid, tcpPort: port, version };
      attachServer(
        stream,
        (onOutput) => new PvaServerConnection(this.#pva, { ...options, onOutput }),
      );
    } else {
      return false;
    }
    return true;
  }
}
