/** The options that every command has, and what they mean for a session. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Selection } from '../services/selection';

export interface CommonOptions {
  readonly engine: string[];
  readonly container: string[];
  readonly workspace?: string;
  readonly label: string[];
  readonly pv: string[];
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const collect = (value: string, previous: string[]): string[] => [...previous, value];

export function addCommonOptions(command: Command): Command {
  return command
    .option('-c, --container <name>', 'only this container (name or id; repeatable)', collect, [])
    .option('-w, --workspace <dir>', 'only the devcontainer of this folder')
    .option('-l, --label <k=v>', 'only containers with this label (repeatable)', collect, [])
    .option(
      '-e, --engine <uri>',
      'only this engine: unix://, npipe://, tcp://, ssh:// (repeatable)',
      collect,
      [],
    )
    .option(
      '-p, --pv <name>',
      'a PV name to watch beside those the IOCs tell (repeatable)',
      collect,
      [],
    )
    .option('--json', 'machine-readable output')
    .option('-v, --verbose', 'log to stderr');
}

export function selectionOf(options: CommonOptions): Selection {
  return {
    containers: options.container,
    labels: options.label,
    ...(options.workspace !== undefined && { workspace: resolve(options.workspace) }),
  };
}
