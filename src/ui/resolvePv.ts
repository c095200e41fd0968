import type { CoreApi } from '../model/coreApi';
import type { PvAddress } from '../model/pvAddress';
import type { WantedPv } from '../model/pvList';
import type { PvProtocol } from '../model/snapshot';
import { withTimeout } from './withTimeout';

/** Servers are asked for a name that no IOC reports, and may take that long. */
const WAIT_MS = 1500;
const TIMEOUT_MS = 3000;

/**
 * Over which protocol a PV is had: the one that is asked for, else pvAccess if it has a value there,
 * because it carries more, else Channel Access.
 */
export async function resolvePv(
  core: Pick<CoreApi, 'describePv'> | undefined,
  { name, protocol }: WantedPv,
): Promise<PvAddress> {
  if (protocol) return { name, protocol };
  return { name, protocol: (core && (await protocolOf(core, name))) ?? 'ca' };
}

async function protocolOf(
  core: Pick<CoreApi, 'describePv'>,
  name: string,
): Promise<PvProtocol | undefined> {
  const details = await withTimeout(TIMEOUT_MS, (signal) =>
    core.describePv({ name, maxWaitMs: WAIT_MS }, signal),
  ).catch(() => undefined);
  const paths = details?.paths ?? [];
  const readable = paths.filter(({ reading }) => reading !== undefined);
  const protocols = (readable.length > 0 ? readable : paths).map(({ row }) => row.protocol);
  return protocols.includes('pva') ? 'pva' : protocols[0];
}
