import { mkdir, realpath, stat, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UsageError } from '../../base/errors';
import { phoebusPreferences } from '../../model/phoebusStart';
import { findProgram } from '../findProgram';

/** A settings.ini has a few hundred lines. */
const MAX_SETTINGS_BYTES = 1_000_000;
/** How distributions call the script or program. */
const NAMES = ['phoebus.sh', 'phoebus', 'phoebus.bat', 'css'];

/** How Phoebus is to be started. */
export interface PhoebusStart {
  /** Path of its script or program; '': it is looked for in the PATH. */
  readonly executable: string;
  readonly words: readonly string[];
  /** For clients (present/clientEnvironment); '' removes a variable. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where our settings for it are written: a folder that belongs to this user. */
  readonly folder: string;
}

/** A process to start. */
export interface PreparedPhoebus {
  readonly program: string;
  readonly words: readonly string[];
  /** Its own folder, where scripts of older releases look for its jar. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Writes settings of ours for Phoebus and puts them before the user's words, so that a `-settings` of
 * the user's comes after them and wins. Rejects with UsageError when there is no Phoebus.
 */
export async function preparePhoebus(start: PhoebusStart): Promise<PreparedPhoebus> {
  const program = await programOf(start.executable);
  const folder = dirname(program);
  const settings = join(start.folder, 'phoebus-settings.ini');
  await mkdir(start.folder, { recursive: true, mode: 0o700 });
  const { text: installed = '' } = (await installedSettings(folder)) ?? {};
  const text = phoebusPreferences(start.environment, installed);
  await writeFile(settings, text, { mode: 0o600 });
  const words = start.words.map((word, at) =>
    FILE_OPTIONS.has(start.words[at - 1] ?? '') ? fromHere(word) : word,
  );
  const env = { ...process.env, ...start.environment };
  for (const name in start.environment) if (env[name] === '') delete env[name];
  return { program, words: ['-settings', settings, ...words], folder, env };
}

/** Options of Phoebus that a file follows. */
const FILE_OPTIONS = new Set(['-resource', '-settings', '-layout', '-logging']);

/** A file of the folder that the user is in, because Phoebus is started in another one. */
function fromHere(word: string): string {
  const [path = '', ...rest] = word.split('?');
  return existsSync(path) ? [resolve(path), ...rest].join('?') : word;
}

async function programOf(executable: string): Promise<string> {
  if (executable !== '') {
    return realpath(executable).catch((cause: unknown) => {
      throw new UsageError(`There is no ${executable}.`, { cause });
    });
  }
  for (const name of NAMES) {
    const found = await findProgram(name);
    if (found !== undefined) return realpath(found);
  }
  throw new UsageError(`No Phoebus is in the PATH (${NAMES.join(', ')}).`);
}

/** A file of preferences. */
interface SettingsFile {
  readonly file: string;
  readonly text: string;
}

/**
 * The preferences that the Phoebus of that path, or of the PATH, has beside it; undefined: there is no
 * Phoebus, or it has none.
 */
export async function readPhoebusSettings(executable: string): Promise<SettingsFile | undefined> {
  const program = await programOf(executable).catch(() => undefined);
  return program === undefined ? undefined : installedSettings(dirname(program));
}

/** What a site has put beside Phoebus (Launcher.java). */
async function installedSettings(folder: string): Promise<SettingsFile | undefined> {
  for (const file of [join(folder, 'settings.ini'), join(folder, 'target', 'settings.ini')]) {
    const size = await stat(file).then(
      (found) => (found.isFile() ? found.size : 0),
      () => 0,
    );
    if (size === 0 || size > MAX_SETTINGS_BYTES) continue;
    const text = await readFile(file, 'utf8').catch(() => '');
    return { file, text };
  }
  return undefined;
}
