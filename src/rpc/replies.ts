/**
 * What a broker may say, as a front end believes it. Addresses go into the environment of shells and
 * texts before people, so what is no address or no text ends the connection. Fields that a newer
 * broker adds pass unseen.
 */
import { type BrokerFacts, METHODS } from './messages';
import {
  anything,
  count,
  flag,
  list,
  number,
  object,
  optional,
  record,
  type Shape,
  text,
  word,
  wrong,
} from './shapes';

const host: Shape = (value, where) => {
  // Numbers of IPv4 and IPv6, with the interface of a link-local one.
  const isHost = typeof value === 'string' && /^[\w.:-]{1,255}(%[\w.-]{1,64})?$/.test(value);
  if (!isHost) wrong(where, 'an address');
};

const port: Shape = (value, where) => {
  const isPort = Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;
  if (!isPort) wrong(where, 'a port');
};

const endpoint = object({ host, port });
const problem = object({ code: word, message: text, advice: text });
const protocol: Shape = (value, where) => {
  if (value !== 'ca' && value !== 'pva') wrong(where, 'ca or pva');
};

const pvCounts = object({
  total: count,
  reachable: count,
  pending: count,
  unreadable: optional(count),
});

const server = object({
  key: text,
  protocol,
  implementation: text,
  guid: optional(text),
  listening: endpoint,
  status: word,
  way: optional(word),
  local: optional(endpoint),
  isRelayed: optional(flag),
  since: optional(text),
  pvs: pvCounts,
  problem: optional(problem),
  note: optional(text),
});

const ioc = object({
  key: text,
  name: text,
  pid: optional(count),
  startedAt: optional(text),
  commandLine: text,
  role: word,
  namesNote: optional(text),
  servers: list(server),
});

const container = object({
  key: text,
  engineKey: text,
  id: text,
  name: text,
  image: text,
  labels: record(text),
  status: word,
  iocs: list(ioc),
  problem: optional(problem),
});

const engine = object({
  key: text,
  kind: word,
  version: text,
  isRootless: flag,
  status: word,
  problem: optional(problem),
});

const searchPort = object({
  local: optional(endpoint),
  alsoAt: optional(list(endpoint)),
  broadcasts: optional(list(host)),
  problem: optional(problem),
});

const perProtocol = (shape: Shape): Shape => object({ ca: optional(shape), pva: optional(shape) });

const snapshot = object({
  isSettled: flag,
  engineProblem: optional(problem),
  engines: list(engine),
  containers: list(container),
  search: optional(perProtocol(searchPort)),
  nameServers: optional(perProtocol(endpoint)),
  notices: optional(list(problem)),
  unknownNames: list(text),
});

const wish = object({
  selection: object({
    containers: list(text),
    labels: list(text),
    workspace: optional(text),
  }),
  engines: list(text),
  names: list(text),
  search: optional(word),
  own: optional(record(text)),
});

const facts = object({
  protocol: count,
  version: text,
  pid: count,
  isForeground: flag,
  logFile: optional(text),
  frontEndCount: count,
});

const reading = object({
  value: anything,
  units: optional(text),
  severity: text,
  alarmMessage: optional(text),
  time: optional(text),
  precision: optional(number),
});

const row = object({
  name: text,
  protocol,
  step: word,
  state: word,
  source: object({ kind: word }),
  containerName: text,
  iocName: text,
  serverKey: text,
});

const path = object({
  row,
  implementation: text,
  pid: optional(count),
  way: optional(word),
  listening: endpoint,
  local: optional(endpoint),
  since: optional(text),
  problem: optional(problem),
  reading: optional(reading),
  readAt: optional(text),
  deniedTo: optional(text),
  readProblem: optional(text),
});

const update: Shape = (value, where) => {
  object({ kind: word, reading: optional(reading), reason: optional(text) })(value, where);
  const { kind, reading: read, reason } = value as Record<string, unknown>;
  const isWhole = kind === 'value' ? read !== undefined : typeof reason === 'string';
  if (!isWhole) wrong(where, 'an update');
};

/** By method; what is not listed answers nothing that anybody reads. */
const RESULTS: Readonly<Record<string, Shape>> = {
  [METHODS.listPvs]: object({ total: count, reachable: count, rows: list(row) }),
  [METHODS.listBranch]: object({
    groups: list(object({ prefix: text, total: count, reachable: count })),
    rows: list(row),
  }),
  [METHODS.listContainers]: list(
    object({ engineKey: text, id: text, name: text, image: text, status: word }),
  ),
  [METHODS.tellPv]: object({ name: text, paths: list(path) }),
  [METHODS.readPv]: reading,
  [METHODS.listWishes]: list(wish),
};

/** @throws Error that says where it makes no sense. */
export function checkResult(method: string, result: unknown): void {
  RESULTS[method]?.(result, method);
}

/**
 * Facts come first: of a broker that is too new to be understood, nothing more is looked at.
 * @throws Error that says where it makes no sense.
 */
export function checkHello(result: unknown, isUnderstood: (facts: BrokerFacts) => boolean): void {
  object({ broker: object({ protocol: count, version: text }) })(result, METHODS.hello);
  const { broker } = result as { broker: BrokerFacts };
  if (!isUnderstood(broker)) return;
  object({ broker: facts, wish: optional(wish), snapshot })(result, METHODS.hello);
}

/** @throws Error that says where it makes no sense. */
export function checkSnapshotNews(news: unknown): void {
  object({ snapshot })(news, 'news');
}

/** @throws Error that says where it makes no sense. */
export function checkUpdateNews(news: unknown): void {
  object({ monitorId: count, update })(news, 'news');
}
