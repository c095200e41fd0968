/** Small clients in C++, on the libraries from PyPI; compiled on first use, once in a run. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';

const python = resolve(__dirname, '../../.cache/venv/bin/python');
const compiled = new Map<string, string>();

/** @returns the program that the source (an absolute path) makes with PVXS, or with others */
export function pvxsProgram(
  source: string,
  libraries: readonly string[] = ['pvxs', 'Com', 'event_core', 'event_pthread'],
): string {
  const known = compiled.get(source);
  if (known !== undefined) return known;
  const script =
    'import epicscorelibs, pvxslibs; print(epicscorelibs.__path__[0]); print(pvxslibs.__path__[0])';
  const paths = execFileSync(python, ['-c', script], { encoding: 'utf8' }).trim().split('\n');
  const folder = mkdtempSync(join(tmpdir(), 'epics-expose-pvxs-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, basename(source, '.cpp'));
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
    source,
    ...paths.flatMap((path) => [`-L${path}/lib`, `-Wl,-rpath,${path}/lib`]),
    '-Wl,--disable-new-dtags',
    ...libraries.map((library) => `-l${library}`),
    '-pthread',
  ]);
  compiled.set(source, program);
  return program;
}
