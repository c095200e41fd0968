import type { MacroEnvironment } from '../../../model/macros';
import { isKeptVariable } from '../detect/parseProc';

/** Shorter values are not hidden: they say nothing, and stand in many texts by chance. */
const MIN_HIDDEN = 4;

/**
 * The environment of an IOC process, as its startup script reads and changes it. It may hold
 * secrets: what a macro took from it shows in the names of PVs, and nowhere else.
 */
export class ShellEnvironment implements MacroEnvironment {
  /** Variables the process was started with, without those that are shown anyway. */
  readonly #given: ReadonlyMap<string, string>;
  readonly #values: Map<string, string>;
  /** Given variables that were read. */
  readonly #used = new Set<string>();

  constructor(given: Readonly<Record<string, string>>) {
    this.#values = new Map(Object.entries(given));
    this.#given = new Map(Object.entries(given).filter(([name]) => !isKeptVariable(name)));
  }

  get(name: string): string | undefined {
    const value = this.#values.get(name);
    if (value !== undefined && this.#given.get(name) === value) this.#used.add(name);
    return value;
  }

  set(name: string, value: string): void {
    this.#values.set(name, value);
  }

  delete(name: string): void {
    this.#values.delete(name);
  }

  /** The text with `$(NAME)` for each value that a macro took from the process's environment. */
  hide(text: string): string {
    let hidden = text;
    for (const name of this.#used) {
      const value = this.#given.get(name) ?? '';
      if (value.length >= MIN_HIDDEN) hidden = hidden.replaceAll(value, () => `$(${name})`);
    }
    return hidden;
  }
}
