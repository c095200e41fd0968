import * as v from 'valibot';
import type { FindingProblem, Note, NoteCode, NoteFacts } from '../model/note';
import type {
  PortOwner,
  PortRefusal,
  Problem,
  ProblemCode,
  ProblemFacts,
  TakenPort,
  TriedRoute,
} from '../model/problem';
import type { PvStep } from '../model/pvTable';
import { endpoint, port, protocol, similarPvs } from './commonSchemas';
import {
  count,
  flag,
  list,
  number,
  object,
  oneOf,
  optional,
  type Schema,
  text,
  word,
} from './schema';

const process: Schema<NonNullable<PortOwner['process']>> = object({ pid: count, command: text });
/** Who listens on a port. */
export const owner: Schema<PortOwner> = object({ process: optional(process) });
const refusal: Schema<PortRefusal> = v.variant(
  'why',
  [
    object({ why: v.literal('held'), owner: optional(owner) }),
    object({ why: v.literal('published'), container: text }),
    object({ why: v.literal('relayed') }),
    object({ why: v.literal('unavailable'), detail: text }),
    object({ why: v.literal('system') }),
    object({ why: v.literal('one-server') }),
  ],
  'why a port is not had',
);
const taken: Schema<readonly TakenPort[]> = list(
  object({ endpoint, refusal, isEverywhere: optional(flag) }),
);
const tried: Schema<readonly TriedRoute[]> = list(object({ route: text, detail: optional(text) }));
const step = word<PvStep>();

const none = object({});
const detail = object({ detail: text });
const ofHost = object({ host: text, detail: text });
const ofUri = object({ uri: text, detail: text });
const ofPort = object({ port });
const ofCount = object({ count });
const searchPort = object({ protocol, endpoint, refusal });

const PROBLEMS: { readonly [C in ProblemCode]: Schema<ProblemFacts[C]> } = {
  'no-engine': none,
  'engine-here': none,
  'engine-permission': object({ path: text, host: optional(text) }),
  'engine-hidden': object({ path: text }),
  'engine-not-running': object({ path: text, isMissing: flag }),
  'engine-timeout': object({ uri: text }),
  'engine-unreachable': ofUri,
  'engine-tls': object({ uri: optional(text), detail: text }),
  'engine-api': object({
    uri: text,
    version: optional(text),
    api: optional(text),
    oldestApi: text,
  }),
  'engine-duplicate': object({ uri: text }),
  'podman-missing': none,
  'podman-service': detail,
  'engine-idle': none,
  'ssh-unsupported': none,
  'ssh-missing': detail,
  'ssh-host-key': ofHost,
  'ssh-auth': ofHost,
  'ssh-unreachable': ofHost,
  'ssh-failed': ofHost,
  'ssh-no-socket': object({ host: text, path: optional(text) }),
  'container-paused': object({ container: optional(text) }),
  'container-stopped': object({ container: text, exitCode: optional(number) }),
  'container-removed': object({ container: text }),
  'container-restarts': object({ container: text, count, exitCode: optional(number) }),
  'ioc-no-port': object({
    pid: optional(count),
    lastLine: optional(text),
    interfaces: optional(object({ variable: text, value: text })),
  }),
  'cannot-look-inside': object({ container: text, detail: text }),
  'ioc-suspended': object({ pid: optional(count) }),
  'ioc-gone': ofPort,
  'no-handshake': object({ port, protocol }),
  'packets-dropped': ofPort,
  'no-way-in': object({ port, tried }),
  'port-taken': object({ port, taken }),
  'not-relayed': ofPort,
  'relay-ended': object({ endpoint, detail: text }),
  disconnected: detail,
  internal: detail,
  'search-port-taken': searchPort,
  'well-known-port-taken': searchPort,
  'port-given-back': object({ container: text, transport: oneOf(['tcp', 'udp']), endpoint }),
  'not-served': object({ protocol }),
  'no-read-access': object({ user: text }),
  'no-channel': object({ step }),
  'not-read': detail,
  'searched-in-vain': object({ pv: text, similar: similarPvs, client: optional(process) }),
  'broker-older': object({ version: text, own: text, program: optional(text) }),
  'broker-newer': object({ version: text, own: text }),
  'broker-nonsense': detail,
  'broker-gone': none,
  'broker-silent': object({ pid: optional(count), isSuspended: optional(v.literal(true)) }),
};

const NOTES: { readonly [C in NoteCode]: Schema<NoteFacts[C]> } = {
  forwarded: object({ local: endpoint, owner: optional(owner) }),
  'port-skipped': object({ local: endpoint, taken }),
  'other-number': object({ port, local: endpoint, taken }),
  'published-elsewhere': object({ port, hostPorts: list(port), local: endpoint }),
  'published-in-vain': object({
    ...{ port, inside: text, published: list(endpoint), local: optional(endpoint) },
  }),
  'ignores-senders': object({ variable: text, addresses: text }),
  'not-found-by-name': object({ reason: word<FindingProblem>(), software: text }),
  'also-served': object({ name: text, server: text }),
  'says-yes': none,
  'read-denied': object({ count, user: text }),
  'names-not-served': ofCount,
  'no-answers': ofCount,
  'channels-refused': ofCount,
  'names-beyond': object({ count, software: text }),
  'names-harmful': ofCount,
  'ports-left-out': ofCount,
  'gateway-names': none,
  'no-list': none,
  'process-hidden': none,
  'names-failed': detail,
  'names-file': detail,
  'names-other-loaders': object({ commands: list(text) }),
  'names-cut': object({ kept: count, listed: count }),
  'names-refused': object({ kept: count, detail: text }),
  'names-too-long': ofCount,
};

/** A problem: one schema for each code, as the compiler requires. */
export const problem: Schema<Problem> = coded(PROBLEMS);
/** A list of notes: one schema for each code, as the compiler requires. */
export const notes: Schema<readonly Note[]> = list(coded<Note>(NOTES));

/** Accepts codes that only a newer side knows, without checking their facts. */
function coded<T extends { readonly code: string }>(
  facts: Readonly<Record<string, Schema<unknown>>>,
): Schema<T> {
  const hasCode = object({ code: word<string>() });
  return v.lazy((input) => {
    const { code } = (input ?? {}) as { code?: unknown };
    const known = typeof code === 'string' && Object.hasOwn(facts, code) ? facts[code] : undefined;
    return known ? v.intersect([hasCode, known], 'an object') : hasCode;
  }) as Schema<T>;
}
