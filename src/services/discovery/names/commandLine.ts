import type { NamesProblem } from './databaseName';
import { isDatabaseFile } from './otherLoaders';

/** One thing an IOC does at its start that defines PVs. */
export type StartStep =
  | { readonly kind: 'records'; readonly file: string; readonly macros: string }
  | { readonly kind: 'groups'; readonly file: string; readonly macros: string }
  | { readonly kind: 'script'; readonly file: string }
  /** -x of softIoc: a database that comes with the program. */
  | { readonly kind: 'exit-records'; readonly prefix: string };

/** What the command line says about the files that an IOC was started with. */
export interface StartPlan {
  readonly steps: readonly StartStep[];
  /** Why there are no steps. */
  readonly problem?: NamesProblem;
  /** The program, if it takes databases in a way of its own, and so may load more. */
  readonly otherLoader?: string;
}

/** Finds the files that an IOC process was started with in its command line (argv). */
export function planStart(commandLine: readonly string[]): StartPlan {
  const [program = '', ...rest] = commandLine;
  if (/^python[\d.]*$/.test(baseName(program))) return planPython(rest);
  if (/^python-?softioc/i.test(baseName(program))) return notInFiles('pythonSoftIOC');
  if (isSoftIoc(program)) return planSoftIoc(rest);
  return planOther(baseName(program), rest);
}

/**
 * A program that no name tells. It may be softIoc under another name, or behind a wrapper (valgrind,
 * gdb); else it takes a script, databases, or both.
 */
function planOther(program: string, args: readonly string[]): StartPlan {
  const wrapped = args.findIndex((arg) => isSoftIoc(arg) && !baseName(arg).includes('.'));
  if (wrapped >= 0) return planSoftIoc(args.slice(wrapped + 1));
  const short = withShortOptions(args);
  if (areSoftIocOptions(short)) return planSoftIoc(short);
  const files = short.map(withoutOption).filter(mayHoldRecords);
  const script = findScript(short.filter((arg) => !mayHoldRecords(arg) && !MACRO.test(arg)));
  const macros = macrosIn(short);
  const steps = [
    ...(script === undefined ? [] : [{ kind: 'script', file: script } as const]),
    ...files.filter(isDatabase).map((file) => ({ kind: 'records', file, macros }) as const),
  ];
  if (files.length > 0) return { steps, otherLoader: program };
  if (steps.length > 0) return { steps };
  return {
    steps,
    problem: {
      kind: 'no-script',
      message: 'the IOC was started without a startup script, so its database files are not known',
    },
  };
}

function isSoftIoc(program: string): boolean {
  return /^softIoc/i.test(baseName(program));
}

const SOFT_IOC_OPTIONS = 'hVvSsa:D:d:m:x:G:';

/** Whether softIoc takes these, and they name what it loads. */
function areSoftIocOptions(args: readonly string[]): boolean {
  const { options, operands } = getopt(args, SOFT_IOC_OPTIONS);
  return (
    operands.length <= 1 &&
    !operands.some(mayHoldRecords) &&
    options.every(({ letter }) => letter !== ':' && SOFT_IOC_OPTIONS.includes(letter)) &&
    options.some(
      ({ letter, value }) =>
        (letter === 'd' && isDatabase(value)) || (letter === 'x' && value !== ''),
    )
  );
}

function mayHoldRecords(arg: string): boolean {
  return isDatabaseFile(arg) && !arg.startsWith('-') && !MACRO.test(arg);
}

/** Whether dbLoadRecords takes it. */
function isDatabase(file: string): boolean {
  return /\.(db|vdb|template)$/i.test(file);
}

/** The value of -m, else the first word that defines a macro. */
function macrosIn(args: readonly string[]): string {
  const option = args.indexOf('-m');
  const given = option < 0 ? undefined : args[option + 1];
  return given ?? args.find((arg) => MACRO.test(arg)) ?? '';
}

const MACRO = /^\w+=/;

/** The value in `--load=a.db`; any other word as it is. */
function withoutOption(arg: string): string {
  return /^--?\w[\w-]*=(.*)$/s.exec(arg)?.[1] ?? arg;
}

