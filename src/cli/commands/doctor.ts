/** `epics-expose doctor [PV...]`: why PVs cannot be read here, and what to do. */
import { resolve } from 'node:path';
import { UsageError } from '../../base/errors';
import { endpointsToTry, machineFacts } from '../../model/diagnosis/machineFacts';
import { type Client, CLIENTS, type ClientName } from '../../model/diagnosis/clients';
import { askPv } from '../../model/diagnosis/askPv';
import { askTraces } from '../../model/diagnosis/askTraces';
import { type AskedPv, diagnose } from '../../model/diagnosis/diagnose';
import type { Finding } from '../../model/diagnosis/finding';
import {
  type ContainerLogs,
  containersInQuestion,
  type LadderFacts,
  pvLadder,
} from '../../model/diagnosis/pvLadder';
import { parsePvText, partIn, type PvName } from '../../model/pvName';
import type { PvProtocol, Snapshot } from '../../model/snapshot';
import { lookAtMachine } from '../../node/lookAtMachine';
import { readClientSettings, type SettingsOptions } from '../../node/readClientSettings';
import { readWorkspaceFiles } from '../../node/readWorkspaceFiles';
import { findForeignIocs } from '../../node/findForeignIocs';
import { isKnownServer } from '../../services/discovery/detect/candidates';
import { diagnosisLines } from '../../present/diagnosisText';
import { findingText } from '../../present/findingText';
import { TERMINAL_WORDS } from '../../present/frontEndWords';
import { PROTOCOL_NAMES, sentence } from '../../present/problemText';
import { parseWorkspaceFile } from '../../present/settingsFiles/parseWorkspaceFile';
import { EXIT } from '../exitCodes';
import type { Opened } from '../openExposure';
import type { CommonOptions } from '../options';
import type { Terminal } from '../terminal';
import { type Enough, pvsKnown } from '../untilSettled';
import { withLook } from '../withLook';

/** Options of the command. */
export interface DoctorOptions extends CommonOptions, SettingsOptions {
  /** Whether logs of containers are read, too. */
  readonly log?: boolean;
}

/** What has not answered by then is said not to have. A route that does not answer takes four seconds. */
const LATEST_MS = 4200;
const NEVER_ENOUGH: Enough = { afterMs: LATEST_MS, isEnough: () => false };

/** Of `doctor --json`; changes when an existing part changes its meaning. */
const JSON_VERSION = 1;

/** Runs the command; resolves to its exit code. */
export async function runDoctor(
  wanted: readonly string[],
  options: DoctorOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const clients = await readClientSettings(options, signal);
  const folder = options.workspace ?? '.';
  const named = [options.envFrom, options.phoebus].map((file = '') => resolve(file));
  const files = (await readWorkspaceFiles(folder, parseWorkspaceFile)).filter(
    ({ file }) => !named.includes(resolve(folder, file)),
  );
  const names = wanted.map((text) => readBy(parseName(text), options.client));
  const known = names.length > 0 ? pvsKnown(names.map(queryOf)) : NEVER_ENOUGH;
  const enough = { ...known, latestMs: LATEST_MS };
  // The folder is whose files are examined: PVs are of whatever is exposed, as clients see it.
  const { workspace: _, ...look } = options;
  return withLook(
    look,
    terminal,
    signal,
    'look',
    async (opened) => {
      const pvs = await Promise.all(names.map((name) => askPv(opened.core, name, signal)));
      const machine = machineFacts(
        opened.snapshot,
        await lookAtMachine(endpointsToTry(clients, files), signal),
      );
      const duplicates = await opened.core.findDuplicates({}, signal);
      const containers = await opened.core.listContainers({}, signal);
      const foreign = await findForeignIocs(new Set(containers.map(({ id }) => id)), isKnownServer);
      const traces = await askTraces(opened.core, clients, signal);
      const { snapshot, brokerFacts } = opened;
      const findings = diagnose({
        ...{ snapshot, pvs, duplicates, files, traces, foreign },
        clients: { ...clients, machine },
        ...(brokerFacts && { broker: brokerFacts }),
      });
      const shown = pvs.map(withinProtocol);
      const logs = options.log === true ? await readLogs(opened, pvs, signal) : new Map();
      const facts = { logs, broker: brokerFacts?.problem };
      if (options.json === true) terminal.printJson(jsonOf(findings, shown, snapshot, facts), 2);
      else {
        for (const line of diagnosisLines(findings, shown, snapshot, TERMINAL_WORDS, facts))
          terminal.print(line);
      }
      return exitCodeOf(findings);
    },
    { enough, tellsBroker: true },
  );
}

