/**
 * The grammar of database files (EPICS Base modules/database/src/ioc/dbStatic/dbYacc.y), as far as
 * it defines names: records, aliases, groups of QSRV, includes. Everything else is skipped.
 */
import { type DatabaseSource, DatabaseSyntaxError, DatabaseTokens } from './databaseTokens';
import { groupNames } from './groupNames';
import type { NameCollection, Place } from './nameCollection';
import type { NamesBudget } from './namesBudget';

/**
 * What the reader asks of its caller: a rest, or a file, with the source (if any) as the answer.
 */
export type ReaderRequest = 'rest' | IncludeRequest;
type Reading = Generator<ReaderRequest, void, DatabaseSource | undefined>;

/** An include statement. */
export interface IncludeRequest {
  readonly file: string;
  readonly place: Place;
  /** 1 for an include in the outermost file. */
  readonly depth: number;
}

/** Where databases are searched for; the path and addpath commands change it. */
export interface SearchPath {
  directories: string[];
}

interface ReadingState {
  /**
   * An addition to a record that is not defined leaves Base in disorder: it takes the next record,
   * and stops there.
   */
  isEndDue: boolean;
}

/** The path and addpath commands are followed for this many directories at most. */
const MAX_DIRECTORIES = 100;

/**
 * Reads one database into `names`. Yields for each include, because only the caller can read files,
 * and for each rest. Bad content ends it with a problem in `names`; it does not throw.
 */
export function* readDatabase(
  source: DatabaseSource,
  names: NameCollection,
  searchPath: SearchPath,
  budget: NamesBudget,
): Reading {
  const tokens = new DatabaseTokens(source, budget);
  const state: ReadingState = { isEndDue: false };
  try {
    while (!names.isFull) {
      if (tokens.isRestDue()) {
        yield 'rest';
        continue;
      }
      const token = tokens.next();
      if (token === 'end') return;
      if (token !== 'word') tokens.fail(`unexpected ${describe(token, tokens.value)}`);
      switch (tokens.value) {
        case 'record':
        case 'grecord':
          yield* readRecord(tokens, names, state);
          break;
        case 'alias':
          readAlias(tokens, names);
          break;
        case 'include':
          yield* readInclude(tokens, names);
          break;
        case 'path':
          searchPath.directories = splitSearchPath(readText(tokens));
          break;
        case 'addpath':
          searchPath.directories.push(...splitSearchPath(readText(tokens)));
          searchPath.directories.length = Math.min(searchPath.directories.length, MAX_DIRECTORIES);
          break;
        default:
          yield* skipDefinition(tokens);
      }
    }
  } catch (error) {
    if (!(error instanceof DatabaseSyntaxError)) throw error;
    names.addProblem(error.kind, `${error.message}: the rest of the file is not read`, error.place);
  }
}

/**
 * Splits a search path on ':'; an empty part means the working directory (dbAddPath in
 * dbStaticLib.c).
 */
export function splitSearchPath(text: string): string[] {
  return text
    .split(':', MAX_DIRECTORIES)
    .map((directory) => (directory.trim() === '' ? '.' : directory.trim()));
}

function* readRecord(tokens: DatabaseTokens, names: NameCollection, state: ReadingState): Reading {
  expect(tokens, '(');
  const type = readText(tokens);
  expect(tokens, ',');
  const name = readName(tokens, names);
  const owner = names.addRecord(type, name, tokens.place);
  expect(tokens, ')');
  if (state.isEndDue) tokens.fail('a record after an addition to one that is not defined');
  state.isEndDue = type === '*' && owner === undefined;
  // The body is optional; what follows may belong to the next statement.
  if (!tokens.peekIs('{')) return;
  tokens.next();
  for (;;) {
    while (tokens.isRestDue()) yield 'rest';
    const token = tokens.next();
    if (token === '}') return;
    if (token !== 'word') tokens.fail(`unexpected ${describe(token, tokens.value)} in a record`);
    switch (tokens.value) {
      case 'field':
      case 'info':
        readValue(tokens, tokens.value === 'info' && owner !== undefined ? names : undefined);
        break;
      case 'alias': {
        expect(tokens, '(');
        const alias = readName(tokens, names);
        names.addAlias(owner, alias, tokens.place);
        expect(tokens, ')');
        break;
      }
      case 'include':
        yield* readInclude(tokens, names);
        break;
      default:
        tokens.fail(`unexpected "${tokens.value}" in a record`);
    }
    if (names.isFull) return;
  }
}

