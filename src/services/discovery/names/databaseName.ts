/** What the files of an IOC say about its PVs: the result of findDatabaseNames. */

import { MAX_NAMES_PER_IOC } from '../../../model/pvTable';

/** A PV name that the files of an IOC define. Only the servers know whether it exists. */
export interface DatabaseName {
  readonly name: string;
  /** A group is defined by QSRV: info tag Q:group, dbLoadGroup. */
  readonly kind: 'record' | 'alias' | 'group';
  /**
   * 'any': served by Channel Access and, if the IOC has QSRV, by pvAccess. Groups are 'pva' only.
   */
  readonly protocol: 'any' | 'pva';
  /**
   * Absolute path of the file in the container; '' when the command line itself defines the name.
   */
  readonly file: string;
  /** Counts from 1; 0 when there is no such line. */
  readonly line: number;
}

/** Why names may be missing. */
export type NamesProblemKind =
  | 'unreadable-file' // missing, forbidden, not a file
  | 'file-too-large'
  | 'undefined-macro' // what uses it was left out
  // EPICS Base 7.0.10 stops reading that file there, and so do we; older versions read on:
  | 'bad-name'
  | 'bad-value'
  // Every version stops:
  | 'syntax'
  | 'unknown-record' // alias of, or addition to, a record that no file defines
  | 'too-many' // a limit was reached: the list is not complete
  | 'hidden-environment' // macros of it have no value here
  | 'no-script' // started without a startup script: commands typed or piped in
  | 'not-in-files'; // created by a program (pythonSoftIOC, caproto): no file lists them

/** A reason why names may be missing. */
export interface NamesProblem {
  readonly kind: NamesProblemKind;
  /** A sentence for the user. */
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
}

/** The names that the files of an IOC define. */
export interface DatabaseNames {
  /** In the order of their first definition, each name once. */
  readonly names: readonly DatabaseName[];
  /** Why names may be missing; empty when all files were read and understood. */
  readonly problems: readonly NamesProblem[];
  /** Commands that we do not run, and that may load more records: their names, each once. */
  readonly otherLoaders: readonly string[];
  /** Absolute paths of the files that were read, in that order. */
  readonly files: readonly string[];
  /** Whether a limit was reached, so that there may be more names. */
  readonly isCut: boolean;
}

/** Limits on the work that files of a container, which anyone may have written, can cause. */
export interface NamesLimits {
  /** Bytes of one database. */
  readonly databaseBytes: number;
  /** Bytes of a startup script or a substitution file. */
  readonly scriptBytes: number;
  /** Bytes of a file of groups, which is read in one piece. */
  readonly groupBytes: number;
  /** Characters of database text, counted again for each load of the same file. */
  readonly characters: number;
  /** Attempts to read a file, found or not: each may be a request to a container engine. */
  readonly reads: number;
  /** Loads of database files, counted each time. */
  readonly loads: number;
  /** Includes of database files, counted each time. */
  readonly includes: number;
  readonly includeDepth: number;
  readonly scriptDepth: number;
  readonly scriptLines: number;
  /** Characters of a line that is expanded; Base itself handles lines in pieces of 1023. */
  readonly lineCharacters: number;
  /** Characters of the macros of one load. */
  readonly macroCharacters: number;
  /** Characters and references that the expansion of macros may process. */
  readonly macroSteps: number;
  readonly expansionSteps: number;
  readonly names: number;
  readonly problems: number;
  /** Milliseconds of reading and resting. */
  readonly timeMs: number;
}

/** Limits that no reasonable IOC reaches. */
export const defaultNamesLimits: NamesLimits = {
  databaseBytes: 64 * 1024 * 1024,
  scriptBytes: 4 * 1024 * 1024,
  groupBytes: 1024 * 1024,
  characters: 256 * 1024 * 1024,
  reads: 2_000,
  loads: 50_000,
  includes: 5_000,
  includeDepth: 32,
  scriptDepth: 16,
  scriptLines: 200_000,
  lineCharacters: 32 * 1024,
  macroCharacters: 64 * 1024,
  macroSteps: 50_000_000,
  expansionSteps: 250_000,
  names: MAX_NAMES_PER_IOC,
  problems: 50,
  timeMs: 25_000,
};