/** A name that no IOC has is told apart, where that is all that is wrong. */
function exitCodeOf(findings: readonly Finding[]): number {
  const wrong = findings.filter(({ isNote }) => isNote !== true);
  if (wrong.length === 0) return EXIT.ok;
  return wrong.every(({ code }) => code === 'no-such-pv') ? EXIT.notFound : EXIT.unreachable;
}

/** What was asked for over one protocol is shown over that one. */
function withinProtocol(pv: AskedPv): AskedPv {
  const { protocol, details } = pv;
  if (protocol === undefined) return pv;
  const paths = details.paths.filter(({ row }) => row.protocol === protocol);
  return { ...pv, details: { ...details, paths } };
}

function parseName(text: string): PvName {
  const parsed = parsePvText(text);
  if (parsed?.kind === 'pv') return parsed;
  throw new UsageError(`"${text}" is not a PV: write NAME, ca://NAME or pva://NAME.`);
}

/** A client of one protocol means that one. */
function readBy(name: PvName, clientName: ClientName | undefined): PvName {
  if (clientName === undefined) return name;
  const client: Client = CLIENTS[clientName];
  const only = client.ca ? (client.pva ? undefined : 'ca') : 'pva';
  if (name.protocol !== undefined && !client[name.protocol]) {
    const other = PROTOCOL_NAMES[name.protocol];
    throw new UsageError(`${name.name}: ${client.title} reads nothing over ${other}.`);
  }
  return only === undefined ? name : { ...name, protocol: only };
}

/** A person reads no more. */
const MAX_LOGS = 5;

/** Of a log that cannot be read there are no lines. */
async function readLogs(
  { core, snapshot }: Opened,
  pvs: readonly AskedPv[],
  signal: AbortSignal,
): Promise<ContainerLogs> {
  const keys = containersInQuestion(snapshot, pvs).slice(0, MAX_LOGS);
  const logs = await Promise.all(
    keys.map((key) => core.readContainerLog({ key }, signal).catch(() => [])),
  );
  return new Map(keys.map((key, at) => [key, logs[at] ?? []]));
}

function queryOf(name: PvName): { name: string; protocol: PvProtocol | undefined } {
  return { name: name.name, ...partIn(name), protocol: name.protocol };
}

function jsonOf(
  findings: readonly Finding[],
  pvs: readonly AskedPv[],
  snapshot: Snapshot,
  facts: LadderFacts & { readonly logs: ContainerLogs },
): object {
  const { logs } = facts;
  return {
    version: JSON_VERSION,
    findings: findings.map(({ code, isNote = false, ...facts }) => {
      const text = findingText({ code, ...facts } as Finding, TERMINAL_WORDS);
      return { code, isNote, ...text, sentence: sentence(text), facts };
    }),
    pvs: pvs.map(({ name, details }) => ({
      name,
      paths: details.paths.map((path) => ({
        protocol: path.row.protocol,
        ioc: path.row.iocName,
        container: path.row.containerName,
        rungs: pvLadder(path, snapshot, facts),
      })),
    })),
    ...(logs.size > 0 && {
      logs: [...logs].map(([key, lines]) => ({
        container: snapshot.containers.find((one) => one.key === key)?.name,
        lines,
      })),
    }),
  };
}
