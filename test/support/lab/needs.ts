import type { Context } from 'mocha';
import { missingForClients } from '../clients';
import { skip } from '../skip';
import { missingFor, sharedEngine, type EngineKind, type LabEngine } from './engine';
import { missingForIocs, missingForJava } from './image';

/** The shared engine with all that an IOC in it needs, or a skip that says what is missing. */
export async function needsEngine(context: Context, kind: EngineKind): Promise<LabEngine> {
  const missing = missingFor(kind);
  if (missing) skip(context, `${kind}: ${missing}`, 'engines');
  needsIocs(context);
  return sharedEngine(kind);
}

/** The real servers and clients, or a skip that says what is missing. */
export function needsIocs(context: Context): void {
  const missing = missingForIocs() ?? missingForClients();
  if (missing) skip(context, missing, 'iocs');
}

/** The clients and the server in Java, or a skip that says what is missing. */
export function needsJava(context: Context): void {
  const missing = missingForJava();
  if (missing) skip(context, missing, 'java');
}

/** That the tests run in a network of their own (ownNetwork.sh), so that clients may broadcast. */
export function needsOwnNetwork(context: Context): void {
  if (process.env['EPICS_EXPOSE_OWN_NETWORK'] === 'inside') return;
  skip(context, 'needs a network of its own: Linux, root, and npm test', 'engines');
}
