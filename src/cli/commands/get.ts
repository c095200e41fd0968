/** `epics-expose get PV...`: reads value, unit, alarm and time, over CA and PVA. */
import { isErrorCode, messageOf, UsageError } from '../../base/errors';
import { printable } from '../../base/printable';
import { mapConcurrent } from '../../base/mapConcurrent';
import type { PvProtocol } from '../../model/snapshot';
import type { CoreApi, PvPart } from '../../model/coreApi';
import { previewOf } from '../../model/preview';
import { parsePvText, partIn } from '../../model/pvName';
import { type PvReading, readingCells, sizeText, wholeText } from '../../model/reading';
import { alignColumns } from '../../present/alignColumns';
import { failureNotes } from '../../present/table';
import { EXIT } from '../exitCodes';
import type { CommonOptions } from '../options';
import type { Terminal } from '../terminal';
import { pvsKnown } from '../untilSettled';
import { emptyExit, withLook, wordsFor } from '../withLook';
import { TERMINAL_WORDS } from '../../present/frontEndWords';
import { problemText } from '../../present/problemText';
import { ProblemError } from '../../model/problem';

/**
 * Each read has a circuit of its own, and PVXS loses connections when more than some ten arrive at
 * once.
 */
const READS_AT_ONCE = 4;

/** Not an exit code: the running demo, which was asked because it runs, has none of the PVs. */
const NOT_IN_DEMO = -1;

/** Options of the command. */
export interface GetOptions extends CommonOptions {
  /** Print values whole, however long they are. */
  readonly full?: boolean;
}

/** Runs the command; resolves to its exit code. */
export async function runGet(
  wanted: readonly string[],
  options: GetOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const requests = wanted.flatMap(parseRequest);
  const code = await getAll(requests, options, terminal, signal, false);
  return code === NOT_IN_DEMO ? getAll(requests, options, terminal, signal, true) : code;
}

function getAll(
  requests: readonly Request[],
  options: GetOptions,
  terminal: Terminal,
  signal: AbortSignal,
  isAlone: boolean,
): Promise<number> {
  return withLook(
    options,
    terminal,
    signal,
    'look',
    async (opened) => {
      const empty = emptyExit(opened, terminal);
      if (empty !== undefined) return empty;
      const isShort = options.json !== true && options.full !== true;
      const results = await mapConcurrent(READS_AT_ONCE, requests, (request) =>
        getOne(opened.core, request, isShort, signal),
      );
      const isNothingHere = results.every((result) => 'error' in result && !result.isHere);
      if (opened.isDemoInstead && isNothingHere) {
        terminal.report('The running demo does not have it; searching the containers.');
        return NOT_IN_DEMO;
      }
      const answered = results.filter((result) => 'reading' in result);
      const failed = results
        .filter((result) => 'error' in result)
        .filter((result) => !isCovered(result, answered) || result.isDenied);
      if (options.json === true) {
        for (const result of [...answered, ...failed]) {
          terminal.printJson(result);
        }
      } else {
        const rows = answered.map((result) => cellsOf(result, isShort));
        // Aligned to a value of megabytes, every line would have its length.
        const lines = isShort ? alignColumns(rows) : rows.map((row) => row.join('  '));
        for (const line of lines) terminal.print(line);
        for (const { name, protocol, error } of failed) {
          terminal.report(`${name} ${protocol}: ${error}`, 'red');
        }
      }
      // A value from one protocol is what the user asked for, even if the other protocol denies
      // reading.
      if (failed.every((result) => isCovered(result, answered))) return EXIT.ok;
      for (const note of failureNotes(opened.snapshot, wordsFor(opened)))
        terminal.report(`! ${note}`);
      return failed.some(({ isHere }) => isHere) || answered.length > 0
        ? EXIT.unreachable
        : EXIT.notFound;
    },
    {
      isAlone,
      enough: pvsKnown(
        requests.map(({ name, part, protocol, isEither }) => ({
          name,
          ...(part && { part }),
          protocol: isEither ? undefined : protocol,
        })),
      ),
    },
  );
}

/** A name given without a protocol is answered when one protocol answers. */
function isCovered(result: GetResult, answered: readonly GetResult[]): boolean {
  return result.isEither && answered.some((other) => other.isEither && other.name === result.name);
}

interface Request {
  readonly name: string;
  readonly part?: PvPart;
  readonly protocol: PvProtocol;
  /** Read over both protocols, because the user named none. */
  readonly isEither: boolean;
}

/** Parses `ca://NAME`, `pva://NAME`, or a bare name for both; NAME may have a field. */
function parseRequest(text: string): Request[] {
  const parsed = parsePvText(text);
  if (parsed?.kind !== 'pv') {
    throw new UsageError(`"${text}" is not a PV: write NAME, ca://NAME or pva://NAME.`);
  }
  const { name, protocol } = parsed;
  if (protocol) return [{ name, ...partIn(parsed), protocol, isEither: false }];
  return [
    { name, protocol: 'ca', isEither: true },
    { name, protocol: 'pva', isEither: true },
  ];
}

type Read = Request & { readonly reading: PvReading };

type GetResult =
  | Read
  | (Request &
      /** `isHere`: an IOC has it, and something is in the way; `isDenied`: its access security. */
      { error: string; isHere: boolean; isDenied: boolean });

/** The columns of a PV; a value that is shortened has its size behind it. */
function cellsOf({ name, protocol, reading }: Read, isShort: boolean): string[] {
  const cells = readingCells(name, protocol, reading);
  const [, , value = ''] = cells;
  const size = printable(sizeText(reading));
  cells[2] = isShort ? `${value}${size === '' ? '' : ` (${size})`}` : wholeText(reading);
  return cells;
}

async function getOne(
  core: CoreApi,
  request: Request,
  isPreview: boolean,
  signal: AbortSignal,
): Promise<GetResult> {
  const { part, ...asked } = request;
  const { name, protocol } = asked;
  const query = { name, ...(part && { part }), protocol, isPreview };
  try {
    const reading = await core.readPv(query, signal);
    // A broker of an older version gives all of it.
    return { ...asked, reading: isPreview ? previewOf(reading) : reading };
  } catch (error) {
    return {
      ...asked,
      error: readErrorText(error),
      isHere: !isErrorCode(error, 'not-found'),
      isDenied: isErrorCode(error, 'no-read-access'),
    };
  }
}

/** What is in the way of one PV; the advice for all of them follows below. */
function readErrorText(error: unknown): string {
  if (!(error instanceof ProblemError)) return messageOf(error);
  return problemText(error.problem, TERMINAL_WORDS).message;
}
