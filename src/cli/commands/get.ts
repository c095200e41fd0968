/** `epics-expose get PV...`: value, unit, alarm and time, over CA and PVA. */
import { styleText } from 'node:util';
import { messageOf } from '../../base/errors';
import { withDeadline } from '../../base/abort';
import type { PvProtocol } from '../../model/snapshot';
import { systemClock } from '../../node/systemClock';
import { clientIdentity } from '../../node/clientIdentity';
import { formatReading } from '../../model/reading';
import { readPv } from '../../services/probe/readPv';
import { EXIT } from '../exitCodes';
import type { OpenedSession } from '../openSession';
import type { CommonOptions } from '../options';
import type { Terminal } from '../terminal';
import { emptyExit, withLook } from './look';

const GET_TIMEOUT_MS = 5000;

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
      const results = await Promise.all(requests.map((request) => getOne(opened, request, signal)));
      const answered = results.filter((result) => 'reading' in result);
      const failed = results.filter((result) => 'error' in result && !isCovered(result, answered));
      for (const result of [...answered, ...failed]) {
        if (options.json === true) terminal.print(JSON.stringify(result));
        else if ('reading' in result) {
          terminal.print(formatReading(result.name, result.protocol, result.reading));
        } else
          terminal.tell(paintError(terminal, `${result.name} ${result.protocol}: ${result.error}`));
      }
      if (failed.length === 0) return EXIT.ok;
      return answered.length === 0 ? EXIT.notFound : EXIT.unreachable;
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
  const match = /^(ca|pva):\/\/(.+)$/.exec(text);
  if (match?.[2] !== undefined)
    return [{ name: match[2], protocol: match[1] as PvProtocol, isEither: false }];
  return [
    { name: text, protocol: 'ca', isEither: true },
    { name: text, protocol: 'pva', isEither: true },
  ];
}

type GetResult = Request & ({ reading: Awaited<ReturnType<typeof readPv>> } | { error: string });

/** Asks every server of that protocol which has the PV; the first answer counts. */
async function getOne(
  { session }: OpenedSession,
  request: Request,
  signal: AbortSignal,
): Promise<GetResult> {
  const { name, protocol } = request;
  const holders = session.iocs.flatMap((ioc) =>
    [...ioc.pvs()].some(
      (pv) => pv.name === name && pv.protocol === protocol && pv.step === 'reachable',
    )
      ? ioc.servers.filter((server) => server.identity?.protocol === protocol)
      : [],
  );
  const [server] = holders;
  if (!server) {
    return {
      ...request,
      error: `no IOC here serves it over ${protocol === 'ca' ? 'Channel Access' : 'pvAccess'}`,
    };
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
    return { ...request, error: messageOf(error) };
  }
}
