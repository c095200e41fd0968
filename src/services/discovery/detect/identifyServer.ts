/**
 * Finds out what is at the other end of a connection: a Channel Access server, a pvAccess server,
 * or something else. A pvAccess server speaks first (SET_BYTE_ORDER and validation), and so does
 * rsrv; other CA servers wait for our VERSION. A pvAccess server behind TLS waits for a ClientHello, so
 * it is not recognised, and not relayed.
 */
import { onAbort } from '../../../base/abort';
import type { Clock } from '../../../base/clock';
import { DisposableStore } from '../../../base/disposable';
import { CancelledError, isErrorCode } from '../../../base/errors';
import type { PvProtocol } from '../../../model/snapshot';
import type { Connection } from '../../host/connection';
import type { Identification, ServerIdentity } from './serverIdentity';
import { identifyCa } from './identifyCa';
import { identifyPva } from './identifyPva';

/** How to identify a server. */
export interface IdentifyOptions {
  /** What the port suggests. */
  readonly expected?: PvProtocol;
  /** Whether a silent peer may be sent a CA VERSION message. */
  readonly mayAskCa: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** On a port that suggests CA: how long a server that speaks first may take before we speak. */
const LISTEN_FIRST_MS = 250;
/**
 * The same on a port that suggests nothing. Long, because CA bytes harm a pvAccess server:
 * pvAccessCPP stops accepting for good after "Invalid header received" (seen with 7.0.10).
 */
const LISTEN_LONG_MS = 2000;
/** First byte of every pvAccess message (specification, "Message header"). */
const PVA_MAGIC = 0xca;

/**
 * Identifies the server and closes the connection. Resolves to undefined when it is neither,
 * closes, or stays silent where we may not ask. Rejects with CancelledError only; the caller sets
 * the deadline.
 */
export function identifyServer(
  connection: Connection,
  { expected, mayAskCa, clock, signal }: IdentifyOptions,
): Promise<ServerIdentity | undefined> {
  return new Promise((resolve, reject) => {
    const store = new DisposableStore();
    store.add({ dispose: () => void connection.destroy() });
    let identification: Identification | undefined;
    const settle = (identity: ServerIdentity | undefined): void => {
      store.dispose();
      resolve(identity);
    };
    const create = (protocol: PvProtocol): Identification =>
      store.add((protocol === 'ca' ? identifyCa : identifyPva)(connection, clock, settle));
    const fail = (error: unknown): void => {
      store.dispose();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    store.add(onAbort(signal, () => fail(new CancelledError())));
    connection.on('error', () => settle(undefined));
    connection.on('close', () => settle(undefined));
    connection.on('end', () => settle(undefined));
    connection.on('data', (bytes) => {
      if (store.isDisposed || bytes.byteLength === 0) return;
      try {
        const isFirst = identification === undefined;
        identification ??= create(bytes[0] === PVA_MAGIC ? 'pva' : 'ca');
        identification.receive(bytes);
        if (isFirst && !store.isDisposed) identification.begin();
      } catch (error) {
        // Bytes that break the rules of both protocols: another program.
        if (isErrorCode(error, 'remote-protocol')) settle(undefined);
        else fail(error);
      }
    });
    connection.resume();
    if (!mayAskCa || expected === 'pva') return;
    store.add(
      clock.after(expected === 'ca' ? LISTEN_FIRST_MS : LISTEN_LONG_MS, () => {
        if (identification) return;
        identification = create('ca');
        identification.begin();
      }),
    );
  });
}
