import type { Endpoint } from '../model/endpoint';
import type { MachineLook } from '../model/diagnosis/machineFacts';
import { tryEndpoints } from './findRefused';
import { readUdpPorts } from './readUdpPorts';

/** Looks who answers on this machine. Rejects with CancelledError. */
export async function lookAtMachine(
  endpoints: readonly Endpoint[],
  signal: AbortSignal,
): Promise<MachineLook> {
  const udpPorts = await readUdpPorts();
  return { answers: await tryEndpoints(endpoints, signal), ...(udpPorts && { udpPorts }) };
}
