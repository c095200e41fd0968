/**
 * Macro expansion that behaves like macLib of EPICS Base (modules/libcom/src/macLib/macCore.c):
 * `$(A)`, `${A}`, defaults `$(A=x)`, scoped macros `$(A,B=x)`, names made of macros `$(A$(B))`,
 * values that use macros, no expansion within single quotes.
 */
import type { MacroDefinition } from './macroDefinitions';

/** What expansions may cost; several sets of macros may share one. */
export interface MacroBudget {
  /** Whether nothing is left: then texts stay as they are. */
  readonly isStopped: boolean;
  /** `expansionSteps`: what one expansion may take, about one step a character. */
  readonly limits: { readonly expansionSteps: number };
  /** Takes what an expansion has cost. */
  spend(what: 'macroSteps', steps: number): unknown;
}

/** How macros without a known value are treated; absent: as macLib does. */
export interface MacroRules {
  /** Stands for each of them, and also for those that have only a default. */
  readonly unknownAs?: string;
}

/** Where macros without a definition are looked up. */
export interface MacroEnvironment {
  get(name: string): string | undefined;
}

/** The steps that one expansion may still take. */
interface Steps {
  left: number;
}

/** An expanded text. */
export interface Expansion {
  /** An undefined or recursive macro stays in it as `$(NAME)`. */
  readonly text: string;
  /** The macros that have no value and no default, or use themselves. */
  readonly undefinedMacros: readonly string[];
}

interface MacroEntry {
  readonly raw: string;
  /** Set while its own value is expanded: then a reference to it is recursive. */
  isOpen: boolean;
}

interface Cursor {
  readonly text: string;
  at: number;
}

const QUOTE = 34;
const DOLLAR = 36;
const APOSTROPHE = 39;
const BACKSLASH = 92;

/** References within references; deeper ones count as undefined. */
const maxDepth = 40;
/** Characters of one expanded text that are not in its source; macLib itself cuts values at 256. */
const maxGrowth = 64 * 1024;
/** Macros without a value that are remembered for a message. */
const maxUndefined = 100;

/** The macros of one load or of the IOC shell, in nested scopes. */
export class Macros {
  readonly #budget: MacroBudget;
  readonly #unknownAs: string | undefined;
  readonly #steps: Steps = { left: 0 };
  readonly #environment: MacroEnvironment;
  readonly #environmentEntries = new Map<string, MacroEntry>();
  readonly #scopes = [new Map<string, MacroEntry>()];
  #undefined = new Set<string>();
  #growth = 0;

  /**
   * Macros without a definition are looked up in `environment` (iocsh) or not at all (databases).
   */
  constructor(
    budget: MacroBudget,
    environment: MacroEnvironment = new Map<string, string>(),
    { unknownAs }: MacroRules = {},
  ) {
    this.#budget = budget;
    this.#unknownAs = unknownAs;
    this.#environment = environment;
  }

  /** Begins a scope: definitions in it end with `popScope`. */
  pushScope(): void {
    this.#scopes.push(new Map());
  }

