import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import Docker from 'dockerode';
import { atEnd } from '../atEnd';
import { until } from '../until';
import { freeSlot, startEngine, takeSlot, type EngineKind, type Slot } from './slot';

export type { EngineKind } from './slot';

/** A throw-away container engine: a real daemon of this machine's own Docker or Podman. */
export interface LabEngine {
  readonly kind: EngineKind;
  /** Of the engine's API, `unix:///path`: what DOCKER_HOST and dockerode want. */
  readonly endpoint: string;
  /** Everything the engine keeps. World-readable, unlike perhaps the project's own folder. */
  readonly folder: string;
  /** The ordinary user a rootless engine runs as; `root` otherwise. */
  readonly user: string;
  /** A client on the endpoint that keeps no idle connection. */
  readonly client: Docker;
  /** Runs the engine's own command line (docker or podman) and gives its standard output. */
  cli(...parameters: string[]): Promise<string>;
  /** What to run instead of `docker` where a program wants a command, such as the Dev Containers CLI. */
  readonly command: string;
  /** Ends the engine and all it has started. Idempotent. */
  stop(): void;
}

export const startDocker = (isDetached = false): Promise<LabEngine> => start('docker', isDetached);
export const startPodman = (isDetached = false): Promise<LabEngine> => start('podman', isDetached);
export const startRootlessPodman = (isDetached = false): Promise<LabEngine> =>
  start('rootless', isDetached);

/** Why this machine cannot run that engine, or undefined when it can. */
export function missingFor(kind: EngineKind): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root, to make a throw-away engine';
  const programs = {
    docker: ['dockerd', 'containerd', 'runc', 'docker', 'ip', 'flock'],
    podman: ['podman', 'conmon', 'ip', 'iptables', 'flock'],
    rootless: ['podman', 'conmon', 'newuidmap', 'slirp4netns', 'setpriv', 'useradd', 'flock'],
  }[kind];
  const missing = programs.filter((program) => !isInstalled(program));
  return missing.length === 0 ? undefined : `needs ${missing.join(', ')}`;
}

const shared = new Map<EngineKind, Promise<LabEngine>>();

/** The engine of this kind that the whole test run shares; started on first use. */
export function sharedEngine(kind: EngineKind): Promise<LabEngine> {
  let engine = shared.get(kind);
  if (!engine) {
    engine = start(kind, false);
    shared.set(kind, engine);
    atEnd(stopSharedEngines);
  }
  return engine;
}

async function stopSharedEngines(): Promise<void> {
  const engines = await Promise.allSettled(shared.values());
  shared.clear();
  for (const engine of engines) if (engine.status === 'fulfilled') engine.value.stop();
}

async function start(kind: EngineKind, isDetached: boolean): Promise<LabEngine> {
  const slot = takeSlot(kind, isDetached);
  const endAtExit = (): void => freeSlot(slot);
  if (!isDetached) {
    process.once('exit', endAtExit);
    endOnSignals();
  }
  try {
    startEngine(slot);
    writeCommand(slot);
    const engine = connect(slot, () => process.off('exit', endAtExit));
    await until(
      () => answers(engine.client),
      60_000,
      () => `${kind} to answer\n${logOf(slot)}`,
    );
    return engine;
  } catch (error) {
    freeSlot(slot);
    throw error;
  }
}

let endsOnSignals = false;

/** Without a handler, a signal ends the process with no `exit` event, and the engines would stay. */
function endOnSignals(): void {
  if (endsOnSignals) return;
  endsOnSignals = true;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(1));
  }
}

/** An engine that runs already, such as one a developer keeps. */
export function connect(slot: Slot, onStop: () => void = () => undefined): LabEngine {
  const socketPath = join(slot.folder, 'engine.sock');
  const endpoint = `unix://${socketPath}`;
  return {
    kind: slot.kind,
    endpoint,
    folder: slot.folder,
    user: slot.kind === 'rootless' ? slot.name : 'root',
    client: clientOf(socketPath),
    command: commandOf(slot),
    cli: (...parameters) => run(commandOf(slot), parameters),
    stop() {
      freeSlot(slot);
      onStop();
    },
  };
}

/** The types do not know `agent`. Without one of our own, idle connections outlive every test. */
function clientOf(socketPath: string): Docker {
  const options = { socketPath, agent: new Agent({ keepAlive: false }) };
  return new Docker(options);
}

/** Named for the engine, since programs look at the name of the command they are given. */
function commandOf(slot: Slot): string {
  return join(slot.folder, slot.kind === 'docker' ? 'docker' : 'podman');
}

function writeCommand(slot: Slot): void {
  const call =
    slot.kind === 'docker'
      ? `docker --host unix://${slot.folder}/engine.sock`
      : `${join(__dirname, 'podman.sh')} cli ${slot.folder} ${slot.name} ${slot.kind}`;
  writeFileSync(commandOf(slot), `#!/bin/sh\nexec ${call} "$@"\n`, { mode: 0o755 });
}

async function answers(client: Docker): Promise<boolean> {
  try {
    await client.ping();
    return true;
  } catch {
    return false;
  }
}

function logOf(slot: Slot): string {
  const file = join(slot.folder, 'engine.log');
  return existsSync(file) ? readFileSync(file, 'utf8').slice(-2000) : '(no log)';
}

function isInstalled(program: string): boolean {
  const folders = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/lib/podman:/usr/libexec/podman`;
  return folders.split(':').some((folder) => existsSync(join(folder, program)));
}

function run(program: string, parameters: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, parameters, { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error)
        reject(new Error(`${program} ${parameters.join(' ')}: ${stderr || error.message}`));
      else resolve(stdout);
    });
  });
}
