/** The files of a folder that make containers, or set up clients. */
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { WorkspaceFile } from '../model/diagnosis/workspaceSettings';

const DEVCONTAINER = 'devcontainer.json';
const OTHERS = [
  ...['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'],
  ...['.env', '.envrc', 'environment.sh', 'settings.ini', 'opi/settings.ini'],
];
/** With those that they include. */
const MAX_FILES = 50;
/** Of all of them together: the parser takes half a second for that. */
const MAX_BYTES = 256 * 1024;

/** Says what is in a file, which has this path in the folder; undefined: nothing for us. */
export type ParseWorkspaceFile = (text: string, file: string) => WorkspaceFile | undefined;

/** What they say; what is not there, or not to be read, is left out. Nothing outside is read. */
export async function readWorkspaceFiles(
  folder: string,
  parse: ParseWorkspaceFile,
): Promise<readonly WorkspaceFile[]> {
  const root = await realpath(folder);
  const waiting = await candidates(root);
  const seen = new Set<string>();
  const files: WorkspaceFile[] = [];
  let bytesLeft = MAX_BYTES;
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (seen.has(path) || seen.size >= MAX_FILES) continue;
    seen.add(path);
    const text = await readInside(root, path, bytesLeft);
    if (text === undefined) continue;
    bytesLeft -= Buffer.byteLength(text);
    const file = parse(text, path.slice(root.length + sep.length));
    if (!file) continue;
    files.push(file);
    waiting.push(...file.includes.map((name) => resolve(dirname(path), name)));
  }
  return files;
}

async function candidates(root: string): Promise<string[]> {
  const place = join(root, '.devcontainer');
  const entries = await readdir(place, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory()).slice(0, MAX_FILES);
  return [
    join(place, DEVCONTAINER),
    join(root, `.${DEVCONTAINER}`),
    ...folders.map(({ name }) => join(place, name, DEVCONTAINER)),
    ...OTHERS.map((name) => join(root, name)),
  ];
}

/** undefined: it is not there, is no file, leads out of the folder, or is too long. */
async function readInside(
  root: string,
  path: string,
  maxBytes: number,
): Promise<string | undefined> {
  try {
    const real = await realpath(path);
    // Opening a pipe would wait for its writer.
    if (!real.startsWith(root + sep) || !(await stat(real)).isFile()) return undefined;
    const file = await open(real, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes + 1));
      return bytesRead > maxBytes ? undefined : buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
