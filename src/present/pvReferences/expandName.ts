import { type MacroBudget, Macros, type MacroRules } from '../../model/macros';
import type { MacroScope } from './pvReference';

/**
 * What the expansions of many names may take together, so that a crafted file cannot hold up a window.
 */
export class ExpansionAllowance {
  #left = 5_000_000;

  /** Nothing is left: further names are not expanded. */
  get isSpent(): boolean {
    return this.#left < 0;
  }

  /** Takes steps, about one a character or a scope of macros. */
  take(steps: number): void {
    this.#left -= steps;
  }
}

/** A name after its macros were expanded, as far as they are known. */
export interface ExpandedName {
  /** The name with known values and defaults; undefined if a macro has neither. */
  readonly name?: string;
  /** The name with `*` for each macro whose value may differ where the file is loaded. */
  readonly pattern: string;
  /** Macros without a value, each once. */
  readonly unknown: readonly string[];
}

/** Steps that all expansions for one name may take together; about one a character. */
const MAX_STEPS = 200_000;
const MAX_STEPS_AT_ONCE = 20_000;
/** Scopes around a name, from the inside. */
const MAX_SCOPES = 100_000;
/** Making a macro known, in characters expanded. */
const STEPS_PER_DEFINITION = 5;

/**
 * Expands a name with the macros that count at its place, as macLib does. What cannot be expanded
 * within limits counts as unknown. `allowance`: from which its steps are taken.
 */
export function expandName(
  text: string,
  scope: MacroScope,
  allowance?: ExpansionAllowance,
): ExpandedName {
  const scopes = scopesOf(scope);
  const { text: name, undefinedMacros: unknown } = expand(text, scopes, {}, allowance);
  const { text: pattern } = expand(text, scopes, { unknownAs: '*' }, allowance);
  return {
    ...(unknown.length === 0 && { name }),
    pattern: pattern.replace(/\*+/g, '*'),
    unknown,
  };
}

function expand(
  text: string,
  scopes: readonly MacroScope[],
  rules: MacroRules,
  allowance: ExpansionAllowance | undefined,
): ReturnType<Macros['expand']> {
  const budget = new ExpansionBudget();
  const macros = new Macros(budget, new Map(), rules);
  for (const { definitions } of scopes) {
    for (const { name, value } of definitions) {
      // A value is made of what is defined before: `<P>$(P)X:</P>` in a group adds to its display's.
      const known = macros.expand(value);
      const isKnown = known.undefinedMacros.length === 0;
      macros.install([{ name, value: isKnown ? literal(known.text) : value }]);
    }
  }
  const expansion = macros.expand(text);
  const defined = scopes.reduce((sum, { definitions }) => sum + 1 + definitions.length, 0);
  allowance?.take(budget.spent + text.length + STEPS_PER_DEFINITION * defined);
  if (!budget.isStopped || expansion.undefinedMacros.length === 0) return expansion;
  return { text: rules.unknownAs ?? text, undefinedMacros: ['(too many macros)'] };
}

/** Quotes and backslashes were for the first expansion; they are kept from the second. */
function literal(value: string): string {
  return value.replace(/["'\\]/g, '\\$&');
}

class ExpansionBudget implements MacroBudget {
  readonly limits = { expansionSteps: MAX_STEPS_AT_ONCE };
  #left = MAX_STEPS;

  get isStopped(): boolean {
    return this.#left < 0;
  }
  get spent(): number {
    return MAX_STEPS - this.#left;
  }

  spend(_what: 'macroSteps', steps: number): void {
    this.#left -= steps;
  }
}

/** From the outermost to the innermost. */
function scopesOf(scope: MacroScope): readonly MacroScope[] {
  const scopes: MacroScope[] = [];
  for (let at: MacroScope | undefined = scope; at && scopes.length < MAX_SCOPES; at = at.outer) {
    scopes.push(at);
  }
  return scopes.reverse();
}
