/** Checks what a front end sends: a request that makes no sense is refused, not guessed at. */
import { ErrorCodes, ResponseError } from 'vscode-jsonrpc/node';
import { type BranchQuery, type PvQuery, SEARCH_WISHES, type Wish } from '../model/exposure';
import type { PvProtocol } from '../model/snapshot';
import type { ContainerHint } from '../model/workspaceContainer';
import type { HelloParams } from './messages';

/** The parameters of one request, read field by field. */
export class Params {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(params: unknown) {
    const isObject = typeof params === 'object' && params !== null && !Array.isArray(params);
    this.#fields = isObject ? (params as Record<string, unknown>) : refuse('parameters by name');
  }

  text(name: string): string {
    const value = this.#fields[name];
    return typeof value === 'string' ? value : refuse(`text in "${name}"`);
  }

  optionalText(name: string): string | undefined {
    return this.#isAbsent(name) ? undefined : this.text(name);
  }

  /** A whole number from 0 on. */
  count(name: string): number {
    const value = this.#fields[name];
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
      ? value
      : refuse(`a whole number in "${name}"`);
  }

  optionalFlag(name: string): boolean | undefined {
    const value = this.#fields[name];
    if (this.#isAbsent(name)) return undefined;
    return typeof value === 'boolean' ? value : refuse(`true or false in "${name}"`);
  }

  texts(name: string): string[] {
    const value = this.#fields[name];
    return Array.isArray(value) && value.every((item) => typeof item === 'string')
      ? value
      : refuse(`a list of texts in "${name}"`);
  }

  protocol(name: string): PvProtocol {
    const value = this.#fields[name];
    return value === 'ca' || value === 'pva' ? value : refuse(`ca or pva in "${name}"`);
  }

  inside(name: string): Params {
    return new Params(this.#fields[name]);
  }

  hello(): HelloParams {
    return {
      protocol: this.count('protocol'),
      version: this.text('version'),
      clientId: this.text('clientId'),
      clientName: this.text('clientName'),
    };
  }

  wish(name: string): Wish | undefined {
    if (this.#isAbsent(name)) return undefined;
    const wish = this.inside(name);
    const selection = wish.inside('selection');
    const workspace = selection.optionalText('workspace');
    const searchText = wish.optionalText('search');
    const search = SEARCH_WISHES.find((one) => one === searchText);
    if (searchText !== undefined && !search)
      refuse(`one of ${SEARCH_WISHES.join(', ')} in "search"`);
    return {
      selection: {
        containers: selection.texts('containers'),
        labels: selection.texts('labels'),
        ...(workspace !== undefined && { workspace }),
      },
      engines: wish.texts('engines'),
      names: wish.texts('names'),
      ...(search && { search }),
      ...(!wish.#isAbsent('own') && { own: wish.inside('own').hint() }),
    };
  }

  hint(): ContainerHint {
    const fields = ['folder', 'configFile', 'name', 'id'] as const;
    return Object.fromEntries(
      fields.flatMap((field) => {
        const text = this.optionalText(field);
        return text === undefined ? [] : [[field, text]];
      }),
    );
  }

  pvQuery(): PvQuery {
    const pattern = this.optionalText('pattern');
    const serverKey = this.optionalText('serverKey');
    const onlyUnreachable = this.optionalFlag('onlyUnreachable');
    return {
      offset: this.count('offset'),
      limit: this.count('limit'),
      ...(pattern !== undefined && { pattern }),
      ...(serverKey !== undefined && { serverKey }),
      ...(onlyUnreachable !== undefined && { onlyUnreachable }),
    };
  }

  branchQuery(): BranchQuery {
    const pattern = this.optionalText('pattern');
    return {
      serverKey: this.text('serverKey'),
      prefix: this.text('prefix'),
      ...(pattern !== undefined && { pattern }),
    };
  }

  #isAbsent(name: string): boolean {
    return this.#fields[name] === undefined || this.#fields[name] === null;
  }
}

function refuse(wanted: string): never {
  throw new ResponseError(ErrorCodes.InvalidParams, `expected ${wanted}`);
}
