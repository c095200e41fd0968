/** Other clients doing what is measured, each run in a process of its own. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { nameServers } from '../support/clients';
import { pvxsProgram } from '../support/pvxsProgram';

const folder = join(__dirname, 'peers');
const python = resolve(__dirname, '../../.cache/venv/bin/python');

export interface Target {
  /** A relay's address, which the client is told as its only name server. */
  readonly host: string;
  readonly caPort: number;
  readonly pvaPort: number;
  readonly prefix: string;
  readonly count: number;
}

/** Runs a program and gives what it prints. */
export function run(
  program: string,
  parameters: readonly string[],
  environment: Record<string, string> = {},
): Promise<string> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('EPICS_'));
  const env = { ...Object.fromEntries(inherited), ...environment };
  return new Promise((done, failed) => {
    execFile(program, parameters, { env }, (error, stdout, stderr) => {
      if (error)
        failed(new Error(`${program} ${parameters.join(' ')}: ${stderr || error.message}`));
      else done(stdout);
    });
  });
}

async function seconds(program: string, first: readonly string[], target: Target): Promise<number> {
  const { host, caPort, pvaPort, prefix, count } = target;
  const environment = nameServers({ ca: [`${host}:${caPort}`], pva: [`${host}:${pvaPort}`] });
  return Number(await run(program, [...first, prefix, String(count)], environment));
}

/** libca: search and create, by EPICS_CA_NAME_SERVERS. */
export const libcaSeconds = (target: Target): Promise<number> =>
  seconds(python, [join(folder, 'libca.py')], target);

/** p4p: search, create and get, by EPICS_PVA_NAME_SERVERS. */
export const p4pSeconds = (target: Target): Promise<number> =>
  seconds(python, [join(folder, 'p4pGet.py')], target);

/** PVXS in C++, quicker than p4p can be: search and create. */
export const pvxsSeconds = (target: Target): Promise<number> =>
  seconds(pvxsProgram(join(folder, 'pvxsConnect.cpp')), [], target);
