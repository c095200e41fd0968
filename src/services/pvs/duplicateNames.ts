import type { Slices } from '../../base/slices';
import type { DuplicatePvs } from '../../model/coreApi';
import type { PvServer } from '../exposure/pvServer';

/** Pairs of IOCs that are told. */
const MAX_PAIRS = 20;
const STEPS_PER_NAME = 30;

/**
 * PVs that two IOCs report over the same protocol, one entry for each pair of IOCs. Gateways pass on
 * what others have, and do not count. Works in slices. Rejects with CancelledError.
 */
export async function findDuplicates(
  servers: readonly PvServer[],
  slices: Slices,
  signal: AbortSignal,
): Promise<readonly DuplicatePvs[]> {
  const pairs = new Map<string, { -readonly [K in keyof DuplicatePvs]: DuplicatePvs[K] }>();
  const owners = new Map<string, PvServer>();
  for (const server of servers) {
    const { names, protocol, ioc, container } = server;
    if (ioc.isGateway) continue;
    for (let index = 0; index < names.size; index++) {
      slices.take(STEPS_PER_NAME);
      if (slices.isOver) await slices.rest(signal);
      if (server.stepOf(index) === 'not-served' || names.source(index).kind === 'user') continue;
      const name = names.name(index);
      const key = `${protocol}://${name}`;
      const other = owners.get(key);
      if (!other) owners.set(key, server);
      else if (other.ioc !== ioc) {
        const pair = `${protocol} ${other.key} ${server.key}`;
        const known = pairs.get(pair);
        if (known) known.count++;
        else if (pairs.size < MAX_PAIRS) {
          // As the name service has it.
          const iocs = [other, { ioc, container }]
            .sort((a, b) => a.container.startedAt.localeCompare(b.container.startedAt))
            .map((one) => ({ iocName: one.ioc.name, containerName: one.container.name }));
          pairs.set(pair, { protocol, count: 1, example: name, iocs });
        }
      }
    }
  }
  return [...pairs.values()];
}
