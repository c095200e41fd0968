import { CancelledError } from '../../../base/errors';
import type { Slices } from '../../../base/slices';
import type { ProcessInfo } from '../../host/socketReport';
import type { ContainerAccess } from '../../host/engine';
import { planStart, type StartStep } from './commandLine';
import { ContainerFiles, directoryOf, resolvePath } from './containerFiles';
import { type DatabaseNames, defaultNamesLimits, type NamesLimits } from './databaseName';
import { DatabaseLoader } from './databaseLoader';
import { IocShell } from './iocShell';
import { NameCollection, type Place } from './nameCollection';
import { NamesBudget } from './namesBudget';
import { ShellEnvironment } from './shellEnvironment';

/** How an IOC was started. */
export interface IocStart {
  readonly process: ProcessInfo;
  /**
   * All of its environment; undefined: it cannot be read. Of its values, names and paths of files
   * that were read may show some, and nothing else does.
   */
  readonly environment: Readonly<Record<string, string>> | undefined;
}

/**
 * Finds the PV names of an IOC in the files it was started with, for servers that do not list their
 * PVs (Channel Access cannot). It only reads files: the result is what the IOC should have, not
 * what it has. Works in slices. Bad content of any kind is a problem in the result, and so is what
 * was not read because a limit was reached. Rejects with CancelledError only.
 */
export async function findDatabaseNames(
  { process, environment }: IocStart,
  access: Pick<ContainerAccess, 'readFile'>,
  slices: Slices,
  signal: AbortSignal,
  limits: NamesLimits = defaultNamesLimits,
): Promise<DatabaseNames> {
  if (signal.aborted) throw new CancelledError();
  const budget = new NamesBudget(limits, slices, signal);
  const known = environment ?? process.environment;
  const variables = new ShellEnvironment(known);
  const names = new NameCollection(budget, variables);
  const files = new ContainerFiles(access, budget, signal);
  const loader = new DatabaseLoader(files, names, budget);
  const shell = new IocShell(loader, variables, startDirectories(process, known));
  const plan = planStart(process.commandLine);
  if (plan.problem?.kind === 'not-in-files') {
    names.addProblem(plan.problem.kind, plan.problem.message);
    return names.result(files.paths);
  }
  if (plan.otherLoader !== undefined) names.addOtherLoader(plan.otherLoader);
  let hasRun = false;
  for (const step of plan.steps) {
    hasRun = (await runStep(step, shell, loader, process)) || hasRun;
  }
  if (!hasRun && !(await runEpicsContainersFiles(process, shell, loader)) && plan.problem) {
    names.addProblem(plan.problem.kind, plan.problem.message);
  }
  if (environment === undefined && names.hasUndefinedMacro) {
    names.addProblem(
      'hidden-environment',
      'the environment of the process cannot be read, so its macros have no value here',
    );
  }
  return names.result(files.paths);
}

const onCommandLine: Place = { file: '', line: 0 };

async function runStep(
  step: StartStep,
  shell: IocShell,
  loader: DatabaseLoader,
  process: ProcessInfo,
): Promise<boolean> {
  switch (step.kind) {
    case 'records':
      await loader.loadRecords(step.file, step.macros, shell, onCommandLine);
      return true;
    case 'groups':
      await loader.loadGroups(step.file, step.macros, shell, onCommandLine);
      return true;
    case 'script':
      return shell.runScript(step.file, undefined, onCommandLine);
    case 'exit-records':
      await loadExitRecords(step.prefix, shell, loader, process);
      return true;
  }
}

/**
 * `softIoc -x PREFIX` loads db/softIocExit.db of its own installation (softIocPVX: named after it);
 * if that cannot be read, the two records that this file has in Base 7.
 */
async function loadExitRecords(
  prefix: string,
  shell: IocShell,
  loader: DatabaseLoader,
  process: ProcessInfo,
): Promise<void> {
  const [program = ''] = process.commandLine;
  const databases = program.includes('/') ? ['softIocExit.db', 'softIocPVXExit.db'] : [];
  const found = await loader.files.readFirst(
    databases.map((name) => resolvePath(directoryOf(program), `../../db/${name}`)),
    loader.budget.limits.databaseBytes,
  );
  if (found.kind === 'file') {
    await loader.loadRecords(found.path, `IOC=${prefix}`, shell, onCommandLine);
  } else {
    loader.names.addRecord('sub', `${prefix}:exit`, onCommandLine);
    loader.names.addRecord('stringin', `${prefix}:BaseVersion`, onCommandLine);
  }
}

/**
 * The IOCs of epics-containers run what ibek and msi left in /epics/runtime (ioc-template,
 * ioc/start.sh). Used when the command line does not lead there.
 */
async function runEpicsContainersFiles(
  process: ProcessInfo,
  shell: IocShell,
  loader: DatabaseLoader,
): Promise<boolean> {
  const root = process.environment['EPICS_ROOT'] ?? '/epics';
  const runtime = resolvePath('/', `${root}/runtime`);
  const script = `${runtime}/st.cmd`;
  const { scriptBytes, databaseBytes } = loader.budget.limits;
  const found = await loader.files.readFirst([script], scriptBytes);
  if (found.kind === 'file') return shell.runScript(script, undefined, onCommandLine);
  const database = await loader.files.readFirst([`${runtime}/ioc.db`], databaseBytes);
  if (database.kind !== 'file') return false;
  await loader.loadRecords(database.path, '', shell, onCommandLine);
  return true;
}

/**
 * Where the process was started is unknown, because startup scripts change the directory. The shell
 * that started it left it in PWD; otherwise it may not have moved.
 */
function startDirectories(
  { workingDirectory }: ProcessInfo,
  environment: Readonly<Record<string, string>>,
): string[] {
  const known = new Set<string>();
  for (const directory of [environment['PWD'], workingDirectory]) {
    if (directory?.startsWith('/') === true) known.add(directory);
  }
  return known.size > 0 ? [...known] : ['/'];
}