function planSoftIoc(args: readonly string[]): StartPlan {
  const steps: StartStep[] = [];
  let macros = '';
  const { options, operands } = getopt(args, SOFT_IOC_OPTIONS);
  for (const { letter, value } of options) {
    if (letter === 'm') macros = value;
    else if (letter === 'd') steps.push({ kind: 'records', file: value, macros });
    else if (letter === 'G') steps.push({ kind: 'groups', file: value, macros });
    else if (letter === 'x') steps.push({ kind: 'exit-records', prefix: value });
  }
  const [script] = operands;
  if (script !== undefined) steps.push({ kind: 'script', file: script });
  if (steps.length > 0) return { steps };
  return {
    steps,
    problem: {
      kind: 'no-script',
      message: 'softIoc was started with neither a database nor a startup script',
    },
  };
}

/**
 * Python processes: `-m epicscorelibs.ioc` and `-m pvxslibs.ioc` are softIoc with -m and -d, and so
 * is a script of that name; all others create their PVs themselves.
 */
function planPython(args: readonly string[]): StartPlan {
  const { options, operands, rest } = getopt(args, 'bBdEhiIOPqRsSuvVxW:X:c:m:', 'cm');
  const module = options.find(({ letter }) => letter === 'm')?.value ?? '';
  if (module === 'epicscorelibs.ioc' || module === 'pvxslibs.ioc') {
    return planSoftIoc(withShortOptions(rest));
  }
  const script = module === '' ? (operands[0] ?? '') : '';
  if (isSoftIoc(script)) return planSoftIoc(withShortOptions(rest.slice(1)));
  if (/caproto/.test(`${module} ${script}`)) return notInFiles('caproto');
  if (/softioc/i.test(`${module} ${script}`)) return notInFiles('pythonSoftIOC');
  return notInFiles('a Python program');
}

function withShortOptions(args: readonly string[]): string[] {
  return args.flatMap((arg) => {
    const match = /^--(macros|database)(?:=(.*))?$/s.exec(arg);
    if (match === null) return [arg];
    const short = match[1] === 'macros' ? '-m' : '-d';
    return match[2] === undefined ? [short] : [short, match[2]];
  });
}

function notInFiles(what: string): StartPlan {
  return {
    steps: [],
    problem: {
      kind: 'not-in-files',
      message: `the PVs are created by ${what}, so their names are not in database files`,
    },
  };
}

/**
 * The script of an IOC program: by convention its first argument, run with iocsh(argv[1]); after a
 * wrapper (valgrind, gdb) the last argument that looks like one.
 */
function findScript(args: readonly string[]): string | undefined {
  const [first] = args;
  const scripts = args.filter((arg) => /\.(cmd|iocsh|boot)$/.test(arg) && !arg.startsWith('-'));
  return scripts.at(-1) ?? (first !== undefined && !first.startsWith('-') ? first : undefined);
}

interface GetoptResult {
  readonly options: readonly { readonly letter: string; readonly value: string }[];
  readonly operands: readonly string[];
  /** What follows the option or operand that ended the options. */
  readonly rest: readonly string[];
}

/**
 * getopt of the C library: letters may be joined, a value may be joined or be the next argument,
 * operands may stand between options. With `lastOptions` (Python), the options end after one of
 * those letters and before the first operand.
 */
function getopt(args: readonly string[], letters: string, lastOptions?: string): GetoptResult {
  const options: { letter: string; value: string }[] = [];
  const operands: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (arg === '--') {
      operands.push(...args.slice(index + 1));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      if (lastOptions !== undefined) return { options, operands: [arg], rest: args.slice(index) };
      operands.push(arg);
      continue;
    }
    for (let at = 1; at < arg.length; at++) {
      const letter = arg.charAt(at);
      const takesValue = letters[letters.indexOf(letter) + 1] === ':' && letters.includes(letter);
      if (!takesValue) {
        options.push({ letter, value: '' });
        continue;
      }
      const joined = arg.slice(at + 1);
      options.push({ letter, value: joined === '' ? (args[++index] ?? '') : joined });
      if (lastOptions?.includes(letter) === true) {
        return { options, operands, rest: args.slice(index + 1) };
      }
      break;
    }
  }
  return { options, operands, rest: [] };
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
