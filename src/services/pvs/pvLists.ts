/** Lists the PVs of a session's servers: as pages, and as levels of a tree. */
import type { Slices } from '../../base/slices';
import { sortInSlices } from '../../base/sortInSlices';
import type {
  Branch,
  BranchQuery,
  FilterState,
  MatchCount,
  PvFilter,
  PvPage,
  PvQuery,
  PvRow,
} from '../../model/coreApi';
import { naturalKey, naturallySorted } from '../../model/naturalOrder';
import { branchOf } from '../../model/pvBranches';
import { pvMatcher } from '../../model/pvPattern';
import { hasChannel, type NameTable, type PvStep } from '../../model/pvTable';
import type { ServerState } from '../../model/snapshot';
import type { PvServer } from '../exposure/pvServer';

/** The PVs of one server that match a query, in natural order of their names. */
interface Listed {
  readonly server: PvServer;
  readonly state: ServerState | undefined;
  readonly indexes: readonly number[];
  readonly reachable: number;
}

/** Steps of Slices that one name costs. */
const STEPS_PER_NAME = 25;
/** The same for putting it in natural order. */
const STEPS_PER_KEY = 60;
/** The same for each character of a name with many numbers. */
const STEPS_PER_CHARACTER = 6;

/**
 * Lists a page of the PVs that match the query, and counts all of them. Works in slices, because
 * there may be very many. Rejects with CancelledError.
 */
export async function listPvs(
  servers: readonly PvServer[],
  query: PvQuery,
  slices: Slices,
  signal: AbortSignal,
): Promise<PvPage> {
  const { serverKey, offset, limit } = query;
  const lists: Listed[] = [];
  for (const server of servers) {
    if (serverKey !== undefined && server.key !== serverKey) continue;
    const onlyUnreachable = query.onlyUnreachable === true;
    lists.push(await matching(server, query.pattern, onlyUnreachable, slices, signal));
  }
  return {
    total: sum(lists.map(({ indexes }) => indexes.length)),
    reachable: sum(lists.map(({ reachable }) => reachable)),
    rows: await mergedRows(lists, offset, limit, slices, signal),
  };
}

/**
 * Lists one level of the tree of a server's PVs, or of an IOC's, in slices. Rejects with
 * CancelledError.
 */
export async function listBranch(
  servers: readonly PvServer[],
  query: BranchQuery,
  slices: Slices,
  signal: AbortSignal,
): Promise<Branch> {
  const group = groupOf(servers.filter(({ key, iocKey }) => [key, iocKey].includes(query.key)));
  if (!group) return { groups: [], rows: [] };
  const indexes: number[] = [];
  await forEachMatch(group, query, slices, signal, (index) => void indexes.push(index));
  const names = indexes.map((index) => group.names.name(index));
  const { groups, singles } = branchOf(names, query.prefix);
  const counted = groups.map(({ prefix, start, end }) => {
    let reachable = 0;
    for (let at = start; at < end; at++) if (isReachable(group, indexes[at] ?? 0)) reachable++;
    return { prefix, total: end - start, reachable };
  });
  return {
    groups: naturallySorted(counted, ({ prefix }) => prefix),
    rows: naturallySorted(
      singles.flatMap((at) => rowOf(group, indexes[at] ?? 0) ?? []),
      ({ name }) => name,
    ),
  };
}

/** Counts the PVs that match, by server and by IOC, in slices. Rejects with CancelledError. */
export async function countPvs(
  servers: readonly PvServer[],
  filter: PvFilter,
  slices: Slices,
  signal: AbortSignal,
): Promise<MatchCount[]> {
  const counts: MatchCount[] = [];
  for (const iocKey of new Set(servers.map((server) => server.iocKey))) {
    const group = groupOf(servers.filter((server) => server.iocKey === iocKey));
    if (!group) continue;
    let count = 0;
    const serverCounts = group.servers.map(() => 0);
    await forEachMatch(group, filter, slices, signal, (_index, matches) => {
      count++;
      matches.forEach((isMatch, at) => {
        if (isMatch) serverCounts[at] = (serverCounts[at] ?? 0) + 1;
      });
    });
    counts.push({ key: iocKey, count });
    group.servers.forEach(({ server }, at) =>
      counts.push({ key: server.key, count: serverCounts[at] ?? 0 }),
    );
  }
  return counts.filter(({ count }) => count > 0);
}

/**
 * The rows of the first records that match, each by its best server, in natural order for each IOC,
 * and how many match. Rejects with CancelledError.
 */
