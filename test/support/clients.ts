import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '../../src/node/systemClock';
import { pvxsProgram } from './pvxsProgram';
import { until } from './until';

/** What one of the clients in test/support/clients says about one PV. */
export type ClientResult =
  | { name: string; ok: true; value: unknown; units?: string; choices?: string[]; id?: string }
  | { name: string; ok: false; error: string };

/** EPICS_* variables; the rest of the environment is ours, less any EPICS_* the developer has set. */
export type EpicsEnvironment = Record<string, string>;

const python = resolve(__dirname, '../../.cache/venv/bin/python');
const java = resolve(__dirname, '../../.cache/java');
const folder = join(__dirname, 'clients');

/** A program of test/support/clients, and what it is started with. */
type Program = readonly string[];

const script = (name: string): Program => [python, join(folder, name)];

/** Against one of the libraries that setup.mjs has copied. */
const javaProgram = (name: string, library: string, ...options: string[]): Program => {
  const place = join(java, library);
  return [join(java, 'jre/bin/java'), ...options, '-cp', `${place}/*:${place}/classes`, name];
};

/** Its repeater would outlive us. */
const cajProgram = (name: string, ...options: string[]): Program =>
  javaProgram(name, 'jca', '-DCA_DISABLE_REPEATER=true', ...options);

/** Of Phoebus' preferences (org.phoebus.pv.ca) and the properties it makes of them for CAJ. */
const CAJ_PROPERTIES = {
  EPICS_CA_NAME_SERVERS: 'name_servers',
  EPICS_CA_ADDR_LIST: 'addr_list',
  EPICS_CA_AUTO_ADDR_LIST: 'auto_addr_list',
  EPICS_CA_SERVER_PORT: 'server_port',
} as const;

/**
 * CAJ as it is in Phoebus: it reads no EPICS_CA_* variable unless started with -Djca.use_env=true,
 * which phoebus.sh does not do, so what a person wants stands in Phoebus' preferences.
 */
function cajLikePhoebus(name: string, environment: EpicsEnvironment): Program {
  const options = Object.entries(CAJ_PROPERTIES).flatMap(([variable, property]) => {
    const value = environment[variable];
    if (value === undefined || value === '') return [];
    const said = property === 'auto_addr_list' ? `${value !== 'NO'}` : value;
    return [`-Dcom.cosylab.epics.caj.CAJContext.${property}=${said}`];
  });
  return cajProgram(name, ...options);
}

/** Why the real clients cannot run here, or undefined when they can. */
export function missingForClients(): string | undefined {
  return existsSync(python) ? undefined : 'needs the real clients: node test/support/setup.mjs';
}

/** Only these name servers, no broadcast and no other address: what a relay makes possible. */
export function nameServers(servers: { ca?: string[]; pva?: string[] }): EpicsEnvironment {
  return {
    ...searchNothing,
    EPICS_CA_NAME_SERVERS: (servers.ca ?? []).join(' '),
    EPICS_PVA_NAME_SERVERS: (servers.pva ?? []).join(' '),
  };
}

/** UDP searches to these addresses alone. */
export function searchAddresses(addresses: { ca?: string[]; pva?: string[] }): EpicsEnvironment {
  return {
    ...searchNothing,
    EPICS_CA_ADDR_LIST: (addresses.ca ?? []).join(' '),
    EPICS_PVA_ADDR_LIST: (addresses.pva ?? []).join(' '),
  };
}

const searchNothing = { EPICS_CA_AUTO_ADDR_LIST: 'NO', EPICS_PVA_AUTO_ADDR_LIST: 'NO' };

export type Get = (
  names: string[],
  environment: EpicsEnvironment,
  timeoutMs?: number,
) => Promise<ClientResult[]>;

/** libca, as caget and most CA clients are made of. */
export const caget: Get = (...request) => get(script('caget.py'), ...request);
/** Channel Access in Java, as in Phoebus. */
export const cajGet: Get = (names, environment, ...rest) =>
  get(cajLikePhoebus('CajGet', environment), names, environment, ...rest);
/** The same, told nothing but its environment, with or without the options of JDK_JAVA_OPTIONS. */
export const cajGetByEnvironment: Get = (...request) => get(cajProgram('CajGet'), ...request);
/** The same with these options of java. */
export const cajGetWith =
  (...options: string[]): Get =>
  (...request) =>
    get(cajProgram('CajGet', ...options), ...request);
/** PVXS. */
export const p4pGet: Get = (...request) => get(script('p4pGet.py'), ...request);
/** pvAccess in Java, as in the current Phoebus. */
export const corePvaGet: Get = (...request) =>
  get(javaProgram('CorePvaGet', 'core-pva'), ...request);
/** The same of Phoebus 4.7.3. */
export const corePva473Get: Get = (...request) =>
  get(javaProgram('CorePvaGet', 'core-pva-4.7.3'), ...request);
/** pvAccessCPP, as pvaPy has it: with a search by TCP, which EPICS 7's own (pvget) has not. */
export const pvaPyGet: Get = (...request) => get(script('pvaPyGet.py'), ...request);
/** pvAccessCPP of EPICS 7, as pvget has it: searches by UDP only. */
export const pvGet: Get = (...request) =>
  get([pvxsProgram(join(folder, 'pvGet.cpp'), ['pvAccess', 'pvData', 'Com'])], ...request);
