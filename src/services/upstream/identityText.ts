import type { ClientIdentity } from './protocolAdapter';

/** Who we are for a server, as its access security is told: words for people. */
export function identityText({ clientName, hostName }: ClientIdentity): string {
  return `user ${clientName} on host ${hostName}`;
}
