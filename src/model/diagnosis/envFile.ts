import type { Setting } from './clientSettings';

/** Lines that are read; settings of EPICS take a few. */
const MAX_LINES = 10_000;
/** Characters of a line, and of a value: each may double the one before. */
const MAX_LINE = 10_000;

/** `export A=b`, `A=b`, `setenv A b`, `set A=b`, `set -gx A b`, `$env:A = 'b'`. */
const ASSIGNMENT =
  /^\s*(?:(?:export|set|declare -x)\s+"?|\$env:)?(EPICS_\w{1,60})\s*=([^]*)|^\s*(?:setenv|set -\w{1,3})\s+(EPICS_\w{1,60})\s([^]*)/;

/**
 * The EPICS_* variables that a file for a shell (environment.sh, .env, .csh, .bat) sets, with their
 * lines. A value with a variable that the file does not set is not known. Does not throw.
 */
export function parseEnvFile(text: string, file: string): readonly Setting[] {
  const known = new Map<string, string>();
  const settings: Setting[] = [];
  for (const [at, whole] of text.split(/\r?\n/, MAX_LINES).entries()) {
    const match = ASSIGNMENT.exec(whole.slice(0, MAX_LINE));
    const name = match?.[1] ?? match?.[3];
    if (name === undefined) continue;
    const value = expanded(unquoted(match?.[2] ?? match?.[4] ?? ''), known);
    const place = { name, file, line: at + 1 };
    if (value === undefined) {
      known.delete(name);
      settings.push({ ...place, value: '', isUnknown: true });
    } else {
      known.set(name, value);
      settings.push({ ...place, value });
    }
  }
  return settings;
}

/** The value without quotes, and without what follows: a comment, another command. */
function unquoted(rest: string): string {
  const text = rest.trim();
  const [, , quoted] = /^(["'])(.*?)\1/.exec(text) ?? [];
  if (quoted !== undefined) return quoted;
  // `set "A=b c"` of cmd has its quote before the name.
  return text
    .replace(/"$/, '')
    .replace(/(?:\s#|[;&])[^]*/, '')
    .trim();
}

/** The value with the variables of this file; undefined if it has others, or gets too long. */
function expanded(value: string, known: ReadonlyMap<string, string>): string | undefined {
  let isKnown = true;
  let length = value.length;
  const text = value.replace(/\$\{?(\w+)\}?|%(\w+)%/g, (_, a?: string, b?: string) => {
    const found = known.get(a ?? b ?? '');
    length += found?.length ?? 0;
    isKnown &&= found !== undefined && length <= MAX_LINE;
    return isKnown ? (found ?? '') : '';
  });
  return isKnown && !/[$`]/.test(text) ? text : undefined;
}

/** What concerns EPICS clients in the environment of a process. */
export function settingsOfEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Setting[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    /^(?:EPICS_|JDK_JAVA_OPTIONS$)/.test(name) && value !== undefined ? [{ name, value }] : [],
  );
}
