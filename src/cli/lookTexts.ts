import { plural } from '../base/plural';
import { TERMINAL_WORDS } from '../present/frontEndWords';
import { problemSentence } from '../present/problemText';
import type { Opened } from './openExposure';

/** What is shown while commands wait. */
export function progressText({ snapshot }: Pick<Opened, 'snapshot'>): string {
  const { engines, containers } = snapshot;
  const connected = engines.filter((engine) => engine.status === 'connected').length;
  return `looking for IOCs: ${plural(connected, 'engine')}, ${plural(containers.length, 'container')} ...`;
}

/** Why there is nothing to show, and what to do; `isWaiting`: the command goes on. */
export function emptyText(
  { snapshot, isChosen }: Pick<Opened, 'snapshot' | 'isChosen'>,
  { isWaiting }: { readonly isWaiting: boolean },
): string {
  const { engines, containers, engineProblem } = snapshot;
  if (engineProblem) return problemSentence(engineProblem, TERMINAL_WORDS);
  if (engines.length === 0) {
    return 'No container engine was found. Start Docker or Podman, or name one with --engine; `epics-expose demo` shows an example.';
  }
  const nothing = nothingText(snapshot, isChosen);
  if (!isWaiting) return `${nothing}.`;
  const isConnected = engines.some(({ status }) => status === 'connected');
  const isListed = containers.length > 0;
  const awaited = !isConnected || isListed ? 'one' : 'one with an IOC in it';
  return `${nothing}${!isConnected || isListed ? ' yet' : ''}; waiting for ${awaited}.`;
}

function nothingText({ engines, containers }: Opened['snapshot'], isChosen: boolean): string {
  if (!engines.some(({ status }) => status === 'connected')) return 'No container engine answers';
  if (containers.length > 0) {
    return `No IOC listens in the ${plural(containers.length, 'running container')}`;
  }
  return isChosen ? 'None of the requested containers is running' : 'No container is running';
}
