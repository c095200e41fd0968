import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { withDeadline } from '../../base/abort';
import { waitFor } from '../../base/waitFor';
import { EngineProblemError } from './engineProblem';
import type { EngineTransport, TransportOptions } from './engineTransport';
import type { GuardedChild } from './guardedChild';
import {
  parseProbe,
  remoteSocketProblem,
  socketProbe,
  sshCommand,
  sshProblem,
  type SshTarget,
} from './sshCommand';

/** More than the ConnectTimeout, to allow for jump hosts and slow logins. */
const loginTimeoutMs = 30_000;
const lookEveryMs = 50;

/**
 * Reaches an engine on another machine by `ssh -N -L <socket of ours>:<its socket>`: one child
 * process per engine, over which every API connection is a channel. Rejects with
 * EngineProblemError.
 */
export async function openSshTunnel(
  target: SshTarget,
  options: TransportOptions,
  signal: AbortSignal,
): Promise<EngineTransport> {
  if (process.platform === 'win32') throw noTunnelOnWindows();
  const remotePath = target.remotePath ?? (await findRemoteSocket(target, options, signal));
  const child = options.children.start(
    (folder) =>
      sshCommand(target, options.env, [
        ...['-nNT', '-o', 'ExitOnForwardFailure=yes'],
        ...['-L', `${join(folder, 'engine.sock')}:${remotePath}`],
      ]),
    options.env,
  );
  const socketPath = join(child.folder, 'engine.sock');
  try {
    await withDeadline(options.clock, loginTimeoutMs, 'ssh: login timed out', signal, (inner) =>
      untilListening(child, socketPath, target, options, inner),
    );
  } catch (error) {
    child.dispose();
    throw error;
  }
  return {
    endpoint: { socketPath },
    explain: (inner) => explain(child, target, options, inner),
    dispose: () => child.dispose(),
  };
}

/** ssh creates the socket after the login; with -N it reports that nowhere, so we look for it. */
async function untilListening(
  child: GuardedChild,
  socketPath: string,
  target: SshTarget,
  { clock }: TransportOptions,
  signal: AbortSignal,
): Promise<void> {
  const isListening = (): true | undefined => {
    if (existsSync(socketPath)) return true;
    if (child.end) throw sshProblem(target, child.end.output);
    return undefined;
  };
  await waitFor(clock, isListening, lookEveryMs, signal);
}

/** A socket missing over there shows only as a connection that closes: find out why. */
async function explain(
  child: GuardedChild,
  target: SshTarget,
  options: TransportOptions,
  signal: AbortSignal,
): Promise<Error | undefined> {
  if (child.end) return sshProblem(target, child.end.output);
  const answer = parseProbe(await probe(target, options, signal));
  return answer && answer.kind !== 'ok' ? remoteSocketProblem(target, answer) : undefined;
}

async function findRemoteSocket(
  target: SshTarget,
  options: TransportOptions,
  signal: AbortSignal,
): Promise<string> {
  const answer = parseProbe(await probe(target, options, signal));
  // An account without a shell may still forward: try the first of the usual places.
  if (answer === undefined) return '/var/run/docker.sock';
  if (answer.kind !== 'ok') throw remoteSocketProblem(target, answer);
  return answer.path;
}

/** @throws EngineProblemError if ssh itself failed, which exit code 255 shows. */
function probe(target: SshTarget, options: TransportOptions, signal: AbortSignal): Promise<string> {
  const [program = 'ssh', ...argv] = sshCommand(
    target,
    options.env,
    ['-nT'],
    socketProbe(target.remotePath),
  );
  return withDeadline(
    options.clock,
    loginTimeoutMs,
    `ssh to ${target.host} took more than ${loginTimeoutMs} ms`,
    signal,
    (inner) =>
      new Promise((resolve, reject) => {
        execFile(program, argv, { signal: inner, env: options.env }, (error, stdout, stderr) => {
          const isSshFailure = error !== null && (error.code === 255 || error.code === 'ENOENT');
          if (isSshFailure) reject(sshProblem(target, `${stderr}\n${stderr ? '' : error.message}`));
          else resolve(stdout);
        });
      }),
  );
}

function noTunnelOnWindows(): Error {
  return new EngineProblemError({ code: 'ssh-unsupported' }, 3_600_000);
}
