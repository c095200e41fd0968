/** Who we are for a server, as its access security is told: words for people. */
export function identityText(identity: {
  readonly clientName: string;
  readonly hostName: string;
}): string {
  return `user ${identity.clientName} on host ${identity.hostName}`;
}