/** Channel Access in pure Python. Searches by UDP only. */
export const caprotoGet: Get = (...request) => get(script('caprotoGet.py'), ...request);
/** Its client for programs, which searches for all at once, as the other does not. */
export const caprotoThreading: Get = (...request) => get(script('caprotoThreading.py'), ...request);

/**
 * The lines of a phoebus.sh that starts these clients instead of windows, with no option of ours, and
 * prints what they print. Its first words are `-settings FILE`, the third is a PV.
 */
export function phoebusScript(corePva: 'core-pva' | 'core-pva-4.7.3'): string {
  const line = (program: Program): string => program.map((word) => `'${word}'`).join(' ');
  return [
    '#!/bin/sh',
    `${line(cajProgram('LikePhoebus'))} "$2" CajGet 15 "$3" &`,
    `${line(javaProgram('LikePhoebus', corePva))} "$2" CorePvaGet 15 "$3" &`,
    '',
  ].join('\n');
}

/** Clients as Phoebus starts them with a file of preferences. */
export const likePhoebus = (
  settings: string,
  corePva: 'core-pva' | 'core-pva-4.7.3' = 'core-pva',
): { readonly ca: Get; readonly pva: Get } => ({
  ca: (...request) => get([...cajProgram('LikePhoebus'), settings, 'CajGet'], ...request),
  pva: (...request) =>
    get([...javaProgram('LikePhoebus', corePva), settings, 'CorePvaGet'], ...request),
});

/** What clients said of PVs that they found at two servers. */
export const foundTwice: string[] = [];
const FOUND_TWICE = /identical process variable|more than one channel/i;

async function get(
  program: Program,
  names: string[],
  environment: EpicsEnvironment,
  timeoutMs = 5000,
): Promise<ClientResult[]> {
  const patienceMs = systemClock.stretch(timeoutMs);
  const child = start(program, [`${patienceMs / 1000}`, ...names], environment);
  child.stdin?.end();
  const results: ClientResult[] = [];
  const errors: string[] = [];
  readLines(child, (result) => results.push(result), errors);
  const exitCode = await ended(child);
  foundTwice.push(...errors.filter((line) => FOUND_TWICE.test(line)));
  if (results.length !== names.length) {
    throw new Error(`${program.at(-1)} ended with ${exitCode}: ${errors.join('\n')}`);
  }
  return results;
}

/** A client that watches; what it has said so far is in `updates`. */
export interface Monitor {
  readonly updates: readonly ClientResult[];
  /** Waits for an update, among those not looked at before, for which `isIt` holds. */
  next(isIt?: (update: ClientResult) => boolean, deadlineMs?: number): Promise<ClientResult>;
  close(): Promise<void>;
}

export const camonitor = (names: string[], environment: EpicsEnvironment): Monitor =>
  monitor(script('camonitor.py'), names, environment);
export const p4pMonitor = (names: string[], environment: EpicsEnvironment): Monitor =>
  monitor(script('p4pMonitor.py'), names, environment);
export const pvaPyMonitor = (names: string[], environment: EpicsEnvironment): Monitor =>
  monitor(script('pvaPyMonitor.py'), names, environment);
export const cajMonitor = (names: string[], environment: EpicsEnvironment): Monitor =>
  monitor(cajLikePhoebus('CajMonitor', environment), names, environment);
export const corePvaMonitor = (names: string[], environment: EpicsEnvironment): Monitor =>
  monitor(javaProgram('CorePvaMonitor', 'core-pva'), names, environment);

function monitor(program: Program, names: string[], environment: EpicsEnvironment): Monitor {
  const child = start(program, names, environment);
  const updates: ClientResult[] = [];
  const errors: string[] = [];
  let seen = 0;
  readLines(child, (update) => updates.push(update), errors);
  const end = ended(child);
  return {
    updates,
    async next(isIt = () => true, deadlineMs = 20_000) {
      let found: ClientResult | undefined;
      const look = (): boolean => {
        while (!found && seen < updates.length) {
          const update = updates[seen++];
          if (update && isIt(update)) found = update;
        }
        return found !== undefined;
      };
      const seenSoFar = (): string => JSON.stringify(updates.slice(-5)) + errors.join('\n');
      await until(look, deadlineMs, () => `an update of ${names.join(' ')}; last: ${seenSoFar()}`);
      return found as ClientResult;
    },
    async close() {
      child.stdin?.end();
      await end;
    },
  };
}

function start(
  [command = '', ...words]: Program,
  parameters: string[],
  environment: EpicsEnvironment,
): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('EPICS_'));
  return spawn(command, [...words, ...parameters], {
    env: { ...Object.fromEntries(inherited), PYTHONUNBUFFERED: '1', ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Clients and their libraries also talk; only lines of JSON are results. */
function readLines(
  child: ChildProcess,
  onResult: (result: ClientResult) => void,
  others: string[],
): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      if (line.startsWith('{')) onResult(JSON.parse(line) as ClientResult);
      else others.push(line);
    });
  }
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (exitCode) => resolve(exitCode));
  });
}
