import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { extract, type ExtractEvents, type Header } from 'tar-stream';
import { onAbort } from '../../base/abort';
import { ContainerError, messageOf } from '../../base/errors';

/** What the archive of a path has: a file's content, or a link to follow. */
export type ArchiveEntry =
  | { readonly kind: 'file'; readonly bytes: Uint8Array }
  /** A link: the engine follows links in the folders of a path, but not in its last part. */
  | { readonly kind: 'link'; readonly path: string };

/** How many links are followed: as many as Linux follows before it reports ELOOP. */
export const linkHopCap = 40;

/**
 * Reads the first entry, one regular file or a link, from the tar stream of an engine's archive
 * call, and destroys the stream.
 *
 * @throws ContainerError if the entry is neither a file nor a link, or larger than `maxBytes`.
 */
export function readArchiveEntry(
  archive: Readable,
  path: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<ArchiveEntry> {
  return new Promise((resolve, reject) => {
    const tar = extract();
    const listening = onAbort(signal, () => archive.destroy());
    const finish = (error: Error | undefined, entry?: ArchiveEntry): void => {
      listening.dispose();
      archive.destroy();
      tar.destroy();
      if (entry) resolve(entry);
      else reject(error ?? new ContainerError(`${path}: the engine sent an empty archive`));
    };
    const fail = (error: Error): void =>
      finish(new ContainerError(`${path}: ${messageOf(error)}`, { cause: error }));
    archive.on('error', fail);
    archive.on('close', () => {
      if (!archive.readableEnded) fail(new Error('the engine ended the archive early'));
    });
    tar.on('error', fail);
    tar.on('finish', () => finish(undefined));
    tar.on('entry', (header, body) => {
      body.on('error', fail);
      const refusal = refuse(header, path, maxBytes);
      if (refusal) return finish(refusal);
      if (header.type === 'symlink') {
        return finish(undefined, { kind: 'link', path: linkTarget(path, header.linkname ?? '') });
      }
      collect(body, (bytes) => finish(undefined, { kind: 'file', bytes }));
    });
    archive.pipe(tar);
  });
}

/**
 * The path that a link leads to. Not normalised: the engine must walk `a/link/..`, because `link`
 * may lead elsewhere.
 */
export function linkTarget(path: string, linkName: string): string {
  return linkName.startsWith('/') ? linkName : `${posix.dirname(path)}/${linkName}`;
}

function refuse(header: Header, path: string, maxBytes: number): Error | undefined {
  if (header.type === 'symlink' && header.linkname) return undefined;
  if (header.type !== 'file' && header.type !== 'contiguous-file') {
    return new ContainerError(`${path} is not a file but a ${header.type ?? 'something else'}`);
  }
  if ((header.size ?? 0) > maxBytes) {
    return new ContainerError(
      `${path} has ${header.size} bytes, more than the ${maxBytes} we read`,
    );
  }
  return undefined;
}

/** tar-stream's entries are readable streams of its own library (streamx). */
type TarBody = ExtractEvents['entry'][1];

/** The body cannot exceed its header's size (tar-stream ensures that), which was limited. */
function collect(body: TarBody, onEnd: (bytes: Uint8Array) => void): void {
  const chunks: Buffer[] = [];
  body.on('data', (chunk) => void chunks.push(chunk as Buffer));
  body.on('end', () => onEnd(Buffer.concat(chunks)));
}
