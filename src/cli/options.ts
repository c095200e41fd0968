import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { UsageError } from '../base/errors';
import { ANSWER_MODES, type AnswerMode, SEARCH_MODES, type SearchMode } from '../model/coreApi';
import type { Selection } from '../services/engines/selection';

/** The options that every command has. */
export interface CommonOptions {
  readonly engine: string[];
  readonly container: string[];
  readonly except: string[];
  readonly workspace?: string;
  readonly label: string[];
  readonly pv: string[];
  readonly search?: SearchMode;
  readonly answers?: AnswerMode;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** Absent becomes []: a default of commander's own would show as "(default: [])". */
const collect = (value: string, previous: string[] | undefined): string[] => [
  ...(previous ?? []),
  value,
];

/**
 * Completes the options with defaults.
 * @throws UsageError for options that can never select anything
 */
export function checkedOptions<T extends Partial<CommonOptions>>(parsed: T): T & CommonOptions {
  const {
    engine = engineOfEnvironment(),
    container = [],
    except = [],
    label = [],
    pv = [],
    workspace,
  } = parsed;
  for (const text of label) {
    if (text.startsWith('=') || text === '') {
      throw new UsageError(`--label ${text}: write KEY=VALUE, or KEY for any value.`);
    }
  }
  if (workspace !== undefined && !statSync(workspace, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`--workspace ${workspace}: there is no such folder.`);
  }
  return { ...parsed, engine, container, except, label, pv };
}

/** A terminal of a window whose engine the user has named: what is typed there means that one. */
function engineOfEnvironment(): string[] {
  const engine = process.env['EPICS_EXPOSE_ENGINE'] ?? '';
  return engine === '' ? [] : [engine];
}

/** Adds the options that every command has. */
export function addCommonOptions(command: Command): Command {
  return command
    .option('-c, --container <name>', 'only this container (name or id; repeatable)', collect)
    .option('-x, --except <name>', 'not this container (name or id; repeatable)', collect)
    .option('-w, --workspace <dir>', 'only the devcontainer of this folder')
    .option('-l, --label <k=v>', 'only containers with this label (repeatable)', collect)
    .option(
      '-e, --engine <uri>',
      "only this engine: unix://, npipe://, tcp://, ssh://, a Docker context's name, or podman (repeatable)",
      collect,
    )
    .option(
      '-p, --pv <name>',
      'a PV to watch in addition to those that the IOCs report (repeatable)',
      collect,
    )
    .addOption(
      new Option(
        '--search <where>',
        'which UDP searches to answer: those to 127.0.0.1 (loopback, the default), also broadcasts of clients on this machine (thishost), none (off)',
      ).choices(SEARCH_MODES),
    )
    .addOption(
      new Option(
        '--answers <address>',
        "what searches are answered with: the container's own address where this machine reaches it (direct), or always 127.0.0.1 and the like (relay), for clients behind a tunnel; auto, the default, is direct, but relay in WSL",
      ).choices(ANSWER_MODES),
    )
    .option('--json', 'machine-readable output')
    .option('-v, --verbose', 'log to stderr');
}

/** Which containers the options select. */
export function selectionOf(options: CommonOptions): Selection {
  return {
    containers: options.container,
    ...(options.except.length > 0 && { except: options.except }),
    labels: options.label,
    ...(options.workspace !== undefined && { workspace: resolve(options.workspace) }),
  };
}
