/**
 * What the receiver of each message accepts. Addresses go into the environment of shells and texts
 * are shown to users, so anything that is not an address or a text ends the conversation.
 */
import * as v from 'valibot';
import {
  type AlarmPage,
  type AlarmQuery,
  type Branch,
  type BranchQuery,
  FILTER_STATES,
  type FollowedPv,
  type LiveUpdate,
  type DuplicatePvs,
  type ContainerQuery,
  type EndpointQuery,
  type TracedEndpoint,
  type NameQuery,
  type NamesQuery,
  type MatchCount,
  type NoParams,
  type PvFilter,
  type PvReadQuery,
  type PvGroup,
  type PvPage,
  type PvPath,
  type PvQuery,
  type PvRow,
  type PvDetails,
  type PvDetailsQuery,
  type PvUpdate,
  type KnownContainer,
  ANSWER_MODES,
  SEARCH_MODES,
  type Selection,
  type ExposeRequest,
} from '../model/coreApi';
import type { NameSource } from '../model/pvTable';
import type { LiveReading } from '../model/liveReading';
import type { PvReading } from '../model/reading';
import type {
  ContainerState,
  EngineState,
  IocState,
  PvCounts,
  SearchPort,
  ServerState,
  Snapshot,
} from '../model/snapshot';
import type { ContainerHint } from '../model/workspaceContainer';
import type {
  BrokerFacts,
  FollowedNews,
  FollowParams,
  HelloParams,
  HelloResult,
  MonitorParams,
  UpdateNews,
} from './messages';
import {
  anything,
  count,
  flag,
  list,
  number,
  object,
  oneOf,
  optional,
  record,
  type Schema,
  text,
  word,
} from './schema';
import { endpoint, host, iocPlace, protocol } from './commonSchemas';
import { notes, owner, problem } from './problemSchemas';

// Parts of a snapshot.

const pvCounts: Schema<PvCounts> = object({
  total: count,
  reachable: count,
  pending: count,
  unreadable: optional(count),
});

const server: Schema<ServerState> = object({
  key: text,
  protocol,
  implementation: text,
  guid: optional(text),
  listening: endpoint,
  status: word<ServerState['status']>(),
  route: optional(word<NonNullable<ServerState['route']>>()),
  local: optional(endpoint),
  direct: optional(endpoint),
  isRelayed: optional(flag),
  since: optional(text),
  pvs: pvCounts,
  problem: optional(problem),
  notes: optional(notes),
});

const ioc: Schema<IocState> = object({
  key: text,
  name: text,
  pid: optional(count),
  startedAt: optional(text),
  commandLine: text,
  role: word<IocState['role']>(),
  namesNotes: optional(notes),
  isNaming: optional(flag),
  isNamesCut: optional(flag),
  mayLackNames: optional(flag),
  problem: optional(problem),
  records: pvCounts,
  servers: list(server),
});

const container: Schema<ContainerState> = object({
  key: text,
  engineKey: text,
  id: text,
  name: text,
  image: text,
  labels: record(text),
  status: word<ContainerState['status']>(),
  iocs: list(ioc),
  problem: optional(problem),
});

const engine: Schema<EngineState> = object({
  key: text,
  kind: text,
  version: text,
  isRootless: optional(flag),
  status: word<EngineState['status']>(),
  problem: optional(problem),
});

const searchPort: Schema<SearchPort> = object({
  local: optional(endpoint),
  alsoAt: optional(list(endpoint)),
  broadcasts: optional(list(host)),
  problem: optional(problem),
});

export const snapshot: Schema<Snapshot> = object({
  isSettled: flag,
  engineProblem: optional(problem),
  engines: list(engine),
  containers: list(container),
  search: optional(object({ ca: optional(searchPort), pva: optional(searchPort) })),
  nameServers: optional(object({ ca: optional(endpoint), pva: optional(endpoint) })),
  notices: optional(list(problem)),
  unknownNames: list(text),
});

// Requests of front ends.

const selection: Schema<Selection> = object({
  containers: list(text),
  except: optional(list(text)),
  labels: list(text),
  workspace: optional(text),
});

const hint: Schema<ContainerHint> = object({
  folder: optional(text),
  configFile: optional(text),
  name: optional(text),
  id: optional(text),
});

const request: Schema<ExposeRequest> = object({
  selection,
  engines: list(text),
  names: list(text),
  search: optional(oneOf(SEARCH_MODES)),
  answers: optional(oneOf(ANSWER_MODES)),
  searchPorts: optional(object({ ca: optional(count), pva: optional(count) })),
  own: optional(hint),
});

export const requests = list(request);
/** A request to expose; null for none, because JSON has no undefined. */
export const requestOrNull: Schema<{ readonly request: ExposeRequest | null }> = object({
  request: v.nullable(request),
});
export const nothing: Schema<NoParams> = object({});
export const noResult: Schema<null> = v.null('nothing');

export const nameQuery: Schema<NameQuery> = object({ name: text });
export const endpointQuery: Schema<EndpointQuery> = object({ protocol, endpoint });
export const tracedEndpoint: Schema<TracedEndpoint> = object({
  protocol,
  endpoint,
  isOurs: optional(flag),
  owner: optional(owner),
  hasAnswered: flag,
  ioc: optional(iocPlace),
});
export const containerQuery: Schema<ContainerQuery> = object({ key: text });
export const duplicatePvs: Schema<readonly DuplicatePvs[]> = list(
  object({ protocol, count, example: text, iocs: list(iocPlace) }),
);
export const names = list(text);
export const namesQuery: Schema<NamesQuery> = object({ names });

