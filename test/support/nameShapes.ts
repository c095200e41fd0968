import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findDatabaseNames } from '../../src/services/discovery/names/databaseNames';
import { nameShapes, type NameShape } from '../fixtures/names/shapes';
import { scriptFixtures } from '../fixtures/names/scripts';
import { epicsHome } from './lab/image';
import { quickSlices } from './quickSlices';
import { iocProcess } from './iocProcess';
import { memoryFiles } from './memoryFiles';

/** All shapes: the rules of the IOC shell, and what people write. */
export const allShapes: readonly NameShape[] = [
  ...scriptFixtures.map((fixture) => ({ kind: 'The IOC shell and its databases', ...fixture })),
  ...nameShapes,
];

/** What we find in the files of a shape. */
export interface FoundInShape {
  /** Of records and aliases, sorted. */
  readonly names: readonly string[];
  /** What is said of names that may be missing, in one line. */
  readonly said: string;
}

/** Reads the files of a shape as we read those of a container, in a folder that does not exist. */
export async function findInShape(shape: NameShape): Promise<FoundInShape> {
  const folder = '/ioc/boot';
  const files = placed(shape.files, folder);
  const environment = placed(shape.environment ?? {}, folder);
  const args = (shape.args ?? ['st.cmd']).map((arg) => arg.replaceAll('@DIR@', folder));
  const moved = Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]);
  const found = await findDatabaseNames(
    {
      process: iocProcess({
        commandLine: ['softIoc', ...args],
        workingDirectory: folder,
        environment,
      }),
      environment,
    },
    memoryFiles(Object.fromEntries(moved) as Record<string, string>),
    quickSlices(),
    new AbortController().signal,
  );
  const { otherLoaders: others } = found;
  const commands = others.length === 1 ? '1 command' : `${others.length} commands`;
  const said = [
    ...(others.length > 0 ? [`${commands} may load more records: ${others.join(', ')}`] : []),
    ...found.problems.map(({ message }) => message),
  ];
  return {
    names: found.names
      .filter(({ protocol }) => protocol === 'any')
      .map(({ name }) => name)
      .sort(),
    said: said.join('; '),
  };
}

/** What `dbl` of a real softIoc lists that was started in the same way, sorted. */
export async function listInBase(shape: NameShape): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'epics-expose-names-'));
  try {
    const files = placed({ ...shape.files, ...shape.inBase?.files }, folder);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const args = shape.inBase?.args ?? shape.args ?? ['st.cmd'];
    await runSoftIoc(
      args.map((arg) => arg.replaceAll('@DIR@', folder)),
      folder,
      placed(shape.environment ?? {}, folder),
    );
    const listed = readFileSync(join(folder, 'listed.txt'), 'utf8');
    return listed.split('\n').filter(Boolean).sort();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runSoftIoc(
  args: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const ioc = spawn(join(epicsHome, 'bin/softIocCa'), args, {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      EPICS_CAS_INTF_ADDR_LIST: '127.0.0.1',
      EPICS_CAS_AUTO_BEACON_ADDR_LIST: 'NO',
      PWD: folder,
      ...environment,
    },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = new Promise<void>((resolve, reject) => {
    ioc.once('error', reject);
    ioc.once('close', () => resolve());
  });
  ioc.stdin.on('error', () => undefined);
  ioc.stdin.end(`dbl > ${folder}/listed.txt\nexit\n`);
  await ended;
}

function placed(texts: Readonly<Record<string, string>>, folder: string): Record<string, string> {
  const entries = Object.entries(texts).map(([key, text]) => [
    key,
    text.replaceAll('@DIR@', folder),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}

/** A shape, and what both list. */
export interface ComparedShape {
  readonly shape: NameShape;
  /** By softIoc. */
  readonly listed: readonly string[];
  readonly found: FoundInShape;
  /** Listed and not found. */
  readonly missing: readonly string[];
  /** Found and not listed. */
  readonly invented: readonly string[];
}

/** Runs a shape in softIoc, reads its files, and compares. */
export async function compareShape(shape: NameShape): Promise<ComparedShape> {
  const listed = await listInBase(shape);
  const found = await findInShape(shape);
  return {
    ...{ shape, listed, found },
    missing: listed.filter((name) => !found.names.includes(name)),
    invented: found.names.filter((name) => !listed.includes(name)),
  };
}
