/** Docker's and Podman's own commands, as a user would type them on this machine. */
import type { ContainerState, EngineState } from '../model/snapshot';

/** What a user does with a container that only the engine can do. */
export type ContainerTask = 'shell' | 'log' | 'inspect' | 'restart' | 'start' | 'unpause';

/**
 * The same in every shell, quoted or not, and no option: `-eHOME` as an id would hand out a variable.
 * Without `%`, which cmd expands, and `=` at the beginning, which zsh does.
 */
const PLAIN = /^[\w./][\w.:/@+=,-]*$/;

/**
 * The line for a task, for any shell. Undefined if there is no engine with a command (the demo, our
 * own container), or its address cannot stand in a line.
 */
export function engineCommand(
  { kind, key }: Pick<EngineState, 'kind' | 'key'>,
  { name, id }: Pick<ContainerState, 'name' | 'id'>,
  task: ContainerTask,
): string | undefined {
  const words = wordsOf(kind, key);
  const container = PLAIN.test(name) ? name : id;
  if (!words || !PLAIN.test(container)) return undefined;
  return [...words, TASKS[task].replace('CONTAINER', container)].join(' ');
}

function wordsOf(kind: string, key: string): string[] | undefined {
  if (!PLAIN.test(key)) return undefined;
  if (kind === 'podman') return ['podman', '--url', key];
  // Without -H, a context or DOCKER_HOST may mean another engine, which may have a container of that name.
  return kind === 'docker' ? ['docker', '-H', key] : undefined;
}

const TASKS: Readonly<Record<ContainerTask, string>> = {
  // Not every image has bash. Double quotes mean the same in all shells here.
  shell: 'exec -it CONTAINER sh -c "command -v bash && exec bash; exec sh"',
  log: 'logs --tail 200 -f CONTAINER',
  inspect: 'inspect CONTAINER',
  restart: 'restart CONTAINER',
  start: 'start CONTAINER',
  unpause: 'unpause CONTAINER',
};
