/** What cures an engine that does not run, or that the user may not use, as a line for a terminal. */
import type { Snapshot } from '../model/snapshot';
import { engineProblems } from './viewState';

/** Lines for a terminal, in sentences and for buttons alike. */
export const START_DOCKER = 'sudo systemctl start docker';
export const START_PODMAN = 'systemctl --user start podman.socket';
export const PERMIT_DOCKER = 'sudo usermod -aG docker $USER';

/** Operating system of this machine, as Node names it. */
type Platform = string;

/** The line that starts the engine that is missing; Docker if nothing tells which. */
export function startEngineLine(snapshot: Snapshot, platform: Platform): string {
  const path = pathOf(snapshot, 'engine-not-running');
  const isPodman = path.includes('podman');
  if (platform === 'linux') {
    return isPodman ? START_PODMAN : START_DOCKER;
  }
  if (isPodman) return 'podman machine start';
  return platform === 'darwin' ? 'open -a Docker' : 'docker desktop start';
}

/** The line that permits the use of the engine's socket, or of an engine of one's own. */
export function permitEngineLine(snapshot: Snapshot): string {
  return pathOf(snapshot, 'engine-permission').includes('podman') ? START_PODMAN : PERMIT_DOCKER;
}

function pathOf(snapshot: Snapshot, code: 'engine-not-running' | 'engine-permission'): string {
  for (const problem of engineProblems(snapshot)) if (problem.code === code) return problem.path;
  return '';
}
