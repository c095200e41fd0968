import { messageOf } from '../base/errors';
import { printable } from '../base/printable';
import { formatEndpoint } from '../model/endpoint';
import type { SimilarPv } from '../model/iocPlace';
import {
  type PortOwner,
  type PortRefusal,
  type Problem,
  type ProblemCode,
  ProblemError,
  type ProblemFacts,
  type TakenPort,
} from '../model/problem';
import type { PvStep } from '../model/pvTable';
import type { PvProtocol } from '../model/snapshot';
import { PERMIT_DOCKER, START_DOCKER, START_PODMAN } from './engineCures';
import type { FrontEndWords } from './frontEndWords';

/** A problem in words for the user. */
export interface ProblemText {
  /** What is wrong, and where: one sentence, whose full stop may be missing. */
  readonly message: string;
  /** What to do: one sentence or two. */
  readonly advice: string;
}

/** The words for a problem. Texts from outside are not escaped: apply `printable` last. */
export function problemText(problem: Problem, words: FrontEndWords): ProblemText {
  const describe = TEXTS[problem.code] as
    ((facts: Problem, words: FrontEndWords) => ProblemText) | undefined;
  // A newer background process may report problems that we do not know.
  return describe?.(problem, words) ?? { message: UNKNOWN_PROBLEM, advice: `${words.update}.` };
}

/** A problem as one or two sentences, printable. */
export function problemSentence(problem: Problem, words: FrontEndWords): string {
  return sentence(problemText(problem, words));
}

/** What to show for anything that was thrown; apply `printable` last. */
export function errorText(error: unknown, words: FrontEndWords): string {
  if (error instanceof ProblemError) return problemSentence(error.problem, words);
  return messageOf(error);
}

/** Message and advice as sentences, printable. */
export function sentence({ message, advice }: ProblemText): string {
  return printable(`${message.replace(/\.$/, '')}. ${advice}`);
}

/** For a table cell: what stops a PV or a server, in two or three words. */
export function stateWords(state: string): string {
  return SHORT_WORDS[state as ProblemCode | PvStep] ?? 'failed';
}

const UNKNOWN_PROBLEM = 'something is wrong that this version has no words for';

const SHORT_WORDS: Partial<Record<ProblemCode | PvStep, string>> = {
  reachable: 'reachable',
  pending: 'pending',
  'not-served': 'not served',
  'no-read-access': 'no read access',
  'not-found': 'not found',
  'create-refused': 'create refused',
  disconnected: 'disconnected',
  'no-answer': 'no answer',
  'name-too-long': 'name too long',
  'ends-circuit': 'ends circuit',
  'broker-silent': 'not updated',
  'broker-gone': 'not updated',
  'ioc-gone': 'IOC gone',
  'ioc-no-port': 'no port open',
  'container-stopped': 'container stopped',
  'container-removed': 'container removed',
  'container-restarts': 'restarting',
  'container-paused': 'container paused',
  'ioc-suspended': 'IOC suspended',
  'no-handshake': 'no handshake',
  'no-way-in': 'no route',
  'packets-dropped': 'packets dropped',
  'port-taken': 'port taken',
  'not-relayed': 'not relayed',
  'relay-ended': 'relay ended',
};

type Texts = {
  readonly [C in ProblemCode]: (facts: ProblemFacts[C], words: FrontEndWords) => ProblemText;
};

/** Why there is no channel, where it is not the IOC that says so. */
const NO_CHANNEL: Partial<Record<PvStep, string>> = {
  disconnected: 'it was reachable, but its circuit or channel is gone',
  'no-answer': 'its IOC did not answer in time',
  'name-too-long': 'its name is longer than its server accepts',
  'ends-circuit': 'its server ends the circuit when it is asked for this name',
};

/** What each protocol is called. */
export const PROTOCOL_NAMES: Readonly<Record<PvProtocol, string>> = {
  ca: 'Channel Access',
  pva: 'pvAccess',
};