  /** Ends the innermost scope. */
  popScope(): void {
    if (this.#scopes.length > 1) this.#scopes.pop();
  }

  /** Adds definitions to the innermost scope. */
  install(definitions: readonly MacroDefinition[]): void {
    for (const { name, value } of definitions) {
      if (value === undefined) this.remove(name);
      else this.#scopes.at(-1)?.set(name, { raw: value, isOpen: false });
    }
  }

  /**
   * Removes a macro from all scopes, so that the environment counts again (epicsEnvSet relies on
   * it).
   */
  remove(name: string): void {
    for (const scope of this.#scopes) scope.delete(name);
  }

  /** Expands the macros in a text. */
  expand(text: string): Expansion {
    if (!text.includes('$')) return { text, undefinedMacros: [] };
    if (this.#budget.isStopped) return { text, undefinedMacros: ['(too many macros)'] };
    this.#undefined = new Set();
    this.#growth = 0;
    const { expansionSteps } = this.#budget.limits;
    this.#steps.left = expansionSteps;
    const expanded = this.#translate({ text, at: 0 }, '', 0);
    this.#budget.spend('macroSteps', expansionSteps - this.#steps.left);
    return { text: expanded, undefinedMacros: [...this.#undefined] };
  }

  /**
   * Expands up to one of the characters `stops` or the end. At depth 0 quotes and escapes belong to
   * the text and stay; deeper, in names and values, they are removed.
   */
  #translate(cursor: Cursor, stops: string, depth: number): string {
    const { text } = cursor;
    let expanded = '';
    let quote = '';
    let copyFrom = cursor.at;
    const start = cursor.at;
    for (; cursor.at < text.length; cursor.at++) {
      if (stops !== '' && stops.includes(text.charAt(cursor.at))) break;
      const code = text.charCodeAt(cursor.at);
      // Most characters mean nothing here, and databases are long.
      if (code !== DOLLAR && code !== QUOTE && code !== APOSTROPHE && code !== BACKSLASH) continue;
      const character = text.charAt(cursor.at);
      let isDropped = false;
      if (quote !== '') {
        if (character === quote) {
          quote = '';
          isDropped = depth > 0;
        }
      } else if (character === '"' || character === "'") {
        quote = character;
        isDropped = depth > 0;
      }
      if (isReference(text, cursor.at) && quote !== "'") {
        expanded += text.slice(copyFrom, cursor.at) + this.#refer(cursor, depth);
        copyFrom = cursor.at + 1;
      } else if (isDropped) {
        expanded += text.slice(copyFrom, cursor.at);
        copyFrom = cursor.at + 1;
      } else if (character === '\\' && cursor.at + 1 < text.length) {
        if (depth > 0) {
          expanded += text.slice(copyFrom, cursor.at);
          copyFrom = cursor.at + 1;
        }
        cursor.at++;
      }
    }
    this.#steps.left -= cursor.at - start;
    return expanded + text.slice(copyFrom, cursor.at);
  }

  /** Expands the reference at the cursor and leaves the cursor on its last character. */
  #refer(cursor: Cursor, depth: number): string {
    const { text } = cursor;
    this.#steps.left--;
    if (depth >= maxDepth || this.#steps.left < 0 || this.#growth > maxGrowth) {
      const start = cursor.at;
      skipReference(cursor, 0, this.#steps);
      return this.#fail(text.slice(start + 2, cursor.at));
    }
    const close = text[cursor.at + 1] === '(' ? ')' : '}';
    cursor.at += 2;
    const name = this.#translate(cursor, `=,${close}`, depth + 1);
    let defaultAt: number | undefined;
    if (text[cursor.at] === '=') {
      defaultAt = ++cursor.at;
      skipTo(cursor, `,${close}`, 0, this.#steps);
    }
    const isScoped = text[cursor.at] === ',';
    if (isScoped) this.#defineScoped(cursor, close, depth);
    const value = this.#valueOf(name, text, defaultAt, close, depth);
    if (isScoped) this.popScope();
    if (depth === 0) this.#growth += value.length;
    return value;
  }

  #defineScoped(cursor: Cursor, close: string, depth: number): void {
    const { text } = cursor;
    const reported = new Set(this.#undefined);
    this.pushScope();
    while (text[cursor.at] === ',') {
      cursor.at++;
      const name = this.#translate(cursor, `=,${close}`, depth + 1);
      if (text[cursor.at] !== '=') continue;
      cursor.at++;
      const value = this.#translate(cursor, `,${close}`, depth + 1);
      this.install([{ name, value }]);
    }
    // macLib reports no error when the value of a scoped macro lacks something: its text remains.
    this.#undefined = reported;
  }

  #valueOf(
    name: string,
    text: string,
    defaultAt: number | undefined,
    close: string,
    depth: number,
  ): string {
    const entry = this.#lookUp(name);
    if (entry !== undefined && !entry.isOpen) {
      entry.isOpen = true;
      const value = this.#translate({ text: entry.raw, at: 0 }, '', depth + 1);
      entry.isOpen = false;
      return value;
    }
    if (entry === undefined && defaultAt !== undefined && this.#unknownAs === undefined) {
      return this.#translate({ text, at: defaultAt }, `,${close}`, depth + 1);
    }
    return this.#fail(name);
  }

  #lookUp(name: string): MacroEntry | undefined {
    for (let level = this.#scopes.length - 1; level >= 0; level--) {
      const entry = this.#scopes[level]?.get(name);
      if (entry !== undefined) return entry;
    }
    const raw = this.#environment.get(name);
    if (raw === undefined) return undefined;
    let entry = this.#environmentEntries.get(name);
    if (entry?.raw !== raw) {
      entry = { raw, isOpen: false };
      this.#environmentEntries.set(name, entry);
    }
    return entry;
  }

  #fail(name: string): string {
    const short = name.slice(0, 80);
    if (this.#undefined.size < maxUndefined) this.#undefined.add(short);
    return this.#unknownAs ?? `$(${short})`;
  }
}

/** Whether a macro reference begins at that index. */
export function isReference(text: string, at: number): boolean {
  return text[at] === '$' && (text[at + 1] === '(' || text[at + 1] === '{');
}

/**
 * The index behind the reference that begins at `at`; the length of the text if it never ends. Takes
 * no longer than the text is.
 */
export function referenceEnd(text: string, at: number): number {
  const cursor = { text, at };
  skipReference(cursor, 0, { left: text.length });
  return Math.min(cursor.at + 1, text.length);
}

/** Moves to one of `stops` over text that #translate would read, without expanding it. */
function skipTo(cursor: Cursor, stops: string, depth: number, steps: Steps): void {
  const { text } = cursor;
  const start = cursor.at;
  let quote = '';
  for (; cursor.at < text.length && !stops.includes(text.charAt(cursor.at)); cursor.at++) {
    const character = text.charAt(cursor.at);
    if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '"' || character === "'") quote = character;
    if (isReference(text, cursor.at) && quote !== "'") skipReference(cursor, depth + 1, steps);
    else if (character === '\\' && cursor.at + 1 < text.length) cursor.at++;
  }
  steps.left -= cursor.at - start;
}

function skipReference(cursor: Cursor, depth: number, steps: Steps): void {
  const { text } = cursor;
  if (depth > maxDepth) {
    cursor.at = text.length;
    return;
  }
  const close = text[cursor.at + 1] === '(' ? ')' : '}';
  cursor.at += 2;
  while (cursor.at < text.length) {
    skipTo(cursor, `=,${close}`, depth, steps);
    if (text[cursor.at] === '=') {
      cursor.at++;
      skipTo(cursor, `,${close}`, depth, steps);
    }
    if (text[cursor.at] !== ',') return;
    cursor.at++;
  }
}
