import type { Finding, FindingCode, FindingFacts } from '../model/diagnosis/finding';
import { preferenceOf } from '../model/diagnosis/phoebusSettings';
import type { Rung, RungState } from '../model/diagnosis/pvLadder';
import { formatEndpoint, isLoopback, isUnspecified } from '../model/endpoint';
import type { NoteCode } from '../model/note';
import type { RouteKind } from '../model/snapshot';
import { noteText } from './noteText';
import type { FrontEndWords } from './frontEndWords';
import {
  capital,
  ownerText,
  problemText,
  PROTOCOL_NAMES,
  type ProblemText,
  similarText,
} from './problemText';

/** The words for a finding. Texts from outside are not escaped: apply `printable` last. */
export function findingText(finding: Finding, words: FrontEndWords): ProblemText {
  const describe = TEXTS[finding.code] as (facts: Finding, words: FrontEndWords) => ProblemText;
  return describe(finding, words);
}

/** What to do about what servers do with PVs. */
const NOTE_ADVICE: Partial<Record<NoteCode, string>> = {
  'read-denied': 'Change the access security of the IOC (asSetFilename), or be that user and host.',
  'channels-refused': 'See the log of the IOC, which says why it refuses them.',
  'names-not-served': 'Check with dbl in the IOC shell that their databases are loaded.',
  'published-in-vain': 'Publish no port, or have the IOC listen on every address.',
  'ignores-senders':
    'Name servers are not affected; for searches by UDP, remove your address from it.',
  'no-answers': 'Check that the IOC is not busy or stopped in a debugger.',
};

type Texts = {
  readonly [C in FindingCode]: (facts: FindingFacts[C], words: FrontEndWords) => ProblemText;
};

