/** Other clients doing what is measured, each run in a process of its own. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { nameServers } from '../support/clients';

const folder = join(__dirname, 'peers');
const python = resolve(__dirname, '../../.cache/venv/bin/python');

export interface Target {
  /** A relay's address, which the client is told as its only name server. */
  readonly host: string;
  readonly caPort: number;
  readonly pvaPort: number;
  readonly prefix: string;
  readonly count: number;
}

/** Runs a program and gives what it prints. */
export function run(
  program: string,
  parameters: readonly string[],
  environment: Record<string, string> = {},
): Promise<string> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('EPICS_'));
  const env = { ...Object.fromEntries(inherited), ...environment };
  return new Promise((done, failed) => {
    execFile(program, parameters, { env }, (error, stdout, stderr) => {
      if (error)
        failed(new Error(`${program} ${parameters.join(' ')}: ${stderr || error.message}`));
      else done(stdout);
    });
  });
}

async function seconds(program: string, first: readonly string[], target: Target): Promise<number> {
  const { host, caPort, pvaPort, prefix, count } = target;
  const environment = nameServers({ ca: [`${host}:${caPort}`], pva: [`${host}:${pvaPort}`] });
  return Number(await run(program, [...first, prefix, String(count)], environment));
}

/** libca: search and create, by EPICS_CA_NAME_SERVERS. */
export const libcaSeconds = (target: Target): Promise<number> =>
  seconds(python, [join(folder, 'libca.py')], target);

/** p4p: search, create and get, by EPICS_PVA_NAME_SERVERS. */
export const p4pSeconds = (target: Target): Promise<number> =>
  seconds(python, [join(folder, 'p4pGet.py')], target);

let pvxsConnect: string | undefined;

/** PVXS in C++, quicker than p4p can be: search and create. Compiled on first use. */
export function pvxsSeconds(target: Target): Promise<number> {
  pvxsConnect ??= compilePvxsConnect();
  return seconds(pvxsConnect, [], target);
}

function compilePvxsConnect(): string {
  const script =
    'import epicscorelibs, pvxslibs; print(epicscorelibs.__path__[0]); print(pvxslibs.__path__[0])';
  const paths = execFileSync(python, ['-c', script], { encoding: 'utf8' }).trim().split('\n');
  const program = join(mkdtempSync(join(tmpdir(), 'epics-expose-bench-')), 'pvxsConnect');
  execFileSync('g++', [
    '-O2',
    '-std=c++11',
    '-w',
    // As the libraries from PyPI are made.
    '-D_GLIBCXX_USE_CXX11_ABI=0',
    ...paths.flatMap((path) =>
      ['', '/os/Linux', '/compiler/gcc'].map((sub) => `-I${path}/include${sub}`),
    ),
    '-o',
    program,
    join(folder, 'pvxsConnect.cpp'),
    ...paths.flatMap((path) => [`-L${path}/lib`, `-Wl,-rpath,${path}/lib`]),
    '-Wl,--disable-new-dtags',
    ...['pvxs', 'Com', 'event_core', 'event_pthread'].map((library) => `-l${library}`),
    '-pthread',
  ]);
  return program;
}
