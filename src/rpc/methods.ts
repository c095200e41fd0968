/**
 * All messages between front ends and the broker, each with the schema of its content: JSON-RPC 2.0
 * in the framing of the Language Server Protocol. Client and server are derived from these tables.
 * `hello` comes first.
 */
import { NotificationType, RequestType } from 'vscode-jsonrpc/node';
import type { CoreRequests } from '../model/coreApi';
import type { FollowedNews, PlotNews, SnapshotNews, UpdateNews } from './messages';
import { recordPlaces, similarPvs } from './commonSchemas';
import * as shape from './messageSchemas';
import { plot, plotNews } from './plotSchemas';
import { object, type Schema } from './schema';

/** A request: schemas of its parameters and result. Its name is its key in the table. */
export interface RpcMethod<P, R> {
  readonly type: RequestType<P, R, void>;
  readonly params: Schema<P>;
  readonly result: Schema<R>;
}

/** A notification: its name and the schema of its content. */
export interface RpcNotification<P> {
  readonly type: NotificationType<P>;
  readonly params: Schema<P>;
}

type CoreName = keyof CoreRequests;
type Unnamed<P, R> = Pick<RpcMethod<P, R>, 'params' | 'result'>;
type CoreEntries = {
  readonly [M in CoreName]: Unnamed<
    Parameters<CoreRequests[M]>[0],
    Awaited<ReturnType<CoreRequests[M]>>
  >;
};
type Named<T> = {
  readonly [M in keyof T]: T[M] extends Unnamed<infer P, infer R> ? RpcMethod<P, R> : never;
};

function method<P, R>(params: Schema<P>, result: Schema<R>): Unnamed<P, R> {
  return { params, result };
}

function named<T extends Readonly<Record<string, Unnamed<unknown, unknown>>>>(
  entries: T,
): Named<T> {
  return Object.fromEntries(
    Object.entries(entries).map(([name, entry]) => [
      name,
      { ...entry, type: new RequestType<unknown, unknown, void>(name) },
    ]),
  ) as Named<T>;
}

/** Requests to the core, which the broker passes on unchanged. */
const CORE_METHODS = named({
  listPvs: method(shape.pvQuery, shape.pvPage),
  listBranch: method(shape.branchQuery, shape.branch),
  countPvs: method(shape.pvFilter, shape.matchCounts),
  findAlarms: method(shape.alarmQuery, shape.alarmPage),
  listContainers: method(shape.nothing, shape.knownContainers),
  findUnlisted: method(shape.namesQuery, shape.names),
  findSimilar: method(shape.nameQuery, similarPvs),
  findRecord: method(shape.nameQuery, recordPlaces),
  findDuplicates: method(shape.nothing, shape.duplicatePvs),
  traceEndpoint: method(shape.endpointQuery, shape.tracedEndpoint),
  readContainerLog: method(shape.containerQuery, shape.names),
  describePv: method(shape.pvDetailsQuery, shape.pvDetails),
  readPv: method(shape.pvReadQuery, shape.reading),
} satisfies CoreEntries);

/** Requests about the front end itself and the broker. */
const FRONT_END_METHODS = named({
  hello: method(shape.hello, shape.greeting),
  setRequest: method(shape.requestOrNull, shape.noResult),
  startMonitor: method(shape.monitor, shape.noResult),
  startPlot: method(plot, shape.noResult),
  stopMonitor: method(shape.monitorId, shape.noResult),
  /** Changes which PVs a follower follows; the first change begins it. */
  changeFollowed: method(shape.followChange, shape.noResult),
  endFollower: method(shape.followerId, shape.noResult),
  /** What all front ends want exposed. */
  listRequests: method(shape.nothing, shape.requests),
  /** Ends this front end's request at once; without it, the request stays for the grace period. */
  goodbye: method(shape.nothing, shape.noResult),
  /** A newer version wants to take over: the broker accepts no new front ends from now on. */
  handOver: method(shape.nothing, shape.noResult),
  /** Ends the broker and everything with it. */
  stop: method(shape.nothing, shape.noResult),
});

/** All requests from front end to broker, by name. */
export const METHODS = { ...CORE_METHODS, ...FRONT_END_METHODS };
/** The name of a request. */
export type MethodName = keyof typeof METHODS;
/** The parameters of a request. */
export type ParamsOf<M extends MethodName> =
  (typeof METHODS)[M] extends RpcMethod<infer P, unknown> ? P : never;
/** The result of a request. */
export type ResultOf<M extends MethodName> =
  (typeof METHODS)[M] extends RpcMethod<unknown, infer R> ? R : never;

/** An implementation of each request, as the broker has. */
export type Handlers<M extends MethodName = MethodName> = {
  readonly [N in M]: (
    params: ParamsOf<N>,
    signal: AbortSignal,
  ) => ResultOf<N> | Promise<ResultOf<N>>;
};

/** Sends a request to the broker, as CoreClient.ask does. */
export type Request = <M extends MethodName>(
  name: M,
  params: ParamsOf<M>,
  signal: AbortSignal,
) => Promise<ResultOf<M>>;

const CORE_NAMES = Object.keys(CORE_METHODS) as CoreName[];

/** The core's requests as functions, each sent by `ask` under its name. */
export function coreRequests(
  ask: (name: CoreName, params: never, signal: AbortSignal) => Promise<unknown>,
): CoreRequests {
  return Object.fromEntries(
    CORE_NAMES.map((name) => [
      name,
      (params: never, signal: AbortSignal) => ask(name, params, signal),
    ]),
  ) as unknown as CoreRequests;
}

/** All notifications from broker to front end. */
export const NEWS = {
  snapshot: notification<SnapshotNews>('snapshot', object({ snapshot: shape.snapshot })),
  update: notification<UpdateNews>('update', shape.updateNews),
  followed: notification<FollowedNews>('followed', shape.followedNews),
  plot: notification<PlotNews>('plot', plotNews),
};

function notification<P>(name: string, params: Schema<P>): RpcNotification<P> {
  return { type: new NotificationType<P>(name), params };
}
