import { withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import type { Log } from '../../base/log';
import type { Slices } from '../../base/slices';
import type { Note } from '../../model/note';
import { MAX_NAME_BYTES, MAX_NAMES_PER_IOC, type NameSource, NameTable } from '../../model/pvTable';
import type {
  DatabaseName,
  DatabaseNames,
  NamesProblem,
  NamesProblemKind,
} from '../discovery/names/databaseName';
import { findDatabaseNames } from '../discovery/names/databaseNames';
import { listPvaNames } from '../discovery/names/pvaNames';
import type { Connection } from '../host/connection';
import type { ContainerAccess } from '../host/engine';
import type { ProcessInfo } from '../host/socketReport';
import { fitsName } from '../upstream/nameLimits';
import type { ContainerNames } from './namesAllowance';

/** A list of 100,000 names takes QSRV a second or two. */
const LIST_TIMEOUT_MS = 20_000;
const FILES_TIMEOUT_MS = 30_000;
/**
 * Adding a name to a table, which is kept sorted, costs as much as reading this many characters.
 */
const STEPS_PER_NAME = 60;
/** Of a longer name, each begun part of this many characters takes the room of a name. */
const NAME_CHARACTERS = 500;
/** Problems with files that every EPICS Base has as well: the IOC lacks the same names. */
const IS_COMPLETE: ReadonlySet<NamesProblemKind> = new Set(['syntax', 'unknown-record']);
/** Characters of all notes about its names; the log has every problem. */
const MAX_NOTES = 4000;

/** What IocNames needs. */
export interface IocNamesInput {
  /** For the log. */
  readonly iocName: () => string;
  readonly files: Pick<ContainerAccess, 'readFile'>;
  /** All of a process's environment; undefined when it cannot be read. */
  readonly readEnvironment: (
    process: ProcessInfo,
    signal: AbortSignal,
  ) => Promise<Readonly<Record<string, string>> | undefined>;
  /** Time slices for work on data from the container, shared by its IOCs. */
  readonly slices: Slices;
  readonly namesAllowance: ContainerNames;
  readonly clientName: string;
  readonly hostName: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** The names of one IOC's PVs: from its PVA server's list or its database files, and why some are missing. */
export class IocNames implements Disposable {
  readonly table = new NameTable();
  readonly #input: IocNamesInput;
  #notes: readonly Note[] = [];
  #isCut = false;
  #mayLack = false;
  /** The number of names that it reports and we keep, as taken from the allowance. */
  #keptCount = 0;

  constructor(input: IocNamesInput) {
    this.#input = input;
  }

  /** Why names are missing. */
  get notes(): readonly Note[] {
    return this.#notes;
  }

  /** Whether there are more names than are kept, as `notes` say. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Whether the server may have PVs that are not in `table`, as `notes` say. */
  get mayLack(): boolean {
    return this.#mayLack || this.#isCut;
  }

  /**
   * Replaces the notes, and whether the server may have PVs that are not in `table`; keeps as many
   * notes as a user would read.
   */
  setNotes(notes: readonly Note[], mayLack: boolean): void {
    this.#mayLack = mayLack;
    let characters = 0;
    this.#notes = notes.filter((note) => {
      characters += JSON.stringify(note).length;
      return characters <= MAX_NOTES;
    });
  }

  /** Asks the PVA server for its list; whether it gave any name. */
  async listFromPva(dial: (signal: AbortSignal) => Promise<Connection>): Promise<boolean> {
    try {
      const names = await withDeadline(
        this.#input.clock,
        LIST_TIMEOUT_MS,
        `the server gave no list of its PVs within ${LIST_TIMEOUT_MS / 1000} s`,
        this.#input.signal,
        async (signal) => listPvaNames(await dial(signal), this.#input, signal),
      );
      await this.#add(names, names.length, () => ({ kind: 'pva-list' }));
      return names.length > 0;
    } catch (error) {
      this.setNotes([{ code: 'names-failed', detail: messageOf(error) }], true);
      this.#input.log(
        'info',
        'pva',
        `${this.#input.iocName()}: no list of PVs: ${messageOf(error)}`,
      );
      return false;
    }
  }

  /** Reads the databases that the process loaded, as far as its startup script tells. */
  async readFromFiles(process: ProcessInfo | undefined): Promise<void> {
    if (!process) {
      this.setNotes([{ code: 'process-hidden' }], true);
      return;
    }
    const found = await this.#readFiles(process, this.#input.signal);
    const forBoth = found.names.filter(({ protocol }) => protocol !== 'pva');
    await this.#add(
      forBoth.map(({ name }) => name),
      forBoth.length,
      (at) => ({ kind: 'database', file: forBoth[at]?.file ?? '', line: forBoth[at]?.line ?? 0 }),
    );
    this.#isCut ||= found.isCut;
    const { otherLoaders: commands, problems } = found;
    this.setNotes(
      [
        ...this.#notes,
        ...(commands.length > 0 ? [{ code: 'names-other-loaders', commands } as const] : []),
        ...problems.map((problem): Note => ({ code: 'names-file', detail: placed(problem) })),
      ],
      commands.length > 0 || problems.some(({ kind }) => !IS_COMPLETE.has(kind)),
    );
    for (const problem of found.problems) {
      this.#input.log('info', 'detect', `${this.#input.iocName()}: ${problem.message}`);
    }
  }

  /** The first record of that name in the files as they are now, which the IOC may not have loaded. */
  async findInFiles(
    name: string,
    process: ProcessInfo,
    signal: AbortSignal,
  ): Promise<DatabaseName | undefined> {
    const { names } = await this.#readFiles(process, signal);
    return names.find((one) => one.name === name && one.protocol !== 'pva');
  }

  #readFiles(process: ProcessInfo, signal: AbortSignal): Promise<DatabaseNames> {
    return withDeadline(
      this.#input.clock,
      FILES_TIMEOUT_MS,
      `the database files were not read within ${FILES_TIMEOUT_MS / 1000} s`,
      signal,
      async (inner) => {
        const { files, readEnvironment, slices } = this.#input;
        const environment = await readEnvironment(process, inner);
        return findDatabaseNames({ process, environment }, files, slices, inner);
      },
    );
  }

  /**
   * Adds names that the container reports, in slices and up to the limit of an IOC. A name that no
   * server could be asked for is left out alone.
   */
  async #add(
    names: Iterable<string>,
    count: number,
    sourceOf: (at: number) => NameSource,
  ): Promise<void> {
    const { slices } = this.#input;
    let refusal: string | undefined;
    let tooLong = 0;
    let at = -1;
    for (const name of names) {
      at++;
      if (this.table.size >= MAX_NAMES_PER_IOC) break;
      if (!fitsName(name, MAX_NAME_BYTES)) tooLong++;
      else {
        const isNew = this.table.indexOf(name) === undefined;
        refusal = isNew ? this.#take(name) : undefined;
        if (refusal !== undefined) break;
        this.table.add([name], sourceOf(at));
      }
      slices.take(STEPS_PER_NAME);
      if (!slices.isOver) continue;
      // Sorted while they arrive, because sorting all of them at once would take long.
      this.table.sortMore();
      await slices.rest(this.#input.signal);
    }
    void this.table.sorted;
    const notes: Note[] = [];
    const kept = this.table.size;
    if (refusal !== undefined || at + 1 < count) {
      notes.push(
        refusal === undefined
          ? { code: 'names-cut', kept, listed: count }
          : { code: 'names-refused', kept, detail: refusal },
      );
      this.#isCut = true;
    }
    if (tooLong > 0) {
      notes.push({ code: 'names-too-long', count: tooLong });
      this.#isCut = true;
    }
    if (notes.length > 0) this.setNotes(notes, true);
  }

  /** Takes room for a name: a long one needs more. Returns why there is none, or undefined. */
  #take(name: string): string | undefined {
    for (let characters = 0; characters <= name.length; characters += NAME_CHARACTERS) {
      const refusal = this.#input.namesAllowance.take();
      if (refusal !== undefined) return refusal;
      this.#keptCount++;
    }
    return undefined;
  }

  /** Gives back what was taken from the allowance. */
  dispose(): void {
    this.#input.namesAllowance.give(this.#keptCount);
    this.#keptCount = 0;
  }
}

/** A problem with the line that it is about: `cannot read x.db: no such file (st.cmd:12)`. */
function placed({ message, file = '', line = 0 }: NamesProblem): string {
  const name = file.slice(file.lastIndexOf('/') + 1);
  return line > 0 && name !== '' ? `${message} (${name}:${line})` : message;
}
