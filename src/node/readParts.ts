import { open, stat } from 'node:fs/promises';

/** The first bytes of a file as text; '' if it cannot be read. */
export async function readHead(path: string, bytes: number): Promise<string> {
  return (await readPart(path, bytes, () => 0))?.text ?? '';
}

/** The last bytes of a file as text, from the beginning of a line; undefined: it cannot be read. */
export async function readTail(path: string, bytes: number): Promise<string | undefined> {
  const part = await readPart(path, bytes, (size) => Math.max(0, size - bytes));
  if (!part) return undefined;
  return part.start === 0 ? part.text : part.text.slice(part.text.indexOf('\n') + 1);
}

async function readPart(
  path: string,
  bytes: number,
  startOf: (size: number) => number,
): Promise<{ readonly text: string; readonly start: number } | undefined> {
  try {
    // What is no file may never end, or never open.
    if (!(await stat(path)).isFile()) return undefined;
    const file = await open(path);
    try {
      const start = startOf((await file.stat()).size);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, start);
      return { text: buffer.toString('utf8', 0, bytesRead), start };
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