const TEXTS: Texts = {
  'no-engine': (_, { nameEngine }) => ({
    message: 'Neither Docker nor Podman runs containers here.',
    advice: `Start a container, or ${nameEngine}.`,
  }),
  'engine-here': (_, { nameEngine }) => ({
    message: 'IOCs beside this program can be found on Linux only.',
    advice: `${capital(nameEngine)}.`,
  }),
  'engine-permission': ({ path, host }) => {
    if (host !== undefined) {
      return {
        message: `On ${host} you have no permission to use the engine socket ${path}.`,
        advice: `Run "${PERMIT_DOCKER}" there, or use a rootless engine.`,
      };
    }
    return {
      message: `You have no permission to use the engine socket ${path}.`,
      advice: path.includes('podman')
        ? `Containers of the system Podman belong to root: run as root, or run yours with rootless Podman (${START_PODMAN}).`
        : `Run "${PERMIT_DOCKER}" and log in again (that group has the rights of root), or use a rootless engine.`,
    };
  },
  'engine-hidden': ({ path }, { nameEngine }) => ({
    message: `You have no permission to read the folder of ${path}.`,
    advice: `Run as its owner, or ${nameEngine}.`,
  }),
  'engine-not-running': ({ path, isMissing }) => ({
    message: isMissing
      ? `No engine is running: there is no ${path}.`
      : `No engine is running: nothing listens on ${path}.`,
    advice: path.includes('podman')
      ? `Start it: "${START_PODMAN}", or "podman machine start" if Podman runs in a machine.`
      : `Start it: "${START_DOCKER}", or the Docker Desktop application.`,
  }),
  'engine-timeout': ({ uri }) => ({
    message: `The engine at ${uri} accepts connections but does not answer.`,
    advice: 'Check its log, or restart it.',
  }),
  'engine-unreachable': ({ uri, detail }) => ({
    message: `The engine at ${uri} cannot be used: ${detail}.`,
    advice: uri.startsWith('tcp:') ? 'Check the address and the network.' : 'Check its log.',
  }),
  'engine-tls': ({ uri, detail }) => ({
    message:
      uri === undefined
        ? `A TLS file for the engine cannot be read: ${detail}.`
        : `The TLS settings do not match those of the engine at ${uri}: ${detail}.`,
    advice:
      'Check DOCKER_TLS_VERIFY and DOCKER_CERT_PATH (ca.pem, cert.pem, key.pem), or the TLS files of the context.',
  }),
  'engine-api': ({ uri, version, api, oldestApi }) => ({
    message:
      api === undefined
        ? `What answers at ${uri} is not a container engine.`
        : `The engine at ${uri} (version ${version ?? 'unknown'}) speaks API ${api}, which is too old.`,
    advice: `Use Docker or Podman with API ${oldestApi} or newer.`,
  }),
  'engine-duplicate': ({ uri }) => ({
    message: `${uri} leads to an engine that is already in use.`,
    advice: 'Nothing needs to be done.',
  }),
  'podman-missing': () => ({
    message: 'There is no program "podman" here.',
    advice: 'Install Podman, or choose another engine.',
  }),
  'podman-service': ({ detail }) => ({
    message: `Podman does not serve its API: ${detail || 'it ended without a message'}.`,
    advice: 'Check what "podman info" says in a terminal.',
  }),
  'engine-idle': () => ({
    message: 'Podman runs no container.',
    advice: `Start one, or run "${START_PODMAN}".`,
  }),
  'ssh-unsupported': () => ({
    message: 'The ssh of Windows cannot forward a socket file, so ssh:// engines do not work here.',
    advice: 'Work in WSL, or on the other machine.',
  }),
  'ssh-missing': ({ detail }) => ({
    message: withDetail('There is no program "ssh" here.', detail),
    advice: 'Install the OpenSSH client.',
  }),
  'ssh-host-key': ({ host, detail }) => ({
    message: withDetail(`ssh does not trust the host key of ${host}.`, detail),
    advice: `Run "ssh ${host}" once in a terminal, and check the key.`,
  }),
  'ssh-auth': ({ host, detail }) => ({
    message: withDetail(`ssh to ${host} was refused: it accepted none of your keys.`, detail),
    advice: `Make "ssh ${host}" work without a prompt (ssh-add, ssh-copy-id, ~/.ssh/config).`,
  }),
  'ssh-unreachable': ({ host, detail }) => ({
    message: withDetail(`ssh does not reach ${host}.`, detail),
    advice: 'Check the name, the network, a VPN, and that sshd runs there.',
  }),
  'ssh-failed': ({ host, detail }) => ({
    message: `ssh to ${host} ended${detail ? `: ${detail}` : ' without a message'}.`,
    advice: `Check what "ssh ${host}" says in a terminal.`,
  }),
  'ssh-no-socket': ({ host, path }) => ({
    message: `On ${host} there is no engine socket at ${path ?? 'any of the usual places'}.`,
    advice:
      'Start the engine there (Podman: "systemctl --user enable --now podman.socket"), or name its socket: ssh://host/path/of.sock.',
  }),

  'container-paused': ({ container }) =>
    container === undefined
      ? { message: 'its container is paused', advice: 'Unpause the container.' }
      : {
          message: `container ${container} is paused, so its IOCs do not answer`,
          advice: `Unpause it (docker unpause ${container} or podman unpause ${container}).`,
        },
  'ioc-no-port': ({ pid, lastLine, interfaces }) => ({
    message: `it runs${pid === undefined ? '' : ` (pid ${pid})`}, but opened no port for Channel Access or pvAccess${
      interfaces
        ? `: ${interfaces.variable}="${interfaces.value}" in its environment names no address of its container`
        : lastLine === undefined
          ? ''
          : `; its log ends: "${lastLine}"`
    }`,
    advice: interfaces
      ? `Leave ${interfaces.variable} out: then it listens on every address.`
      : "Check the IOC's console: iocInit may have failed, or it still starts. It is exposed as soon as it listens.",
  }),
  'container-restarts': ({ container, count, exitCode }) => ({
    message: `container ${container} ends and is started again, ${count} times until now${
      exitCode === undefined ? '' : `, last with exit code ${exitCode}`
    }`,
    advice: 'Check its log: its IOC ends soon after it starts. It is exposed once it stays.',
  }),
  'container-stopped': ({ container, exitCode }) => ({
    message:
      exitCode === undefined
        ? `container ${container} was stopped or removed`
        : `container ${container} ended with exit code ${exitCode}`,
    advice: `Start it (docker start ${container} or podman start ${container}): its IOCs are exposed again as soon as they listen.`,
  }),
  'container-removed': ({ container }) => ({
    message: `container ${container} was removed`,
    advice: 'Create it again: its IOCs are exposed as soon as they listen.',
  }),
  'cannot-look-inside': ({ container, detail }) => ({
    message: `cannot see the sockets of container ${container} at present: ${detail}`,
    advice: 'It is tried again automatically. The container must have a shell, python3 or node.',
  }),
  'ioc-suspended': ({ pid }) => ({
    message: `the IOC's process${pid === undefined ? '' : ` (pid ${pid})`} is suspended by Ctrl-Z or another signal, and answers nobody`,
    advice: `Let it go on: fg in the terminal where it was started${pid === undefined ? '' : `, or kill -CONT ${pid} in its container`}.`,
  }),

  'ioc-gone': ({ port }) => ({
    message: `the IOC stopped listening on port ${port}`,
    advice: 'Start the IOC again: its PVs come back automatically.',
  }),
  'no-handshake': ({ port, protocol }) => ({
    message: `the process listens on port ${port} but does not answer ${PROTOCOL_NAMES[protocol]}`,
    advice:
      'Check the IOC itself: it may not have reached iocInit yet, or hang; or another program uses that port.',
  }),
  'packets-dropped': ({ port }) => ({
    message: `connections to port ${port} time out although it listens: a packet filter?`,
    advice:
      "Check the rules in the container's network (iptables -L, nft list ruleset), or that the IOC does not hang with a full queue.",
  }),
  'no-way-in': ({ port, tried }) => ({
    message: `no route into the container leads to port ${port}. Tried: ${triedText(tried)}`,
    advice:
      'Add node, python3, socat or nc to the image, or publish the port under the same number.',
  }),
  'port-taken': ({ port, taken }) => ({
    message: `port ${port} is taken on this machine: ${takenText(taken)}`,
    advice: takenAdvice(port, taken),
  }),
  'not-relayed': ({ port }, { expose }) => ({
    message: `the server answers in the container, but port ${port} is not relayed to this machine`,
    advice: `${expose}.`,
  }),
  'relay-ended': ({ endpoint, detail }, { moreDetails }) => ({
    message: `the relay at ${formatEndpoint(endpoint)} ended: ${detail}`,
    advice: `It is opened again automatically; for details ${moreDetails}.`,
  }),
  disconnected: ({ detail }) => ({
    message: `no circuit to the server: ${detail}`,
    advice: 'It is tried again automatically. Check that the IOC is still running.',
  }),
  internal: ({ detail }, { moreDetails }) => ({
    message: detail,
    advice: `Please report this; for details ${moreDetails}.`,
  }),

  'search-port-taken': ({ protocol, endpoint, refusal }) => {
    const prefix = `EPICS_${protocol.toUpperCase()}`;
    return {
      message: `UDP ${formatEndpoint(endpoint)} ${refusalText(refusal)}: clients that search there (${prefix}_ADDR_LIST=127.0.0.1) get no answer from us`,
      advice: `Clients with ${prefix}_NAME_SERVERS find all PVs; the port is tried again automatically.`,
    };
  },
  'well-known-port-taken': ({ protocol, endpoint, refusal }, { clientEnvironment }) => {
    const name = protocol.toUpperCase();
    return {
      message: `${formatEndpoint(endpoint)} ${refusalText(refusal)}: clients that know only that address do not find all ${name} PVs`,
      advice: `Give them ${clientEnvironment} (EPICS_${name}_NAME_SERVERS).`,
    };
  },
  'port-given-back': ({ container, transport, endpoint }) => ({
    message: `container ${container} could not start because epics-expose had ${transport.toUpperCase()} port ${formatEndpoint(endpoint)}, which it publishes; the port is free for it now`,
    advice: `Start it again (docker start ${container}).`,
  }),

  'not-served': ({ protocol }) => ({
    message: `no IOC here serves it over ${PROTOCOL_NAMES[protocol]}`,
    advice: 'Check its spelling, and with dbl in the IOC shell that its database is loaded.',
  }),
  'no-read-access': ({ user }) => ({
    message: `its access security denies reading to ${user}`,
    advice: "Check the IOC's access security file: which users and hosts may read it.",
  }),
  'no-channel': ({ step }) => ({
    message: NO_CHANNEL[step] ?? `its IOC reports: ${stateWords(step)}`,
    advice: 'It is asked again automatically.',
  }),
  'not-read': ({ detail }) => ({
    message: detail,
    advice:
      'Ask again; if that does not help, check the name of its field, and that its IOC is not stopped or busy.',
  }),

  'searched-in-vain': ({ pv, similar, client }) => ({
    message: `${client ? ownerText({ process: client }) : 'a client'} searches for ${pv}, which no IOC here has; the nearest is ${similarText(similar)}`,
    advice: 'Check its spelling in the client.',
  }),

  'broker-older': ({ version, own, program }, { endBroker }) => ({
    message:
      `the background process (version ${version}) is too old for this program (${own})` +
      (program === undefined ? '' : `, and ${program} is no newer: reinstall it`),
    advice: `End the background process with ${endBroker}.`,
  }),
  'broker-newer': ({ version, own }, { endBroker, update }) => ({
    message: `the background process (version ${version}) is newer than this program (${own})`,
    advice: `${update}, or end the background process with ${endBroker}.`,
  }),
  'broker-nonsense': ({ detail }, { endBroker }) => ({
    message: `the background process cannot be used: it sent something invalid (${detail})`,
    advice: `End it with ${endBroker}.`,
  }),
  'broker-gone': () => ({
    message: 'the background process ended',
    advice: 'It is started again automatically.',
  }),
  'broker-silent': ({ pid, isSuspended }, { endSilentBroker, andShown }) => ({
    message: `the background process${pid === undefined ? '' : ` (pid ${pid})`} ${isSuspended ? 'is suspended' : 'does not answer'}: its relays and name servers stand still${andShown}`,
    advice: isSuspended
      ? `Let it go on: fg in the terminal where it was started, or kill -CONT ${pid}.`
      : `Wait, if this machine is very busy or was asleep. Else ${endSilentBroker}; another one is started automatically.`,
  }),
};

