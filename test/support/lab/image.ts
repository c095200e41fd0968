import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import type { LabEngine } from './engine';

/** Which tools beside the IOC an image has: each of them is a kind of image met in the field. */
const toolsOf = {
  /** A shell and every applet, neither Python nor Node in the PATH. */
  'busybox-ioc': ['busybox'],
  /** No shell at all, as in a distroless image. */
  'bare-ioc': [],
  /** A shell with neither cat nor sleep. */
  'dash-ioc': ['dash'],
  'bash-ioc': ['bash'],
  'socat-ioc': ['dash', 'socat'],
  'node-ioc': ['busybox', 'node'],
  /** The servers written in Python: caproto, p4p, pvaPy, pythonSoftIOC. */
  'py-ioc': ['busybox', 'python'],
  /** The server of core-pva, and a Java that runs it. */
  'java-ioc': ['busybox', 'java'],
} as const;

export type ImageName = keyof typeof toolsOf;
export const imageNames = Object.keys(toolsOf) as ImageName[];

const root = resolve(__dirname, '../../..');
const cache = join(root, '.cache');
/** Where the soft IOCs are on this machine. */
export const epicsHome = join(cache, 'epics');
const python = join(cache, 'venv/bin/python');
const java = join(cache, 'java');
const fixtures = join(root, 'test/fixtures/ioc');

/** Where the image keeps things: programs, definitions and libraries; databases and scripts. */
export const epicsFolder = '/opt/epics';
export const iocFolder = '/opt/ioc';
export const javaFolder = '/opt/java';

/** Why the IOCs cannot run here, or undefined when they can. */
export function missingForIocs(): string | undefined {
  if (!existsSync(join(epicsHome, '.made')))
    return 'needs the soft IOCs: node test/support/setup.mjs';
  if (!existsSync('/bin/busybox')) return 'needs busybox-static';
  return undefined;
}

/** Why what is written in Java cannot run here, or undefined when it can. */
export function missingForJava(): string | undefined {
  if (existsSync(join(java, '.made'))) return undefined;
  return 'needs a JDK and Maven, then: node test/support/setup.mjs';
}

/** Imports the image into the engine unless it is there, and gives the name to run it by. */
export async function importImage(engine: LabEngine, name: ImageName): Promise<string> {
  const parts = partsOf(name);
  const tag = keyOf(name, parts);
  // Podman adds localhost/ to what is made here, and takes the tag with the name only.
  const isDocker = engine.kind === 'docker';
  const reference = isDocker ? `${name}:${tag}` : `localhost/${name}:${tag}`;
  if (await isThere(engine, reference)) return reference;
  const archive = join(cache, 'images', `${name}-${tag}.tar`);
  if (!existsSync(archive)) {
    removeArchives(name);
    execFileSync(join(__dirname, 'rootfs.sh'), [archive, ...parts], { stdio: 'pipe' });
  }
  const environment = [`PATH=/usr/bin:/bin:${epicsFolder}/bin`, 'LANG=C.UTF-8'];
  const stream = await engine.client.importImage(archive, {
    ...(isDocker ? { repo: name, tag } : { repo: reference }),
    changes: environment.map((assignment) => `ENV ${assignment}`),
  });
  await new Promise<void>((done, failed) => {
    engine.client.modem.followProgress(stream, (error: Error | null) =>
      error ? failed(error) : done(),
    );
  });
  return reference;
}

/** Those of earlier contents, which nobody will ask for again. */
function removeArchives(name: ImageName): void {
  const folder = join(cache, 'images');
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) {
    if (file.startsWith(`${name}-`)) rmSync(join(folder, file), { force: true });
  }
}

function partsOf(name: ImageName): string[] {
  const parts: Partial<Record<string, () => string[]>> = { python: pythonParts, java: javaParts };
  const tools = toolsOf[name].flatMap((tool) => parts[tool]?.() ?? [tool]);
  return [...tools, `tree=${epicsHome}:${epicsFolder}`, `tree=${fixtures}:${iocFolder}`];
}

function pythonParts(): string[] {
  const ask =
    'import sys, sysconfig; print(":".join([sys._base_executable, sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")]))';
  return [`python=${execFileSync(python, ['-c', ask], { encoding: 'utf8' }).trim()}`];
}

function javaParts(): string[] {
  return ['jre', 'core-pva'].map((part) => `tree=${join(java, part)}:${javaFolder}/${part}`);
}

/** Changes with anything that goes into the image; of big programs, size and date say enough. */
function keyOf(name: ImageName, parts: string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([name, parts]));
  hash.update(readFileSync(join(__dirname, 'rootfs.sh')));
  hash.update(readFileSync(join(epicsHome, '.made')));
  for (const file of readdirSync(fixtures).sort()) hash.update(readFileSync(join(fixtures, file)));
  const places: Partial<Record<string, string>> = { python, java: join(java, '.made') };
  const programs = toolsOf[name].map((tool) => places[tool] ?? `/usr/bin/${tool}`);
  for (const program of programs.filter((file) => existsSync(file))) {
    const { size, mtimeMs } = statSync(realpathSync(program));
    hash.update(`${program} ${size} ${mtimeMs}`);
  }
  return hash.digest('hex').slice(0, 12);
}

async function isThere(engine: LabEngine, reference: string): Promise<boolean> {
  try {
    await engine.client.getImage(reference).inspect();
    return true;
  } catch {
    return false;
  }
}
