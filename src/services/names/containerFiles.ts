/** The files of one container as the search for names reads them: bounded, counted, each once. */
import { CancelledError, messageOf } from '../../base/errors';
import type { ContainerAccess } from '../engine';
import type { NamesLimits } from './databaseName';
import type { NameCollection } from './nameCollection';

export type FileText =
  | { readonly kind: 'text'; readonly path: string; readonly text: string }
  | { readonly kind: 'unreadable'; readonly path: string; readonly reason: string };

export class ContainerFiles {
  readonly #access: Pick<ContainerAccess, 'readFile'>;
  readonly #limits: NamesLimits;
  readonly #names: NameCollection;
  readonly #signal: AbortSignal;
  readonly #read = new Map<string, FileText>();
  #keptCharacters = 0;
  #reads = 0;

  constructor(
    access: Pick<ContainerAccess, 'readFile'>,
    limits: NamesLimits,
    names: NameCollection,
    signal: AbortSignal,
  ) {
    this.#access = access;
    this.#limits = limits;
    this.#names = names;
    this.#signal = signal;
  }

  readonly paths: string[] = [];

  /** Of the paths in order, the first that can be read; else why the last cannot. */
  async readFirst(paths: readonly string[], maxBytes: number): Promise<FileText> {
    let last: FileText = { kind: 'unreadable', path: '', reason: 'no such file' };
    for (const path of paths) {
      last = await this.#readOnce(path, maxBytes);
      if (last.kind === 'text') return last;
    }
    return last;
  }

  async #readOnce(path: string, maxBytes: number): Promise<FileText> {
    const known = this.#read.get(path);
    if (known !== undefined) return known;
    const file = await this.#readNow(path, maxBytes);
    if (file.kind === 'text') {
      if (!this.paths.includes(path)) this.paths.push(path);
      this.#keptCharacters += file.text.length;
      // A big file is hardly ever loaded twice: rather read it again than hold it.
      if (this.#keptCharacters > this.#limits.databaseBytes) return file;
    }
    this.#read.set(path, file);
    return file;
  }

  async #readNow(path: string, maxBytes: number): Promise<FileText> {
    if (++this.#reads > this.#limits.reads) {
      this.#names.stop(`more than ${this.#limits.reads} files: the rest is left out`);
      return { kind: 'unreadable', path, reason: 'too many files' };
    }
    if (this.#signal.aborted) throw new CancelledError();
    try {
      const bytes = await this.#access.readFile(path, maxBytes, this.#signal);
      if (bytes.length > maxBytes) {
        return { kind: 'unreadable', path, reason: `larger than ${maxBytes} bytes` };
      }
      return { kind: 'text', path, text: new TextDecoder().decode(bytes) };
    } catch (error) {
      if (this.#signal.aborted) throw new CancelledError();
      return { kind: 'unreadable', path, reason: messageOf(error) };
    }
  }
}

/** An absolute path without '.', '..' and double slashes; `path` counts from `directory`. */
export function resolvePath(directory: string, path: string): string {
  const parts: string[] = [];
  const full = path.startsWith('/') ? path : `${directory}/${path}`;
  for (const part of full.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

export function directoryOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}
