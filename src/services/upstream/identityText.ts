import type { ClientIdentity } from './protocolAdapter';

/** The user and host that we give to a server for its access security, in words for the user. */
export function identityText({ clientName, hostName }: ClientIdentity): string {
  return `user ${clientName} on host ${hostName}`;
}
