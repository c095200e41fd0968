import type { ServerState } from './snapshot';

/**
 * What clients cannot do although every PV is reachable: find it by name. Name servers are asked
 * over TCP, and not every server answers there (measured; docs/protocol-ca.md, docs/protocol-pva.md).
 */
export function findabilityNote({
  isRelayed,
  status,
  protocol,
  implementation,
  guid,
}: Pick<ServerState, 'isRelayed' | 'status' | 'protocol' | 'implementation' | 'guid'>):
  string | undefined {
  // A relay of ours answers for all servers; another's may be one of ours in another process.
  if (isRelayed === true || status === 'shared') return undefined;
  // A pvAccessCPP that tells its GUID over TCP (pvaPy's build) answers searches there too.
  if (protocol === 'pva' && guid !== undefined && implementation === 'pvAccessCPP') {
    return (
      'PVXS clients (p4p) do not take the answers of this pvAccessCPP to searches over TCP: they do ' +
      'not find its PVs; "epics-expose get" does'
    );
  }
  if (protocol === 'pva' && /^pvAccess(CPP|Java)$/.test(implementation)) {
    return (
      `${implementation} answers searches by UDP only, which does not cross into the container: ` +
      'name-server clients (p4p, Phoebus) do not find its PVs; "epics-expose get" does'
    );
  }
  if (protocol === 'ca' && implementation === 'caproto') {
    return (
      'caproto ends the circuit when libca searches over it as a name server: caget and pyepics do ' +
      'not find its PVs; "epics-expose get" and Phoebus do'
    );
  }
  return undefined;
}