function takenAdvice(port: number, taken: readonly TakenPort[]): string {
  const reasons = new Set(taken.map(({ refusal }) => refusal.why));
  if (reasons.has('published')) {
    return `Publish that container's port on one address (-p 127.0.0.1:${port}:${port}): then others get 127.0.0.2 and so on.`;
  }
  if (reasons.has('held')) {
    return 'End that program or let it use another port; the port is used as soon as it is free.';
  }
  if (reasons.has('system')) return 'Let the server use a port number above 1023.';
  return 'It is tried again automatically.';
}

/** How many of the endpoints that are not available are named. */
const NAMED_ENDPOINTS = 2;

/** Which endpoints are not available and why, the first two of them by name. */
export function takenText(taken: readonly TakenPort[]): string {
  const everywhere = taken.find(({ isEverywhere }) => isEverywhere);
  if (everywhere) {
    return `port ${everywhere.endpoint.port} of every address ${refusalText(everywhere.refusal)}`;
  }
  const named = taken
    .slice(0, NAMED_ENDPOINTS)
    .map(({ endpoint, refusal }) => `${formatEndpoint(endpoint)} ${refusalText(refusal)}`);
  const more = taken.length - NAMED_ENDPOINTS;
  if (more > 0) named.push(`and ${more} more addresses`);
  return named.join(', ');
}