const TEXTS: Texts = {
  'list-separator': ({ variable, value, meant, hasPortByComma, taken, client, ...where }) => ({
    message: `${placeText(where)}${assignment(variable, value)}: ${hasPortByComma ? 'a port follows a colon' : 'entries are separated by blanks'}; ${taken ? `${client} takes it for ${formatEndpoint(taken)} alone` : `${who(client, 'ignore')} this one`}`,
    advice: `Write ${assignment(variable, meant)}.`,
  }),
  'entry-no-address': ({ variable, entry, client, ...where }) => ({
    message: `${placeText(where)}"${entry}" in ${variable} is no address; ${who(client, 'ignore')} it`,
    advice: 'Write HOST or HOST:PORT, separated by blanks.',
  }),
  'name-server-udp-port': ({ variable, entry, port, ours, ...where }) => ({
    message: `${placeText(where)}${entry} in ${variable}: ${port} is the UDP search port; name servers are TCP: 5075${ours ? `, or ours, ${ours.port}` : ''}`,
    advice: `Write ${ours ? formatEndpoint(ours) : entry.replace(/:\d+$/, ':5075')} instead.`,
  }),
  'name-server-other-protocol': ({ variable, entry, protocol, ...where }) => ({
    message: `${placeText(where)}${entry} in ${variable} is our name server for ${PROTOCOL_NAMES[protocol]}`,
    advice: `Move it to ${(isPreference(variable) ? preferenceOf : String)(`EPICS_${protocol.toUpperCase()}_NAME_SERVERS`)}.`,
  }),
  'entry-refuses': ({ variable, entry, ourPlace, isWaitedFor, client = 'caget', ...where }) => ({
    message: `${placeText(where)}${entry} in ${variable} ${ourPlace ? `is our name server, which is not open: no server of ${PROTOCOL_NAMES[ourPlace]} is exposed now` : 'refuses: nobody listens there'}${isWaitedFor ? `; ${client} waits 30 s for it` : ''}${gatewayText(where.gateway)}`,
    advice: ourPlace ? 'Leave it: it opens as soon as one is exposed.' : insteadText(where),
  }),
  'entry-ends': ({ variable, entry, gateway, ...where }) => ({
    message: `${placeText(where)}nothing listens behind ${entry} in ${variable}: connections are ended at once${gatewayText(gateway)}`,
    advice: insteadText({ ...where, ...(gateway && { gateway }) }),
  }),
  'entry-in-vain': ({ variable, entry, container, inside, ...where }) => ({
    message: `${placeText(where)}${entry} in ${variable}: ${container} publishes it, but its IOC listens on ${inside} inside: that port leads nowhere`,
    advice: insteadText(where),
  }),
  'entry-leads-to': ({ variable, entry, owner, ioc, ...where }) => ({
    message: `${placeText(where)}${entry} in ${variable} is ${ownerText(owner)} and leads to ${ioc.iocName} in ${ioc.containerName} alone`,
    advice: insteadText(where),
  }),
  'entry-other-port': ({ variable, entry, ioc, goOnTo, ...where }) => ({
    message: `${placeText(where)}${entry} in ${variable} leads to ${ioc.iocName} in ${ioc.containerName}, which tells clients its own port: they go on to ${formatEndpoint(goOnTo)}, and that is not this IOC`,
    advice: insteadText(where),
  }),
  'entry-stranger': ({ variable, entry, owner, protocol, ...where }) => ({
    message: `${placeText(where)}${entry} in ${variable} is ${ownerText(owner)}, which does not answer ${PROTOCOL_NAMES[protocol]}`,
    advice: insteadText(where),
  }),
  'entry-silent': ({ variable, entry, ...where }) => ({
    message: `${placeText(where)}connections to ${entry} in ${variable} are not answered`,
    advice: 'Check what listens there, and packet filters.',
  }),
  'search-entry': ({ variable, entry, port, searchPort, answered, ...where }) => ({
    message: `${placeText(where)}${entry} in ${variable} is searched on UDP ${port}, where ${answeredText(answered)}`,
    advice: `Write ${entry.replace(/:\d+$/, `:${searchPort}`)} instead.`,
  }),
  'search-port': ({ variable, port, answered, ...where }) => ({
    message: `${placeText(where)}your clients search on UDP ${port} (${variable}), where ${answeredText(answered)}`,
    advice: `Unset ${variable}, or set it to the port of the IOC.`,
  }),
  'search-unsure': ({ variable, entry, port, searchPort, ...where }) => ({
    message: `${placeText(where)}${entry} in ${variable} is searched on UDP ${port}, and whether anybody answers there is not known`,
    advice: `To find what is exposed, write ${entry.replace(/:\d+$/, '')}:${searchPort}.`,
  }),
  'variable-unknown': ({ variable, meant, ...where }) => ({
    message: `${placeText(where)}no client reads ${variable}`,
    advice: `Write ${meant} instead.`,
  }),
  'not-set-up': ({ protocol, nameServer, client, variable, file }, { clientSetUp }) => ({
    message: `${who(client, 'look', `of ${PROTOCOL_NAMES[protocol]}`)} neither at our name server ${formatEndpoint(nameServer)} nor at 127.0.0.1${client === undefined ? '' : ` over ${PROTOCOL_NAMES[protocol]}`}`,
    advice:
      variable === undefined
        ? `${clientSetUp}.`
        : `Write ${assignment(variable, formatEndpoint(nameServer))}${file === undefined ? '' : ` into ${file}`}.`,
  }),
  'searches-ignored': ({ variable, ioc, list, addresses, ours, nameServers, ...where }) => ({
    message: `${placeText(where)}clients search 127.0.0.1 (${variable}), and ${ioc} ignores searches from ${addresses}: ${list} in its environment`,
    advice: ours
      ? `Set ${assignment(nameServers, formatEndpoint(ours))}; or remove 127.0.0.1 from ${list}.`
      : `Remove 127.0.0.1 from ${list}.`,
  }),
  'not-searched': ({ client = 'it', variable, unread, isAnswered }, { searchMode }) => ({
    message: `${client} ${unread === undefined ? 'has no name servers' : `does not read ${unread}`}, and searches 127.0.0.1 only if ${variable} names it`,
    advice: `Set ${variable}=127.0.0.1${isAnswered ? '' : `, and have searches answered: see ${searchMode}`}.`,
  }),
  'only-some-clients': ({ variable, clients }, { oneClient }) => ({
    message: `${variable} is not read by ${clients.join(', ')}`,
    advice: `${oneClient}.`,
  }),
  'preferences-unknown': ({ client }) => ({
    message: `the settings of ${client} over Channel Access are not known: it reads EPICS_CA_* only if its Java is started with -Djca.use_env=true`,
    advice: 'Examine its preferences with --phoebus FILE.',
  }),
  'setting-unknown': ({ variable, ...where }) => ({
    message: `${placeText(where)}the value of ${variable} is not known: it depends on other variables`,
    advice: 'Examine a running client: epics-expose doctor --pid N.',
  }),
  'preference-unknown': ({ variable, meant, ...where }) => ({
    message: `${placeText(where)}Phoebus has no preference ${variable}`,
    advice: meant === undefined ? 'Remove it.' : `Write ${meant} instead, or remove it.`,
  }),
  'preference-no-package': ({ variable, ...where }) => ({
    message: `${placeText(where)}"${variable}" is no preference: Phoebus does not start with this file`,
    advice: 'Write PACKAGE/NAME=VALUE, or # before what is a comment.',
  }),
  'not-exposed': (_, { expose }) => ({
    message: 'nothing is exposed on this machine now: clients here find no PV of a container',
    advice: `${expose}.`,
  }),
  'port-forwarded': ({ port, isUdp, ...where }) => ({
    message: `${placeText(where)}forwardPorts has ${port}: ${isUdp ? 'only datagrams go there, and VS Code forwards none' : 'VS Code forwards it under another number if it is taken, and clients need the same one'}`,
    advice: 'Remove it: epics-expose carries the ports of IOCs itself.',
  }),
  'port-renumbered': ({ service, inside, here, ...where }) => ({
    message: `${placeText(where)}${service === undefined ? '' : `${service}: `}port ${inside} is published as ${here ?? 'any that is free'}: clients need the same number`,
    advice: `Publish 127.0.0.1:${inside}:${inside}, or none: epics-expose needs no published port.`,
  }),
  'port-not-listening': ({ service, variable, published, listens, ...where }) => ({
    message: `${placeText(where)}${service === undefined ? '' : `${service}: `}port ${published} is published, but its server listens on ${listens} (${variable})`,
    advice: `Publish 127.0.0.1:${listens}:${listens}, or none: epics-expose needs no published port.`,
  }),
  'settings-ignored': (where) => ({
    message: `${placeText(where)}VS Code does not read customizations.settings`,
    advice: 'Move them to customizations.vscode.settings.',
  }),
  'file-not-read': ({ reason, ...where }) => ({
    message: `${placeText(where)}it cannot be read: ${reason}`,
    advice: 'Correct it.',
  }),
  'broker-differs': ({ version, own }, { endBroker }) => ({
    message: `the background process is version ${version}, and this program version ${own}`,
    advice: `They work together; to have one version, end it with ${endBroker}.`,
  }),
  'searches-differ': ({ modes, widest }, { searchMode }) => ({
    message: `front ends want different searches by UDP answered (${modes.join(', ')}): ${widest} counts for all`,
    advice: `Give all of them the same: see ${searchMode}.`,
  }),
  'answers-differ': (_, { answerMode }) => ({
    message: 'one front end wants clients to go direct, and another by relay: relay counts for all',
    advice: `Give all of them the same: see ${answerMode}.`,
  }),
  problem: ({ problem, container, ioc }, words) => {
    const { message, advice } = problemText(problem, words);
    const where = [ioc, container].filter(Boolean).join(' in ');
    return { message: where === '' ? message : `${where}: ${message}`, advice };
  },
  'engine-unanswered': ({ uri }) => ({
    message: `the engine at ${uri} has not answered yet`,
    advice: 'Try again if this machine is busy; else check its log, or restart it.',
  }),
  'server-unanswered': ({ container, port }) => ({
    message: `${container}: what listens on port ${port} has not answered yet`,
    advice: 'Try again if this machine is busy; else check that the IOC does not hang.',
  }),
  'foreign-ioc': ({ program, user, pid, uid, engine, others }, { nameEngine }) => ({
    message: `${program} of user ${user} runs in a container (pid ${pid})${others === 0 ? '' : `, and ${others} more`}, whose engine is not looked at`,
    advice: `Run as ${user}, or ${nameEngine}; its socket is usually ${usualSocket(uid, engine)}.`,
  }),
  'server-note': ({ note, container, ioc }, words) => ({
    message: [container, ioc, noteText(note, words)].filter(Boolean).join(': '),
    advice: NOTE_ADVICE[note.code] ?? '',
  }),
  duplicates: ({ count, example, iocs, protocol }) => ({
    message: `${count === 1 ? `${example} is` : `${count} PVs, such as ${example}, are`} served by ${iocs.map(({ iocName, containerName }) => `${iocName} in ${containerName}`).join(' and ')} over ${PROTOCOL_NAMES[protocol]}; clients here get ${count === 1 ? 'that' : 'those'} of ${iocs[0]?.containerName}, which started first`,
    advice: 'Stop one of the IOCs, or give one another prefix.',
  }),
  'no-such-pv': ({ pv, similar, isListIncomplete }, { namePvs }) => ({
    message: `no IOC that is exposed here has ${pv}${similar.length > 0 ? `; did you mean ${similarText(similar)}?` : ''}`,
    advice: isListIncomplete
      ? `The list of an IOC is incomplete, so it may be there: ${namePvs}.`
      : 'Check its spelling, and with dbl in the IOC shell that its database is loaded.',
  }),
  'pv-ended': ({ pv, ioc: { iocName, containerName } }) => ({
    message: `${pv} was served by ${iocName} in ${containerName}, which has ended`,
    advice: 'Start it again: its PVs come back automatically.',
  }),
  'not-loaded': ({ pv, place: { iocName, containerName, file, line } }) => ({
    message: `${pv} stands in ${file}:${line}, but ${iocName} in ${containerName} does not have it: it has not loaded that record`,
    advice: 'Restart the IOC if the file is newer; otherwise see what its log says of that file.',
  }),
  'pv-not-answered': ({ pv }) => ({
    message: `${pv} was asked for, and not answered yet`,
    advice: 'Try again; if that does not help, check that its IOC is not busy or stopped.',
  }),
  'other-protocol': ({ pv, protocol }) => ({
    message: `${pv} is served, but not over ${PROTOCOL_NAMES[protocol]}`,
    advice: `Read it over ${PROTOCOL_NAMES[protocol === 'ca' ? 'pva' : 'ca']}.`,
  }),
  'pv-not-read': ({ pv, protocol, ioc, problem }, words) => {
    const { message, advice } = problemText(problem, words);
    return { message: `${pv} (${PROTOCOL_NAMES[protocol]}, ${ioc}): ${message}`, advice };
  },
  'pv-undefined': ({ pv, ioc }) => ({
    message: `${pv} of ${ioc} is readable, but its record was never processed: it has no valid value (UDF)`,
    advice: 'Process it, or set PINI or SCAN in its database.',
  }),
};

