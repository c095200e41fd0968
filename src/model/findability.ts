import type { FindingProblem } from './note';
import type { ServerState } from './snapshot';

/**
 * Why clients cannot find a server's PVs by name although all of them are reachable; undefined if
 * they can. Name servers are asked over TCP, and not every server answers there (measured;
 * docs/protocol-ca.md, docs/protocol-pva.md).
 */
export function findingProblem({
  isRelayed,
  status,
  protocol,
  implementation,
  guid,
}: Pick<ServerState, 'isRelayed' | 'status' | 'protocol' | 'implementation' | 'guid'>):
  FindingProblem | undefined {
  // A relay of ours answers for all servers; another's may be one of ours in another process.
  if (isRelayed === true || status === 'shared') return undefined;
  // A pvAccessCPP that sends its GUID over TCP (pvaPy's build) answers searches there, too.
  if (protocol === 'pva' && guid !== undefined && implementation === 'pvAccessCPP') {
    return 'pvxs-ignores';
  }
  if (protocol === 'pva' && /^pvAccess(CPP|Java)$/.test(implementation)) return 'udp-only';
  return protocol === 'ca' && implementation === 'caproto' ? 'caproto-ends' : undefined;
}
