import { formatEndpoint } from '../model/endpoint';
import type { FindingProblem, Note, NoteCode, NoteFacts } from '../model/note';
import { MAX_NAME_BYTES } from '../model/pvTable';
import type { FrontEndWords } from './frontEndWords';
import { ownerText, takenText } from './problemText';

/**
 * The words for a note: a clause without a full stop. Texts from outside are not escaped: apply
 * `printable` last.
 */
export function noteText(note: Note, words: FrontEndWords): string {
  const describe = TEXTS[note.code] as ((facts: Note, words: FrontEndWords) => string) | undefined;
  return describe?.(note, words) ?? '';
}

/** All notes in one line, as `noteText` words them. */
export function notesText(notes: readonly Note[] | undefined, words: FrontEndWords): string {
  return (notes ?? [])
    .map((note) => noteText(note, words))
    .filter((text) => text !== '')
    .join('; ');
}

type Texts = {
  readonly [C in NoteCode]: (facts: NoteFacts[C], words: FrontEndWords) => string;
};

const TEXTS: Texts = {
  forwarded: ({ local, owner }) =>
    `already forwarded to ${formatEndpoint(local)}${owner ? ` by ${ownerText(owner)}` : ''}`,
  'port-skipped': ({ local, taken }) => `${takenText(taken)}; relayed at ${formatEndpoint(local)}`,
  'other-number': ({ port, local, taken }) =>
    (taken.length > 0 ? takenText(taken) : `no address of this machine is left for port ${port}`) +
    `; relayed under another number, ${formatEndpoint(local)}` +
    (isSystemPort(taken) ? '' : ', and under its own as soon as that is free') +
    '; clients that search find it in any case',
  'published-elsewhere': ({ port, hostPorts, local }) =>
    `published as port ${hostPorts.join(', ')}, but the server gives clients ${port}` +
    (local.port === port ? '; relayed under its own number' : ''),
  'published-in-vain': ({ port, inside, published, local }) =>
    `port ${port} is published, but it listens on ${inside} inside: ${published.map(formatEndpoint).join(' and ')} leads nowhere` +
    (local ? `; use ${formatEndpoint(local)}` : ''),
  'ignores-senders': ({ variable, addresses }) =>
    `it ignores searches from ${addresses} (${variable} in its environment)`,
  'not-found-by-name': ({ reason, software }, { read }) => FINDING[reason](software, read),
  'also-served': ({ name, server }) => `PV ${name} is also served by ${server}`,
  'says-yes': () => 'it says yes to every name, so it is asked last',
  'read-denied': ({ count, user }) => `its access security denies reading ${pvs(count)} to ${user}`,
  'names-not-served': ({ count }) =>
    `${count} of the names in its files are not served: check the IOC's log for records that were not loaded`,
  'no-answers': ({ count }) => `${pvs(count)} got no answer in time`,
  'channels-refused': ({ count }) => `the server refuses a channel for ${pvs(count)}`,
  'names-beyond': ({ count, software }) =>
    `${count === 1 ? '1 name is' : `${count} names are`} longer than ${software} accepts`,
  'names-harmful': ({ count }) =>
    `the server ends the circuit when it is asked for ${count === 1 ? '1 name, which is' : `${count} names, which are`} not asked for any more`,
  'ports-left-out': ({ count }) => `this IOC listens on ${count} more ports, which are left alone`,

  'gateway-names': () => 'a gateway does not report which PVs are behind it',
  'no-list': () => 'core-pva servers have no list of their PVs',
  'process-hidden': () => 'the IOC process is not visible, so its database files are not known',
  'names-failed': ({ detail }) => detail,
  'names-file': ({ detail }) => detail,
  'names-other-loaders': ({ commands }) =>
    `${commands.length === 1 ? '1 command' : `${commands.length} commands`} may load more records: ${commands.join(', ')}`,
  'names-cut': ({ kept, listed }) =>
    `stopped after ${kept} names: it lists ${listed}, which is too many`,
  'names-refused': ({ kept, detail }) => `stopped after ${kept} names: ${detail}`,
  'names-too-long': ({ count }) =>
    `${count === 1 ? '1 name is' : `${count} names are`} left out: longer than ${MAX_NAME_BYTES} bytes`,
};

const FINDING: Readonly<Record<FindingProblem, (software: string, read: string) => string>> = {
  'pvxs-ignores': (software, read) =>
    `PVXS clients (p4p) do not accept the answers of this ${software} to searches over TCP: they do not find its PVs; ${read} does`,
  'udp-only': (software, read) =>
    `${software} answers searches by UDP only, which does not cross into the container: name-server clients (p4p, Phoebus) do not find its PVs; ${read} does`,
  'caproto-ends': (software, read) =>
    `${software} ends the circuit when libca searches over it as a name server: caget and pyepics do not find its PVs; ${read} and Phoebus do`,
};

function isSystemPort(taken: NoteFacts['other-number']['taken']): boolean {
  return taken.some(({ refusal }) => refusal.why === 'system');
}

function pvs(count: number): string {
  return count === 1 ? '1 PV' : `${count} PVs`;
}