/** Where the engine of a user listens if nobody has told it otherwise. */
function usualSocket(uid: number, engine: FindingFacts['foreign-ioc']['engine']): string {
  const folder = uid === 0 ? '/run' : `/run/user/${uid}`;
  return `unix://${folder}/${engine === 'podman' ? 'podman/podman.sock' : 'docker.sock'}`;
}

/** `Phoebus ignores`, `clients of pvAccess ignore`. */
function who(client: string | undefined, verb: string, kind?: string): string {
  if (client !== undefined) return `${client} ${verb}s`;
  return [`clients`, kind, verb].filter((word) => word !== undefined).join(' ');
}

const REMOVE_ENTRY = 'Remove it, or start what should listen there.';

type Instead = Pick<FindingFacts['entry-ends'], 'ours' | 'gateway'>;

function gatewayText(gateway: Instead['gateway']): string {
  return gateway ? `; ${gateway.name} is at ${formatEndpoint(gateway.at)}` : '';
}

function insteadText({ ours, gateway }: Instead): string {
  const [first, ...others] = [ours, gateway?.at].flatMap((one) => (one ? formatEndpoint(one) : []));
  if (first === undefined) return REMOVE_ENTRY;
  return `Write ${[ours ? `${first} (our name server)` : first, ...others].join(', or ')} instead.`;
}

