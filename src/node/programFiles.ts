import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** They are next to the bundled program, or in dist/ when run from the sources. */
const FOLDERS = [__dirname, join(__dirname, '../../dist')];

/** The path of a program that we start. Throws when it was not built. */
export function programPath(name: 'agent.js' | 'agent.py' | 'carrier.js'): string {
  const found = FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${name} is missing: run \`npm run build\``);
  return found;
}

/** The environment of a program of ours that this process's own Node runs. */
export function programEnvironment(): NodeJS.ProcessEnv {
  // Electron too has to be Node; and without options meant for our own process.
  return { ...process.env, ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: '' };
}

/** The text of a built agent, to pass as an argument. */
export function agentText(name: 'agent.js' | 'agent.py'): string {
  return readFileSync(programPath(name), 'utf8');
}
