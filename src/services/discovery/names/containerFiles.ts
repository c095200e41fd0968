import { CancelledError, messageOf } from '../../../base/errors';
import type { ContainerAccess } from '../../host/engine';
import type { NamesBudget } from './namesBudget';

/** A file that was read, or why it could not be. */
export type FoundFile =
  | { readonly kind: 'file'; readonly path: string; readonly bytes: Uint8Array }
  | { readonly kind: 'unreadable'; readonly path: string; readonly reason: string };

/** Bytes of files that are kept in case they are loaded again. */
const KEPT_BYTES = 32 * 1024 * 1024;
/** Bytes that are decoded at once. */
const DECODED_BYTES = 256 * 1024;
/** PATH_MAX of Linux. */
const MAX_PATH = 4096;

/**
 * The files of one container, as the search for names reads them: within limits, counted, each one
 * once.
 */
export class ContainerFiles {
  readonly #access: Pick<ContainerAccess, 'readFile'>;
  readonly #budget: NamesBudget;
  readonly #signal: AbortSignal;
  readonly #read = new Map<string, FoundFile>();
  #keptBytes = 0;

  constructor(access: Pick<ContainerAccess, 'readFile'>, budget: NamesBudget, signal: AbortSignal) {
    this.#access = access;
    this.#budget = budget;
    this.#signal = signal;
  }

  readonly paths: string[] = [];

  /** Reads the first of the paths that can be read; otherwise says why the last one cannot. */
  async readFirst(paths: readonly string[], maxBytes: number): Promise<FoundFile> {
    let last: FoundFile = { kind: 'unreadable', path: '', reason: 'no such file' };
    for (const path of paths) {
      last = await this.#readOnce(path, maxBytes);
      if (last.kind === 'file') return last;
    }
    return last;
  }

  /** The whole text of a file of limited size. Rejects with CancelledError. */
  async textOf({ bytes }: { readonly bytes: Uint8Array }): Promise<string> {
    const parts: string[] = [];
    const decoder = new TextDecoder();
    for (let at = 0; at < bytes.length; at += DECODED_BYTES) {
      parts.push(decoder.decode(bytes.subarray(at, at + DECODED_BYTES), { stream: true }));
      this.#budget.work(DECODED_BYTES / 4);
      await this.#budget.restIfOver();
    }
    parts.push(decoder.decode());
    return parts.join('');
  }

  async #readOnce(path: string, maxBytes: number): Promise<FoundFile> {
    const known = this.#read.get(path);
    if (known !== undefined) return known;
    const file = await this.#readNow(path, maxBytes);
    if (file.kind === 'file') {
      if (!this.paths.includes(path)) this.paths.push(path);
      this.#keptBytes += file.bytes.length;
      // A big file is hardly ever loaded twice: rather read it again than keep it.
      if (this.#keptBytes > KEPT_BYTES) return file;
    }
    this.#read.set(path, file);
    return file;
  }

  async #readNow(path: string, maxBytes: number): Promise<FoundFile> {
    if (!this.#budget.spend('reads')) {
      return { kind: 'unreadable', path, reason: 'too many files' };
    }
    if (this.#signal.aborted) throw new CancelledError();
    try {
      const bytes = await this.#access.readFile(path, maxBytes, this.#signal);
      if (bytes.length > maxBytes) {
        return { kind: 'unreadable', path, reason: `larger than ${maxBytes} bytes` };
      }
      return { kind: 'file', path, bytes };
    } catch (error) {
      if (this.#signal.aborted) throw new CancelledError();
      return { kind: 'unreadable', path, reason: messageOf(error) };
    }
  }
}

/** Why a file was not read, where `file`, as it is written, stands before: `no such file`. */
export function whyUnread(file: string, { reason }: { readonly reason: string }): string {
  return reason.startsWith(`${file}: `) ? reason.slice(file.length + 2) : reason;
}

/**
 * An absolute path without '.', '..' and double slashes; a relative `path` starts from `directory`.
 * The root if the result is longer than a path may be.
 */
export function resolvePath(directory: string, path: string): string {
  const parts: string[] = [];
  const full = path.startsWith('/') ? path : `${directory}/${path}`;
  if (full.length > MAX_PATH) return '/';
  for (const part of full.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** The directory of an absolute path. */
export function directoryOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}
