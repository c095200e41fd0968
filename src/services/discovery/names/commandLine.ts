import type { NamesProblem } from './databaseName';

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
}

/** Finds the files that an IOC process was started with in its command line (argv). */
export function planStart(commandLine: readonly string[]): StartPlan {
  const [program = '', ...rest] = commandLine;
  if (/^python[\d.]*$/.test(baseName(program))) return planPython(rest);
  if (/^python-?softioc/i.test(baseName(program))) return notInFiles('pythonSoftIOC');
  if (isSoftIoc(program)) return planSoftIoc(rest);
  const script = findScript(rest);
  if (script !== undefined) return { steps: [{ kind: 'script', file: script }] };
  return {
    steps: [],
    problem: {
      kind: 'no-script',
      message: 'the IOC was started without a startup script, so its database files are not known',
    },
  };
}

function isSoftIoc(program: string): boolean {
  return /^softIoc/i.test(baseName(program));
}

function planSoftIoc(args: readonly string[]): StartPlan {
  const steps: StartStep[] = [];
  let macros = '';
  const { options, operands } = getopt(args, 'hVvSsa:D:d:m:x:G:');
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
