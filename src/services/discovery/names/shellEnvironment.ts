import { isKeptVariable } from '../detect/parseProc';

/** Where macros without a definition are looked up. */
export interface MacroEnvironment {
  get(name: string): string | undefined;
}

/**
 * The environment of an IOC process, as its startup script reads and changes it. It may hold
 * secrets: what comes from it shows in the names of PVs and in paths of files that were read, and
 * nowhere else. So it knows whether the line that is run now has anything of it (is tainted), and
 * passes that on to the variables that such a line sets.
 */
export class ShellEnvironment implements MacroEnvironment {
  readonly #values: Map<string, string>;
  readonly #tainted: Set<string>;
  /** Whether anything of the process's environment was used since this was set to false. */
  isTainted = false;

  constructor(given: Readonly<Record<string, string>>) {
    this.#values = new Map(Object.entries(given));
    this.#tainted = new Set(Object.keys(given).filter((name) => !isKeptVariable(name)));
  }

  get(name: string): string | undefined {
    const value = this.#values.get(name);
    if (value !== undefined && this.#tainted.has(name)) this.isTainted = true;
    return value;
  }

  set(name: string, value: string): void {
    this.#values.set(name, value);
    if (this.isTainted) this.#tainted.add(name);
    else this.#tainted.delete(name);
  }

  delete(name: string): void {
    this.#values.delete(name);
    this.#tainted.delete(name);
  }
}