const part = object({ name: text, path: list(text) });

export const pvReadQuery: Schema<PvReadQuery> = object({
  name: text,
  part: optional(part),
  protocol,
  isPreview: optional(flag),
});
export const pvDetailsQuery: Schema<PvDetailsQuery> = object({
  name: text,
  part: optional(part),
  maxWaitMs: count,
});
export const monitorId: Schema<{ readonly monitorId: number }> = object({ monitorId: count });
export const monitor: Schema<MonitorParams> = object({ monitorId: count, name: text, protocol });

const followedPv: Schema<FollowedPv> = object({ id: count, name: text, protocol });
export const followerId: Schema<{ readonly followerId: number }> = object({ followerId: count });
export const followChange: Schema<FollowParams> = object({
  followerId: count,
  add: list(followedPv),
  remove: list(count),
});

export const pvQuery: Schema<PvQuery> = object({
  pattern: optional(text),
  serverKey: optional(text),
  onlyUnreachable: optional(flag),
  offset: count,
  limit: count,
});

const filter = { pattern: optional(text), state: optional(oneOf(FILTER_STATES)) };
export const pvFilter: Schema<PvFilter> = object(filter);
export const alarmQuery: Schema<AlarmQuery> = object({ pattern: optional(text), limit: count });
export const branchQuery: Schema<BranchQuery> = object({ key: text, prefix: text, ...filter });

export const hello: Schema<HelloParams> = object({
  protocol: count,
  version: text,
  clientId: text,
  clientName: text,
});

// Results.

const nameSource: Schema<NameSource> = v.variant(
  'kind',
  [
    object({ kind: v.literal('pva-list') }),
    object({ kind: v.literal('user') }),
    object({ kind: v.literal('database'), file: text, line: count }),
  ],
  'where a name is from',
);

const rowFields = {
  name: text,
  protocol,
  step: word<PvRow['step']>(),
  state: word<string>(),
  source: nameSource,
  containerName: text,
  iocName: text,
  serverKey: text,
};
const row: Schema<PvRow> = object({ ...rowFields, others: optional(list(object(rowFields))) });
const rows = list(row);

const group: Schema<PvGroup> = object({ prefix: text, total: count, reachable: count });
export const pvPage: Schema<PvPage> = object({ total: count, reachable: count, rows });
export const alarmPage: Schema<AlarmPage> = object({ total: count, lookedAt: count, rows });
export const matchCounts = list<MatchCount>(object({ key: text, count }));
export const branch: Schema<Branch> = object({ groups: list(group), rows });

const knownContainer: Schema<KnownContainer> = object({
  engineKey: text,
  id: text,
  name: text,
  image: text,
  status: word<KnownContainer['status']>(),
});
export const knownContainers = list(knownContainer);

/** A reading; its value may be anything. */
export const reading: Schema<PvReading> = object({
  value: anything<unknown>(),
  units: optional(text),
  severity: text,
  alarmMessage: optional(text),
  time: optional(text),
  precision: optional(number),
  dimensions: optional(list(number)),
  whole: optional(object({ type: text, count, bytes: optional(count) })),
  text: optional(text),
  summary: optional(text),
  isMaybeCut: optional(v.literal(true)),
});

const path: Schema<PvPath> = object({
  row,
  implementation: text,
  pid: optional(count),
  route: optional(word<NonNullable<PvPath['route']>>()),
  listening: endpoint,
  local: optional(endpoint),
  direct: optional(endpoint),
  since: optional(text),
  problem: optional(problem),
  reading: optional(reading),
  readAt: optional(text),
  deniedTo: optional(text),
  readProblem: optional(problem),
  isReading: optional(v.literal(true)),
});
export const pvDetails: Schema<PvDetails> = object({
  name: text,
  part: optional(list(text)),
  paths: list(path),
  isAsked: optional(v.literal(true)),
  endedIn: optional(iocPlace),
});

/** The versions of a broker of any version; the rest of a newer broker's message is not checked. */
export const versions: Schema<Pick<BrokerFacts, 'protocol' | 'version'>> = object({
  protocol: count,
  version: text,
});

const facts: Schema<BrokerFacts> = object({
  protocol: count,
  version: text,
  pid: count,
  isForeground: flag,
  logFile: optional(text),
  frontEndCount: count,
});

export const greeting: Schema<HelloResult> = object({
  broker: facts,
  request: optional(request),
  snapshot,
});

const update: Schema<PvUpdate> = v.variant(
  'kind',
  [
    object({
      kind: v.literal('value'),
      reading,
      range: optional(v.tuple([number, number], 'two numbers')),
    }),
    object({ kind: v.literal('interrupted'), problem }),
  ],
  'an update',
);

export const updateNews: Schema<UpdateNews> = object({ monitorId: count, update });

const liveReading: Schema<LiveReading> = object({
  text,
  severity: optional(text),
  alarmMessage: optional(text),
  number: optional(number),
  timeMs: optional(number),
});

const liveUpdate: Schema<LiveUpdate> = v.union(
  [object({ id: count, reading: liveReading }), object({ id: count, problem })],
  'an update of a followed PV',
);

export const followedNews: Schema<FollowedNews> = object({
  followerId: count,
  updates: list(liveUpdate),
});
