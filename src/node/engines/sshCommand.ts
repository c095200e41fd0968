/**
 * How the system's `ssh` is called for an engine, and what its words mean. We use the program and no
 * library, so that ~/.ssh/config, agents, jump hosts, known_hosts and hardware keys work as they do
 * for the user; it never asks anything (BatchMode). Pure.
 */
import { EngineProblemError } from './engineProblem';
import type { EngineTarget } from './engineTarget';

export type SshTarget = EngineTarget & { readonly kind: 'ssh' };

/** Options of ssh, separated by blanks, that come before ours: for tests and odd sites. */
export const sshOptionsVariable = 'EPICS_EXPOSE_SSH_OPTIONS';

/** A login that failed may count against the user, so it is not repeated every few seconds. */
const refusedRetryMs = 300_000;

/** `ssh ... HOST`, with `more` before the host and `command` after it. */
export function sshCommand(
  target: SshTarget,
  env: Readonly<Record<string, string | undefined>>,
  more: readonly string[],
  command: readonly string[] = [],
): readonly string[] {
  const own = (env[sshOptionsVariable] ?? '').split(/\s+/).filter((word) => word !== '');
  const options = [
    'BatchMode=yes',
    'ConnectTimeout=10',
    // A peer that is gone without a word is noticed within a minute.
    'ServerAliveInterval=15',
    'ServerAliveCountMax=3',
    // Use a master connection that is there, but never become one: it would outlive us.
    'ControlMaster=no',
  ].flatMap((option) => ['-o', option]);
  return [
    'ssh',
    ...own,
    ...options,
    ...(target.user ? ['-l', target.user] : []),
    ...(target.port ? ['-p', `${target.port}`] : []),
    ...(target.identityFile ? ['-i', target.identityFile] : []),
    ...more,
    '--',
    target.host,
    ...command,
  ];
}

/** The places where engines listen over there, in the words of the shell over there. */
const usualPlaces = [
  '/var/run/docker.sock',
  `"\${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/docker.sock"`,
  '"$HOME/.docker/run/docker.sock"',
  `"\${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/podman/podman.sock"`,
  '/run/podman/podman.sock',
];

/**
 * A command for the other side that tells which of the sockets exists and may be used. Whatever the
 * login shell is (fish, csh), it has only to pass one quoted word to `sh`, so no quote in it.
 */
export function socketProbe(path: string | undefined): readonly string[] {
  const places = path === undefined ? usualPlaces.join(' ') : '"$@"';
  const script =
    `for s in ${places}; do if [ -S "$s" ]; then ` +
    'if [ -w "$s" ]; then echo "engine-socket ok $s"; exit 0; fi; ' +
    'echo "engine-socket denied $s"; fi; done; echo "engine-socket none"';
  return [`sh -c '${script}' sh${path === undefined ? '' : ` ${quote(path)}`}`];
}

export type ProbeAnswer =
  { readonly kind: 'ok' | 'denied'; readonly path: string } | { readonly kind: 'none' };

/** Among whatever login scripts print; undefined when the other side could not run the probe. */
export function parseProbe(output: string): ProbeAnswer | undefined {
  const answers = [...output.matchAll(/^engine-socket (ok|denied|none) ?(.*?)\r?$/gm)].map(
    ([, kind, path]) =>
      kind === 'none' ? { kind } : { kind: kind as 'ok' | 'denied', path: path ?? '' },
  ) as ProbeAnswer[];
  return answers.find(({ kind }) => kind === 'ok') ?? answers[0];
}

/** What is wrong with the socket over there. */
export function remoteSocketProblem(target: SshTarget, answer: ProbeAnswer): EngineProblemError {
  if (answer.kind === 'denied') {
    return new EngineProblemError({
      code: 'engine-permission',
      path: answer.path,
      host: target.host,
    });
  }
  const { host, remotePath } = target;
  return new EngineProblemError({
    code: 'ssh-no-socket',
    host,
    ...(remotePath !== undefined && { path: remotePath }),
  });
}

/** What ssh's own words mean, and how long trying again makes no sense. */
const meanings: readonly (readonly [
  RegExp,
  'ssh-host-key' | 'ssh-auth' | 'ssh-unreachable' | 'ssh-missing',
  number,
])[] = [
  [/Host key verification failed|HOST IDENTIFICATION HAS CHANGED/i, 'ssh-host-key', refusedRetryMs],
  [
    /Permission denied \(|Too many authentication failures|no more authentication methods/i,
    'ssh-auth',
    refusedRetryMs,
  ],
  [
    /Could not resolve|Name or service not known|Connection refused|timed out|No route to host|Network is unreachable|Connection (closed|reset) by|kex_exchange_identification|Host is down/i,
    'ssh-unreachable',
    0,
  ],
  [
    /ssh: not found|ssh: command not found|spawn ssh ENOENT|cannot execute/i,
    'ssh-missing',
    refusedRetryMs,
  ],
];

/** What ssh wrote before it ended, as something to act on. */
export function sshProblem({ host }: SshTarget, output: string): EngineProblemError {
  const detail = lastLine(output);
  const [, code, retryAfterMs] = meanings.find(([pattern]) => pattern.test(output)) ?? [];
  return new EngineProblemError({ code: code ?? 'ssh-failed', host, detail }, retryAfterMs);
}

function lastLine(output: string): string {
  const lines = output.split(/\r?\n/).map((line) => line.trim());
  return (
    lines
      .filter((line) => line !== '')
      .at(-1)
      ?.slice(0, 300) ?? ''
  );
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
