/** What to set for one client, and how it reads a PV then: in its own language, ready to paste. */
import { type Client, type ClientName, CLIENTS } from '../model/diagnosis/clients';
import { CLIENT_VARIABLES } from '../model/diagnosis/clientSettings';
import { preferenceOf } from '../model/diagnosis/phoebusSettings';
import type { PvProtocol } from '../model/pvProtocol';
import { formatEnvironment, type NameServers, SEARCHED_HOST } from './clientEnvironment';
import { shellWord } from './clientLine';
import { PROTOCOL_NAMES } from './problemText';

/** What is known where the lines are to be. */
export interface ClientSetUpInput {
  readonly client: ClientName;
  /** For all clients, as `clientEnvironment` has it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly nameServers: NameServers;
  /** The PV that is read. */
  readonly pv: string;
}

/** The lines: a program in Python, a script for a POSIX shell, a file of preferences. */
export function clientSetUp(input: ClientSetUpInput): string[] {
  const client: Client = CLIENTS[input.client];
  const { write, run, triedWith } = SET_UPS[input.client];
  const nothing = nothingToSet(client, input.nameServers);
  return [
    ...(nothing === undefined ? [] : [`# Nothing to set: ${nothing}.`]),
    ...(triedWith === undefined ? [`# Not tried with ${client.title} itself.`] : []),
    ...write(nothing === undefined ? clientVariablesOf(input) : {}),
    ...run(input.pv, over(client, input.nameServers)),
  ];
}

/** The protocol for a client that has both. */
function over(client: Client, { ca }: NameServers): PvProtocol {
  return client.ca && (ca.length > 0 || !client.pva) ? 'ca' : 'pva';
}

/** Why a client needs no settings, if that is so. */
function nothingToSet(
  client: Client,
  { answered = [], ...places }: NameServers,
): string | undefined {
  const protocols = protocolsOf(client);
  if (protocols.every((one) => places[one].length === 0)) {
    const over = protocols.map((one) => PROTOCOL_NAMES[one]).join(' or ');
    return `nothing is relayed to this machine over ${over} now`;
  }
  const isHeard = protocols.every((one) => answered.includes(one));
  return isHeard ? 'broadcasts of clients on this machine are answered' : undefined;
}

/** Of the variables for all clients those that this one reads. */
export function clientVariablesOf({
  client: name,
  environment,
  nameServers: places,
}: Pick<ClientSetUpInput, 'client' | 'environment' | 'nameServers'>): Record<string, string> {
  const client: Client = CLIENTS[name];
  const variables: Record<string, string> = {};
  for (const protocol of protocolsOf(client)) {
    const rules = client[protocol];
    if (!rules || places[protocol].length === 0) continue;
    const { nameServers, addressList } = CLIENT_VARIABLES[protocol];
    const list = environment[addressList] ?? (rules.hasNameServers ? undefined : SEARCHED_HOST);
    if (rules.hasNameServers) variables[nameServers] = environment[nameServers] ?? '';
    if (list !== undefined && client.hasPreferences !== true) variables[addressList] = list;
  }
  return variables;
}

function protocolsOf(client: Client): PvProtocol[] {
  return (['ca', 'pva'] as const).filter((protocol) => client[protocol] !== undefined);
}

type Variables = Readonly<Record<string, string>>;

/** How a client is set up, and reads a PV. */
interface SetUp {
  readonly write: (variables: Variables) => string[];
  readonly run: (pv: string, over: PvProtocol) => string[];
  /** With which version test/interop/clientSetUps has run these lines; absent: with none. */
  readonly triedWith?: string;
}

function inShell(program: string, triedWith?: string): SetUp {
  return {
    write: (variables) => formatEnvironment(variables, 'bash'),
    run: (pv) => [`${program} ${shellWord(pv)}`],
    ...(triedWith !== undefined && { triedWith }),
  };
}

/** Libraries read the environment of their process, some of them when they are imported. */
function inPython(triedWith: string, run: SetUp['run'], hasScheme = false): SetUp {
  const assign = ([name, value]: [string, string]): string =>
    `os.environ[${JSON.stringify(name)}] = ${JSON.stringify(value)}`;
  return {
    write: (variables) => {
      const lines = Object.entries(variables).map(assign);
      return lines.length === 0 ? [] : ['import os', '', ...lines, ''];
    },
    run: (pv, protocol) => run(JSON.stringify(hasScheme ? `${protocol}://${pv}` : pv), protocol),
    triedWith,
  };
}

const SET_UPS: Readonly<Record<ClientName, SetUp>> = {
  caget: inShell('caget'),
  camonitor: inShell('camonitor'),
  pyepics: inPython('pyepics 3.5.10', (pv) => ['import epics', '', `print(epics.caget(${pv}))`]),
  aioca: inPython('aioca 1.8.1', (pv) => [
    ...['import asyncio', '', 'import aioca', ''],
    `print(asyncio.run(aioca.caget(${pv})))`,
  ]),
  caproto: inPython('caproto 1.3.0', (pv) => [
    ...['from caproto.sync.client import read', ''],
    `print(read(${pv}, repeater=False).data)`,
  ]),
  caj: {
    write: (variables) => [
      '# Options of java. It reads variables only with -Djca.use_env=true.',
      ...Object.values(variables).map(
        (list) => `-Dcom.cosylab.epics.caj.CAJContext.name_servers=${shellWord(list)}`,
      ),
    ],
    run: () => [],
    triedWith: 'jca 2.4.11',
  },
  phoebus: {
    write: (variables) => [
      '# A file for `phoebus.sh -settings FILE`. `epics-expose phoebus` makes one by itself.',
      ...Object.entries(variables).map(([name, list]) => `${preferenceOf(name)}=${list}`),
    ],
    run: () => [],
    triedWith: 'jca 2.4.11, core-pva 5.0.5 and 4.7.3',
  },
  pvxget: inShell('pvxget'),
  p4p: inPython('p4p 4.3.0', (pv) => [
    ...['from p4p.client.thread import Context', ''],
    ...[`with Context("pva") as context:`, `    print(context.get(${pv}))`],
  ]),
  pvget: inShell('pvget'),
  pvapy: inPython('pvaPy 5.6.0', (pv) => [
    ...['import pvaccess', ''],
    `print(pvaccess.Channel(${pv}).get())`,
  ]),
  'ophyd-async': inPython(
    'ophyd-async 0.21.3',
    (pv) => [
      ...['import asyncio', '', 'from ophyd_async.epics.core import epics_signal_r', '', ''],
      'async def main():',
      `    signal = epics_signal_r(float, ${pv})  # float: what the PV has`,
      '    await signal.connect()',
      '    print(await signal.get_value())',
      ...['', '', 'asyncio.run(main())'],
    ],
    true,
  ),
  pydm: inPython(
    'PyDM 1.29.0',
    (pv) => [
      ...['from pydm import PyDMApplication', 'from pydm.widgets import PyDMLabel', ''],
      'app = PyDMApplication(use_main_window=False)',
      `label = PyDMLabel(init_channel=${pv})`,
      ...['label.show()', 'app.exec_()'],
    ],
    true,
  ),
};

/** With which version the lines of a client were tried; undefined: with none. */
export function setUpTriedWith(client: ClientName): string | undefined {
  return SET_UPS[client].triedWith;
}
