/**
 * Commands that run once for each value of a variable: dbLoadRecordsLoop, dbLoadRecordsList,
 * iocshCmdLoop and iocshCmdList of the module "utilities" of ISIS.
 */

/** One such command. */
export interface IocshLoop {
  readonly runs: 'records' | 'command';
  /** A database, or a line of the IOC shell; with `$(VARIABLE)` where the value belongs. */
  readonly text: string;
  /** `NAME=value,...`, in the same way. */
  readonly macros: string;
  readonly variable: string;
  readonly values: readonly string[];
}

/** More rounds than any script needs. */
const MAX_ROUNDS = 10_000;

/**
 * Reads the words of a line. Undefined when it is another command; `values` is empty when there is
 * nothing to do. Arguments that make no sense are read as the module does: a step below 1 is 1.
 */
export function parseIocshLoop(words: readonly string[]): IocshLoop | undefined {
  const [command = '', text = '', macros = '', variable = '', first = '', second, third] = words;
  const [, what, kind] = /^(dbLoadRecords|iocshCmd)(Loop|List)$/.exec(command) ?? [];
  if (what === undefined) return undefined;
  const values =
    variable === ''
      ? ['']
      : kind === 'List'
        ? splitList(first, second ?? ';')
        : range(toInteger(first), toInteger(second), Math.max(1, toInteger(third)));
  return {
    runs: what === 'iocshCmd' ? 'command' : 'records',
    text: unescapeVariable(text, variable),
    macros: unescapeVariable(macros, variable),
    variable,
    values: values.slice(0, MAX_ROUNDS),
  };
}

/** strtok: each character of `separators` separates, and empty items do not count. */
function splitList(text: string, separators: string): string[] {
  const items: string[] = [''];
  for (const character of text) {
    if (separators.includes(character)) items.push('');
    else items.push((items.pop() ?? '') + character);
  }
  return items.filter((item) => item !== '');
}

function range(start: number, stop: number, step: number): string[] {
  const values: string[] = [];
  for (let value = start; value <= stop && values.length < MAX_ROUNDS; value += step) {
    values.push(String(value));
  }
  return values;
}

function toInteger(text: string | undefined): number {
  const number = Number.parseInt(text ?? '', 10);
  return Number.isNaN(number) ? 0 : number;
}

/** `\$(I)` is written so that the shell leaves it alone. */
function unescapeVariable(text: string, variable: string): string {
  return text
    .replaceAll(`\\$(${variable})`, () => `$(${variable})`)
    .replaceAll(`\\\${${variable}}`, () => `\${${variable}}`);
}
