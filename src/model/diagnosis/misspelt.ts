/** Variables that no client reads, because their names are misspelt. */
import { differingParts } from './slips';

/** Of clients, beside those that tell where to search. */
const OTHERS: ReadonlySet<string> = new Set([
  ...['EPICS_CA_AUTO_ARRAY_BYTES', 'EPICS_CA_BEACON_PERIOD', 'EPICS_CA_CONN_TMO'],
  ...['EPICS_CA_MAX_ARRAY_BYTES', 'EPICS_CA_MAX_SEARCH_PERIOD', 'EPICS_CA_MCAST_TTL'],
  ...['EPICS_CA_MONITOR_MASK', 'EPICS_CA_REPEATER_PORT', 'EPICS_PVA_CONN_TMO'],
  ...['EPICS_PVA_BEACON_PERIOD', 'EPICS_PVA_DEBUG', 'EPICS_PVA_ENABLE_IPV6'],
  ...['EPICS_PVA_INTF_ADDR_LIST', 'EPICS_PVA_MAX_ARRAY_FORMATTING', 'EPICS_PVA_PROVIDER_NAMES'],
  ...['EPICS_PVA_SEND_BUFFER_SIZE', 'EPICS_PVA_TCP_SOCKET_TMO'],
  'EPICS_PVA_WRITE_REPLY_TIMEOUT_MS',
]);
/** Letters by which a name may differ from the one that is meant. */
const SLIP = 2;

/** Which of `names` was probably meant by a variable that is none; undefined if it is one, or far. */
export function meantVariable(variable: string, names: readonly string[]): string | undefined {
  if (names.includes(variable) || OTHERS.has(variable)) return undefined;
  const letters = lettersOf(variable);
  const far = (name: string): number =>
    Math.max(...differingParts(letters, lettersOf(name)).map(({ length }) => length));
  const [nearest] = [...names].sort((a, b) => far(a) - far(b));
  return nearest !== undefined && far(nearest) <= SLIP ? nearest : undefined;
}

/** Without what is easily forgotten, or written out. */
function lettersOf(name: string): string {
  return name.toUpperCase().replaceAll('_', '').replace('ADDRESS', 'ADDR');
}