export async function listRecords(
  servers: readonly PvServer[],
  pattern: string | undefined,
  limit: number,
  slices: Slices,
  signal: AbortSignal,
): Promise<{ readonly total: number; readonly rows: readonly PvRow[] }> {
  let total = 0;
  const rows: PvRow[] = [];
  const filter = pattern === undefined ? {} : { pattern };
  for (const iocKey of new Set(servers.map((server) => server.iocKey))) {
    const group = groupOf(servers.filter((server) => server.iocKey === iocKey));
    if (!group) continue;
    const found: PvRow[] = [];
    await forEachMatch(group, filter, slices, signal, (index) => {
      total++;
      const row = rows.length + found.length < limit ? rowOf(group, index) : undefined;
      if (row) found.push(row);
    });
    rows.push(...naturallySorted(found, ({ name }) => name));
  }
  return { total, rows };
}

/** Servers of one IOC, which share its names. */
interface ServerGroup {
  readonly names: NameTable;
  readonly servers: readonly {
    readonly server: PvServer;
    readonly state: ServerState | undefined;
  }[];
}

function groupOf(servers: readonly PvServer[]): ServerGroup | undefined {
  const [first] = servers;
  return (
    first && {
      names: first.names,
      servers: servers.map((server) => ({ server, state: stateOf(server) })),
    }
  );
}

/** Calls back with each PV that matches, by code units, and with the servers at which it does. */
async function forEachMatch(
  { names, servers }: ServerGroup,
  { pattern, state: wanted }: PvFilter,
  slices: Slices,
  signal: AbortSignal,
  visit: (index: number, matches: readonly boolean[]) => void,
): Promise<void> {
  const isNamed = pvMatcher(pattern);
  for (const index of names.sorted) {
    slices.take(STEPS_PER_NAME);
    if (slices.isOver) await slices.rest(signal);
    const matches = servers.map(({ server, state }) => {
      const step = server.stepOf(index);
      return step !== 'not-served' && isInState(step, state, wanted);
    });
    if (matches.includes(true) && isNamed(names.name(index))) visit(index, matches);
  }
}

function isInState(
  step: PvStep,
  server: ServerState | undefined,
  wanted: FilterState | undefined,
): boolean {
  switch (wanted) {
    case undefined:
      return true;
    case 'unreachable': {
      const state = pvState(step, server);
      return state !== 'reachable' && state !== 'pending';
    }
    case 'disconnected':
      return step === 'disconnected' || server?.status === 'gone';
  }
}

function isReachable({ servers }: ServerGroup, index: number): boolean {
  return servers.some(({ server, state }) => pvState(server.stepOf(index), state) === 'reachable');
}

/** The row of a PV: of the best server, with the others. */
function rowOf({ servers }: ServerGroup, index: number): PvRow | undefined {
  const [best, ...others] = servers
    .filter(({ server }) => server.stepOf(index) !== 'not-served')
    .map(({ server, state }) => toRow(server, state, index))
    .sort((a, b) => certainty(b) - certainty(a));
  return best && (others.length > 0 ? { ...best, others } : best);
}

/**
 * Whose value is shown of a PV that several servers have: that which a client here can read. Where
 * all can be read it is the first, by Channel Access: of a record it says the same (seen with both
 * versions of QSRV), costs the IOC less (a channel of PVXS takes 22 kB), and tells each change of the
 * access rights.
 */
function certainty({ step, state }: PvRow): number {
  if (state === 'reachable') return 3;
  if (hasChannel(step)) return 2;
  return state === 'pending' ? 1 : 0;
}

/** The snapshot's entry for a server; undefined if it has none yet. */
export function stateOf({ ioc, key }: PvServer): ServerState | undefined {
  return ioc.state().servers.find((server) => server.key === key);
}

/** The row of the PV at `index` of a server. */
export function toRow(server: PvServer, state: ServerState | undefined, index: number): PvRow {
  const name = server.names.name(index);
  return {
    ...unlistedRow(server, state, name, server.stepOf(index)),
    source: server.names.source(index),
  };
}

/** The row of a PV that a server has although its IOC does not report it. */
export function unlistedRow(
  server: PvServer,
  state: ServerState | undefined,
  name: string,
  step: PvStep,
): PvRow {
  const { protocol, container, ioc, key } = server;
  return {
    name,
    protocol,
    step,
    state: pvState(step, state),
    source: { kind: 'user' },
    containerName: container.name,
    iocName: ioc.name,
    serverKey: key,
  };
}

/** The step that stops a PV; a problem of the server comes first. */
function pvState(step: string, server: ServerState | undefined): string {
  if (server?.status === 'gone') return 'ioc-gone';
  if (server?.status === 'failed' && server.problem) return server.problem.code;
  return step;
}