/** Reads `(NAME, value)`; groups defined by an info tag Q:group go into `names`. */
function readValue(tokens: DatabaseTokens, names: NameCollection | undefined): void {
  expect(tokens, '(');
  const tag = readText(tokens);
  const { place } = tokens;
  expect(tokens, ',');
  const isGroup = names !== undefined && tag === 'Q:group';
  const value = tokens.skipValue(isGroup);
  expect(tokens, ')');
  if (isGroup) for (const group of groupNames(value)) names.addGroup(group, place);
}

function readAlias(tokens: DatabaseTokens, names: NameCollection): void {
  expect(tokens, '(');
  const target = readText(tokens);
  expect(tokens, ',');
  const alias = readName(tokens, names);
  names.addAlias(target, alias, tokens.place);
  expect(tokens, ')');
}

function* readInclude(tokens: DatabaseTokens, names: NameCollection): Reading {
  const file = readText(tokens);
  const { place } = tokens;
  const included = yield { file, place, depth: tokens.depth };
  if (included === undefined) return;
  // IOCs read on until they have no file descriptor left.
  if (tokens.isOpen(included.file)) names.addProblem('too-many', 'it includes itself', place);
  else tokens.push(included);
}

const definitionKeywords = new Set([
  ...['menu', 'recordtype', 'breaktable', 'device', 'driver'],
  ...['link', 'registrar', 'function', 'variable'],
]);

/** Skips a statement of .dbd files: `menu(name) { ... }`, `driver(name)`. */
function* skipDefinition(tokens: DatabaseTokens): Reading {
  const keyword = tokens.value;
  if (!definitionKeywords.has(keyword)) tokens.fail(`unexpected "${keyword}"`);
  expect(tokens, '(');
  for (let token = tokens.next(); token !== ')'; token = tokens.next()) {
    if (token === 'end') tokens.fail(`${keyword} without its ")"`);
    while (tokens.isRestDue()) yield 'rest';
  }
  if (keyword !== 'menu' && keyword !== 'recordtype' && keyword !== 'breaktable') return;
  expect(tokens, '{');
  for (let depth = 1; depth > 0;) {
    const token = tokens.next();
    if (token === '{') depth++;
    else if (token === '}') depth--;
    else if (token === 'end') tokens.fail(`${keyword} without its "}"`);
    while (tokens.isRestDue()) yield 'rest';
  }
}

/** Reads a name; EPICS Base stops reading the file at one that it refuses. */
function readName(tokens: DatabaseTokens, names: NameCollection): string {
  const name = readText(tokens);
  const refusal = names.refusalOf(name);
  if (refusal !== undefined) tokens.fail(refusal.message, refusal.kind);
  return name;
}

function readText(tokens: DatabaseTokens): string {
  const token = tokens.next();
  if (token !== 'word' && token !== 'string') {
    tokens.fail(`expected a name, not ${describe(token, tokens.value)}`);
  }
  return tokens.value;
}

function expect(tokens: DatabaseTokens, wanted: '(' | ')' | ',' | '{'): void {
  const token = tokens.next();
  if (token !== wanted) tokens.fail(`expected "${wanted}", not ${describe(token, tokens.value)}`);
}

function describe(token: string, value: string): string {
  return token === 'end'
    ? 'the end of the file'
    : value.length > 40
      ? 'a long word'
      : JSON.stringify(value);
}