function answeredText(answered: FindingFacts['search-entry']['answered']): string {
  if (!answered) return 'nobody listens';
  return `${PROTOCOL_NAMES[answered.protocol]} is answered, not ${PROTOCOL_NAMES[answered.wanted]}`;
}

function isPreference(variable: string): boolean {
  return variable.includes('/');
}

/** As a person writes it: quotes would be part of a preference. */
function assignment(variable: string, value: string): string {
  return isPreference(variable) ? `${variable}=${value}` : `${variable}="${value}"`;
}

function placeText({ file, line }: { file?: string; line?: number }): string {
  if (file === undefined) return '';
  return `${file}${line === undefined ? '' : `:${line}`}: `;
}

const RUNG_WORDS: Record<Rung, string> = {
  engine: 'container engine',
  container: 'container',
  process: 'IOC process',
  log: 'its log',
  socket: 'listens in the container',
  address: 'on the address',
  filter: 'no packet filter',
  route: 'route from this machine',
  holder: 'its port here is held by',
  relay: 'relay on this machine',
  handshake: 'handshake from here',
  search: 'searches are answered',
  told: 'clients are sent to',
  channel: 'channel',
  access: 'read access',
  read: 'value',
  alarm: 'alarm',
};

/** A rung as a line: what it is, how it is, and its facts or the reason. */
export function rungText(
  { rung, state, facts, problem }: RungState,
  words: FrontEndWords,
): { readonly name: string; readonly state: string; readonly text: string } {
  const why = problem ? capital(problemText(problem, words).message) : '';
  const known = FACT_WORDS[rung]?.(facts[0] ?? '') ?? facts.filter((fact) => fact !== '').join(' ');
  const text = state === 'broken' ? why : known;
  return {
    name: RUNG_WORDS[rung],
    // It can be read, and nobody would call that fine.
    state: rung === 'alarm' && (facts[0] ?? 'NO_ALARM') !== 'NO_ALARM' ? 'in alarm' : STATES[state],
    text,
  };
}

/** Facts that say little by themselves. */
const FACT_WORDS: Partial<Record<Rung, (fact: string) => string | undefined>> = {
  log: (count) => `${count} lines, below`,
  address: (host) => {
    if (isUnspecified(host)) return 'every address';
    return isLoopback(host) ? `${host}, which is reached from inside only` : host;
  },
  route: (kind) => ROUTE_WORDS[kind as RouteKind],
};

const ROUTE_WORDS: Partial<Record<RouteKind, string>> = {
  'host-network': 'none needed: it uses the network of this machine',
  published: 'published port',
  address: "the container's address",
  entered: 'entered: connects inside, because its address does not lead there from here',
  'exec-node': 'node in the container: connects inside, because no other way leads there from here',
  'exec-python':
    'python3 in the container: connects inside, because no other way leads there from here',
  'exec-connector':
    'a program in the container for each connection, because no other way leads there from here',
};

const STATES: Record<RungState['state'], string> = {
  fine: 'fine',
  broken: 'broken',
  unknown: 'not checked',
};
