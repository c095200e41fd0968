/**
 * The command `epics-expose`: options in, exit code out. The work of each command is in commands/.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { isErrorCode, messageOf } from '../base/errors';
import { printableLines } from '../base/printable';
import { SHELLS, type Shell } from '../present/clientEnvironment';
import { version } from '../../package.json';
import { CLIENT_NAMES } from '../model/diagnosis/clients';
import { commandFirst } from './commandWord';
import { BROKER_ACTIONS, BROKER_WORDS, runBroker } from './commands/broker';
import { type DoctorOptions, runDoctor } from './commands/doctor';
import { runExec } from './commands/exec';
import { type ExposeOptions, runExpose } from './commands/expose';
import { type GetOptions, runGet } from './commands/get';
import { type EnvOptions, runEnv } from './commands/env';
import { type PhoebusOptions, runPhoebus } from './commands/phoebus';
import { runPvs } from './commands/pvs';
import { runReport } from './commands/report';
import { runStatus } from './commands/status';
import { EXIT } from './exitCodes';
import { addCommonOptions, checkedOptions, type CommonOptions } from './options';
import { Terminal } from './terminal';
import { TERMINAL_WORDS } from '../present/frontEndWords';
import { errorText } from '../present/problemText';

const EXAMPLES = `
Examples:
  $ epics-expose                          expose every IOC in every container
  $ epics-expose exec -- caget MY:PV      run a client with the environment set
  $ epics-expose get pva://MY:PV          read one PV
  $ eval "$(epics-expose env)"            set the environment of this shell

Every command takes --container, --except, --workspace, --label, --engine, --pv, --search, --answers, --json,
--verbose; \`epics-expose expose --help\` says what they mean.

Exit codes: 0 fine, 1 defect, 2 usage, 3 no engine, 4 nothing found, 5 not all reachable;
exec returns the exit code of its command.`;

async function main(argv: readonly string[]): Promise<number> {
  // What made VS Code run us as Node would do so with whatever `exec` starts.
  delete process.env['ELECTRON_RUN_AS_NODE'];
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort());
  // A reader that has seen enough (`| head`) is no error: end as after Ctrl-C.
  process.stdout.on('error', () => stop.abort());
  let code: number = EXIT.ok;
  const run =
    <A extends unknown[]>(work: (terminal: Terminal, ...args: A) => Promise<number>) =>
    async (...args: A): Promise<void> => {
      // Commander passes arguments, options and the command itself.
      const options = checkedOptions(args.at(-2) as Partial<CommonOptions>);
      const words = args.slice(0, -2);
      code = await work(new Terminal(options.verbose === true), ...([...words, options] as A));
    };

  const program = new Command('epics-expose')
    .description('Makes the PVs of IOCs in containers readable on this machine.')
    .version(version, '-V, --version')
    .exitOverride()
    .showHelpAfterError('(see epics-expose --help)')
    .enablePositionalOptions()
    .addHelpText('after', EXAMPLES);

  addCommonOptions(
    program
      .command('expose', { isDefault: true })
      .description('find, relay, report, and follow changes until Ctrl-C (the default)'),
  )
    .addOption(new Option('--demo-when-empty').hideHelp())
    .action(run((terminal, options: ExposeOptions) => runExpose(options, terminal, stop.signal)));
  addCommonOptions(
    program.command('status').description('show what is there now, without relaying'),
  ).action(run((terminal, options: CommonOptions) => runStatus(options, terminal, stop.signal)));
  addCommonOptions(
    program
      .command('pvs')
      .description('list the PVs and how far each one gets')
      .argument('[pattern]', 'name, with * and ?'),
  ).action(
    run((terminal, pattern: string | undefined, options: CommonOptions) =>
      runPvs(pattern, options, terminal, stop.signal),
    ),
  );
  addCommonOptions(
    program
      .command('get')
      .description('read value, unit, alarm and time')
      .argument('<pv...>', 'NAME, ca://NAME or pva://NAME; a NAME may have a field (REC.EGU)'),
  )
    .option('--full', 'print values whole, however long they are')
    .action(
      run((terminal, pvs: string[], options: GetOptions) =>
        runGet(pvs, options, terminal, stop.signal),
      ),
    );
  addCommonOptions(
    program
      .command('doctor')
      .description('say why PVs cannot be read here, and what to do')
      .argument('[pv...]', 'NAME, ca://NAME or pva://NAME; without one everything is examined'),
  )
    .option('--env-from <file>', 'the settings of clients as this file makes them, not this shell')
    .option('--pid <n>', 'the settings of a running client, not of this shell')
    .addOption(new Option('--client <name>', 'the client that finds nothing').choices(CLIENT_NAMES))
    .option('--phoebus <file>', 'the settings of Phoebus when it is started with this settings.ini')
    .option('--log', 'show the last lines of the logs of the containers in question, too')
    .action(
      run((terminal, pvs: string[], options: DoctorOptions) =>
        runDoctor(pvs, options, terminal, stop.signal),
      ),
    );
  addCommonOptions(
    program
      .command('report')
      .description('print what there is and why, without values and your name, for a bug report')
      .argument('[pv...]', 'PVs that it is about'),
  ).action(
    run((terminal, pvs: string[], options: CommonOptions) =>
      runReport(pvs, options, terminal, stop.signal),
    ),
  );
  addCommonOptions(
    program.command('env').description('print the environment for EPICS clients on this machine'),
  )
    .option(
      '-s, --shell <shell>',
      `${SHELLS.join(', ')}; bash (the default) serves zsh and sh, too`,
      parseShell,
    )
    .addOption(
      new Option(
        '--client <name>',
        'what this client needs, with lines that read the PV of --pv; with --shell only what to set',
      ).choices(CLIENT_NAMES),
    )
    .option('--unset', 'remove our entries from this shell again')
    .action(run((terminal, options: EnvOptions) => runEnv(options, terminal, stop.signal)));
  addCommonOptions(
    program
      .command('exec')
      .description('run a command with the environment set')
      .argument('<command...>', 'after --')
      .passThroughOptions(),
  ).action(
    run((terminal, command: string[], options: CommonOptions) =>
      runExec(command, options, terminal, stop.signal),
    ),
  );
  addCommonOptions(
    program
      .command('phoebus')
      .description('start Phoebus so that it finds the PVs, which stay exposed until it ends')
      .argument('[words...]', 'for Phoebus, after --'),
  )
    .option('--program <path>', 'the script or program of Phoebus; default: phoebus.sh in the PATH')
    .action(
      run((terminal, words: string[], options: PhoebusOptions) =>
        runPhoebus(words, options, terminal, stop.signal),
      ),
    );
  addCommonOptions(
    program.command('demo').description('expose a built-in demo IOC; needs no container'),
  ).action(
    run((terminal, options: ExposeOptions) => runExpose(options, terminal, stop.signal, 'demo')),
  );
  const broker = program
    .command('broker')
    .description('manage the background process, which holds what windows and commands expose');
  for (const action of BROKER_ACTIONS) {
    broker
      .command(action)
      .description(BROKER_WORDS[action])
      .option('--json', 'machine-readable output')
      .option('-v, --verbose', 'log to stderr')
      .action(
        run((terminal, options: CommonOptions) =>
          runBroker(action, options, terminal, stop.signal),
        ),
      );
  }
  try {
    await program.parseAsync(commandFirst(argv.slice(2), program), { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (isErrorCode(error, 'cancelled') && stop.signal.aborted) return EXIT.ok;
    process.stderr.write(`epics-expose: ${printableLines(errorText(error, TERMINAL_WORDS))}\n`);
    return isErrorCode(error, 'usage') ? EXIT.usage : EXIT.internal;
  }
}

function parseShell(text: string): Shell {
  // zsh and sh read what bash reads.
  const name = text === 'zsh' || text === 'sh' ? 'bash' : text;
  const shell = SHELLS.find((known) => known === name);
  if (!shell) throw new InvalidArgumentError(`One of: ${SHELLS.join(', ')}.`);
  return shell;
}

/** A defect of ours. What is open in the engines ends with our pipes. */
process.on('uncaughtException', (error) => {
  process.stderr.write(
    `epics-expose: unexpected error: ${printableLines(messageOf(error))}\n` +
      `Please report it with these lines:\n${printableLines(error.stack ?? '')}\n`,
  );
  process.exit(EXIT.internal);
});

// Child processes that are ending do not keep the event loop alive: without this timer it could
// become empty, and the command end with 0 before its exit code is known.
const holding = setInterval(() => undefined, 2 ** 30);
void main(process.argv).then((code) => {
  process.exitCode = code;
  clearInterval(holding);
});
