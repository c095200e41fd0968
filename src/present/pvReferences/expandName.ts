import { type MacroBudget, Macros, type MacroRules } from '../../model/macros';
import type { MacroScope } from './pvReference';

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

/**
 * Expands a name with the macros that count at its place, as macLib does. What cannot be expanded
 * within limits counts as unknown.
 */
export function expandName(text: string, scope: MacroScope): ExpandedName {
  const scopes = scopesOf(scope);
  const { text: name, undefinedMacros: unknown } = expand(text, scopes, {});
  const { text: pattern } = expand(text, scopes, { unknownAs: '*' });
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