/** Follows the endpoint in a sentence: "is held by socat (pid 7)". */
function refusalText(refusal: PortRefusal): string {
  switch (refusal.why) {
    case 'held':
      return `is held by ${ownerText(refusal.owner)}`;
    case 'published':
      return `is left to container ${refusal.container}, which publishes it`;
    case 'relayed':
      return 'is used for another container';
    case 'unavailable':
      return `cannot be used (${refusal.detail})`;
    case 'system':
      return "is left to this machine's services, like all numbers below 1024";
    case 'one-server':
      return 'leads to one server only';
  }
}

/** "socat (pid 7)", or "another program". */
export function ownerText(owner: PortOwner | undefined): string {
  const process = owner?.process;
  return process ? `${process.command} (pid ${process.pid})` : 'another program';
}

function triedText(tried: ProblemFacts['no-way-in']['tried']): string {
  if (tried.length === 0) return 'nothing, because this container offers no route';
  const wrongAnswer = 'connected, but the answer is neither CA nor PVA';
  return tried.map(({ route, detail }) => `${route}: ${detail ?? wrongAnswer}`).join('; ');
}

function withDetail(message: string, detail: string): string {
  return detail === '' ? message : `${message} (${detail})`;
}

/** PVs to choose from, each with its IOC. */
export function similarText(similar: readonly SimilarPv[]): string {
  return similar.map(({ name, iocName }) => `${name} (${iocName})`).join(' or ');
}

/** The text with a capital first letter. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
