import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LabContainer } from './container';
import type { LabEngine } from './engine';
import { importImage, type ImageName } from './image';

const program = resolve(__dirname, '../../../node_modules/.bin/devcontainer');

/** A dev container, made by the Dev Containers CLI as an editor makes it. */
export interface Devcontainer {
  container: LabContainer;
  /** The folder on this machine; its name is also the last part of the one in the container. */
  workspaceFolder: string;
  /** `devcontainer exec`: what a terminal of the editor does. */
  readonly exec: (command: string[]) => Promise<string>;
  /** Takes the container away and makes another for the folder: what "Rebuild Container" does. */
  readonly rebuild: () => Promise<Devcontainer>;
}

/**
 * Brings up a dev container on a new workspace folder, below the engine's own so that a rootless
 * engine can read it too. `settings` are added to its devcontainer.json.
 */
export async function devcontainerUp(
  engine: LabEngine,
  options: { image?: ImageName; name?: string; settings?: Record<string, unknown> } = {},
): Promise<Devcontainer> {
  const image = await importImage(engine, options.image ?? 'busybox-ioc');
  const parent = mkdtempSync(join(engine.folder, 'workspace-'));
  const workspaceFolder = join(parent, options.name ?? 'example-ioc');
  mkdirSync(join(workspaceFolder, '.devcontainer'), { recursive: true });
  writeFileSync(
    join(workspaceFolder, '.devcontainer/devcontainer.json'),
    JSON.stringify({ name: options.name ?? 'example-ioc', image, ...options.settings }, null, 2),
  );
  if (engine.user !== 'root') execFileSync('chown', ['-R', `${engine.user}:`, parent]);
  const common = ['--workspace-folder', workspaceFolder, '--docker-path', engine.command];
  const userData = ['--user-data-folder', join(parent, 'user-data')];
  const up = async (...more: string[]): Promise<Devcontainer> => {
    const call = (): Promise<string> => run(['up', ...common, ...userData, ...more]);
    // The CLI waits without end for an event of the start, and was once seen to miss it on a busy
    // machine. The container is there then, and a second call finds it.
    const output = await call().catch(call);
    const { containerId } = JSON.parse(output.trim().split('\n').at(-1) ?? '') as {
      containerId: string;
    };
    return {
      container: await LabContainer.attach(engine, containerId),
      workspaceFolder,
      exec: (command) => run(['exec', ...common, ...userData, ...command]),
      rebuild: () => up('--remove-existing-container'),
    };
  };
  return up();
}

function run(parameters: string[]): Promise<string> {
  return new Promise((done, failed) => {
    execFile(
      program,
      parameters,
      { maxBuffer: 16 << 20, timeout: 240_000 },
      (error, stdout, stderr) => {
        if (error) failed(new Error(`devcontainer ${parameters[0]}: ${stdout}\n${stderr}`));
        else done(stdout);
      },
    );
  });
}
