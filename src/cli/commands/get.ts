/** `epics-expose get PV...`: value, unit, alarm and time, over CA and PVA. */
import { styleText } from 'node:util';
import { messageOf, UsageError } from '../../base/errors';
import { inLanes } from '../../base/lanes';
import { withDeadline } from '../../base/abort';
import type { PvProtocol } from '../../model/snapshot';
import { systemClock } from '../../node/systemClock';
import { clientIdentity } from '../../node/clientIdentity';
import { jsonValue, readingCells } from '../../model/reading';
import { readPv } from '../../services/probe/readPv';
import { alignColumns } from '../renderTable';
import { failureNotes, sentence } from '../../model/table';
import { EXIT } from '../exitCodes';
import type { OpenedSession } from '../openSession';
import type { CommonOptions } from '../options';
import type { Terminal } from '../terminal';
import { emptyExit, withLook } from './look';

const GET_TIMEOUT_MS = 5000;
/** Each is a circuit of its own, and PVXS loses connections when more than some ten come at once. */
const READS_AT_ONCE = 4;

export function runGet(
  wanted: readonly string[],
  options: CommonOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const requests = wanted.flatMap(parseRequest);
  return withLook(
    { ...options, pv: [...options.pv, ...requests.map((r) => r.name)] },
    terminal,
    signal,
    { opensRelays: false },
    async (opened) => {
      const empty = emptyExit(opened, terminal);
      if (empty !== undefined) return empty;
      const results = await inLanes(READS_AT_ONCE, requests, (request) =>
        getOne(opened, request, signal),
      );
      const answered = results.filter((result) => 'reading' in result);
      const failed = results
        .filter((result) => 'error' in result)
        .filter((result) => !isCovered(result, answered));
      if (options.json === true) {
        for (const result of [...answered, ...failed]) {
          terminal.print(JSON.stringify(result, jsonValue));
        }
      } else {
        const rows = answered.map((r) => readingCells(r.name, r.protocol, r.reading));
        for (const line of alignColumns(rows)) terminal.print(line);
        for (const { name, protocol, error } of failed) {
          terminal.tell(paintError(terminal, `${name} ${protocol}: ${error}`));
        }
      }
      if (failed.length === 0) return EXIT.ok;
      for (const note of failureNotes(opened.session.snapshot())) terminal.tell(`! ${note}`);
      return failed.some(({ isHere }) => isHere) || answered.length > 0
        ? EXIT.unreachable
        : EXIT.notFound;
    },
  );
}

/** A name given without a protocol is answered when one protocol answers. */
function isCovered(result: GetResult, answered: readonly GetResult[]): boolean {
  return result.isEither && answered.some((other) => other.isEither && other.name === result.name);
}

function paintError(terminal: Terminal, line: string): string {
  return terminal.isColoured ? styleText('red', line) : line;
}

interface Request {
  readonly name: string;
  readonly protocol: PvProtocol;
  /** Asked over both protocols, because the person named none. */
  readonly isEither: boolean;
}

/** `ca://NAME`, `pva://NAME`; a bare name asks both. */
function parseRequest(text: string): Request[] {
  const [, scheme, rest] = /^([a-z]+):\/\/(.*)$/i.exec(text) ?? [];
  const name = scheme === undefined ? text : rest;
  const protocol = scheme?.toLowerCase();
  if (name === undefined || name === '' || ![undefined, 'ca', 'pva'].includes(protocol)) {
    throw new UsageError(`"${text}" is no PV: write NAME, ca://NAME or pva://NAME.`);
  }
  if (protocol) return [{ name, protocol: protocol as PvProtocol, isEither: false }];
  return [
    { name: text, protocol: 'ca', isEither: true },
    { name: text, protocol: 'pva', isEither: true },
  ];
}

type GetResult = Request &
  (
    | { reading: Awaited<ReturnType<typeof readPv>> }
    /** `isHere`: an IOC has it, and something is in the way. */
    | { error: string; isHere: boolean }
  );

/** Asks every server of that protocol which has the PV; the first answer counts. */
async function getOne(
  { session }: OpenedSession,
  request: Request,
  signal: AbortSignal,
): Promise<GetResult> {
  const { name, protocol } = request;
  const servers = session.iocs.flatMap((ioc) => {
    const pv = [...ioc.pvs()].find((one) => one.name === name && one.protocol === protocol);
    if (!pv || pv.step === 'not-found') return [];
    return ioc.servers
      .filter((server) => server.identity?.protocol === protocol)
      .map((server) => ({ server, step: pv.step }));
  });
  const found = servers.find(({ step }) => step === 'reachable') ?? servers[0];
  if (!found) {
    const error = `no IOC here serves it over ${protocol === 'ca' ? 'Channel Access' : 'pvAccess'}`;
    return { ...request, error, isHere: false };
  }
  const { server, step } = found;
  const { problem } = server;
  if (problem && problem.code !== 'not-relayed') {
    return { ...request, error: sentence(problem), isHere: true };
  }
  if (step !== 'reachable') {
    return { ...request, error: `its IOC says: ${step.replace('-', ' ')}`, isHere: true };
  }
  try {
    const reading = await withDeadline(
      systemClock,
      GET_TIMEOUT_MS,
      `the IOC did not answer within ${GET_TIMEOUT_MS / 1000} s`,
      signal,
      async (inner) =>
        readPv(protocol, name, await server.dialAsClient(inner), clientIdentity(), inner),
    );
    return { ...request, reading };
  } catch (error) {
    return { ...request, error: messageOf(error), isHere: true };
  }
}