async function matching(
  server: PvServer,
  pattern: string | undefined,
  onlyUnreachable: boolean,
  slices: Slices,
  signal: AbortSignal,
): Promise<Listed> {
  const matches = pvMatcher(pattern);
  const state = stateOf(server);
  const { names, stepOf } = server;
  const indexes: number[] = [];
  let reachable = 0;
  for (const index of await naturalOrder(names, slices, signal)) {
    slices.take(STEPS_PER_NAME);
    if (slices.isOver) await slices.rest(signal);
    const step = stepOf(index);
    if (step === 'not-served' || !matches(names.name(index))) continue;
    const isReachable = pvState(step, state) === 'reachable';
    if (isReachable && onlyUnreachable) continue;
    if (isReachable) reachable++;
    indexes.push(index);
  }
  return { server, state, indexes, reachable };
}

/** The natural order of the names of each IOC, as far as they were listed. */
const naturalOrders = new WeakMap<NameTable, readonly number[]>();

async function naturalOrder(
  names: NameTable,
  slices: Slices,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const known = naturalOrders.get(names);
  if (known?.length === names.size) return known;
  const keys: string[] = [];
  const indexOf = new Map<string, number>();
  for (let index = 0; index < names.size; index++) {
    slices.take(STEPS_PER_KEY);
    if (slices.isOver) await slices.rest(signal);
    const key = naturalKey(names.name(index));
    keys.push(key);
    indexOf.set(key, index);
  }
  const order = (await sortInSlices(keys, slices, signal)).map((key) => indexOf.get(key) ?? 0);
  naturalOrders.set(names, order);
  return order;
}

/** Where the merge of lists is in one of them. */
interface Head {
  readonly list: Listed;
  /** Of the next row. */
  at: number;
  /** Its key; undefined: there is none. */
  key: string | undefined;
}

/** The rows from `offset` on of all lists together, in natural order of the names. */
async function mergedRows(
  lists: readonly Listed[],
  offset: number,
  limit: number,
  slices: Slices,
  signal: AbortSignal,
): Promise<PvRow[]> {
  const heads = lists.map((list): Head => ({ list, at: 0, key: keyAt(list, 0) }));
  const rows: PvRow[] = [];
  for (let toSkip = await skipMany(heads, offset, slices, signal); rows.length < limit; toSkip--) {
    slices.take(STEPS_PER_KEY);
    if (slices.isOver) await slices.rest(signal);
    const first = lowest(heads);
    if (!first) return rows;
    const index = first.list.indexes[first.at] ?? 0;
    move(first, 1);
    if (toSkip <= 0) rows.push(toRow(first.list.server, first.list.state, index));
  }
  return rows;
}

/**
 * Moves past rows that come before those wanted, without looking at each; returns how many of
 * `count` are left. Of the same number of next rows of each list, together `count` at most, those of
 * the list whose last one comes first are surely among them.
 */
async function skipMany(
  heads: readonly Head[],
  count: number,
  slices: Slices,
  signal: AbortSignal,
): Promise<number> {
  let left = count;
  for (;;) {
    const open = heads.filter(({ key }) => key !== undefined);
    const share = Math.floor(left / open.length);
    // Each such step looks at all lists.
    if (open.length === 0 || share <= open.length) return left;
    const reach = ({ list, at }: Head): number => Math.min(share, list.indexes.length - at);
    const ends: { readonly head: Head; readonly key: string | undefined }[] = [];
    for (const head of open) {
      const key = keyAt(head.list, head.at + reach(head) - 1);
      // A long name costs as much as many short ones.
      slices.take(STEPS_PER_KEY + STEPS_PER_CHARACTER * (key?.length ?? 0));
      if (slices.isOver) await slices.rest(signal);
      ends.push({ head, key });
    }
    const { head } = ends.reduce((a, b) => ((b.key ?? '') < (a.key ?? '') ? b : a));
    const skipped = reach(head);
    move(head, skipped);
    left -= skipped;
  }
}

function lowest(heads: readonly Head[]): Head | undefined {
  let first: Head | undefined;
  for (const head of heads) {
    if (head.key === undefined) continue;
    if (first?.key === undefined || head.key < first.key) first = head;
  }
  return first;
}

function move(head: Head, count: number): void {
  head.at += count;
  head.key = keyAt(head.list, head.at);
}

function keyAt({ server, indexes }: Listed, at: number): string | undefined {
  const index = indexes[at];
  return index === undefined ? undefined : naturalKey(server.names.name(index));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
