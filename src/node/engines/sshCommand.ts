/**
 * How the system's `ssh` is called for an engine, and what its messages mean. We use the program and
 * not a library, so that ~/.ssh/config, agents, jump hosts, known_hosts and hardware keys work as
 * they do for the user; it never prompts (BatchMode).
 */
import { EngineProblemError } from './engineProblem';
import type { EngineTarget } from './engineTarget';

/** An engine on another machine, reached by ssh. */
export type SshTarget = EngineTarget & { readonly kind: 'ssh' };

/** Options of ssh, separated by spaces, that come before ours: for tests and unusual sites. */
export const sshOptionsVariable = 'EPICS_EXPOSE_SSH_OPTIONS';

/** A failed login may count against the user, so it is not repeated every few seconds. */
const refusedRetryMs = 300_000;

/** The arguments `ssh ... HOST`, with `more` before the host and `command` after it. */
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
    // A peer that silently disappeared is noticed within a minute.
    'ServerAliveInterval=15',
    'ServerAliveCountMax=3',
    // Use an existing master connection, but never become one: it would outlive us.
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

/** The places where engines listen over there, as shell words for the other side. */
const usualPlaces = [
  '/var/run/docker.sock',
  `"\${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/docker.sock"`,
  '"$HOME/.docker/run/docker.sock"',
  `"\${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/podman/podman.sock"`,
  '/run/podman/podman.sock',
];

/**
 * A command for the other side that prints which of the sockets exists and may be used. Whatever
 * the login shell is (fish, csh), it only has to pass one quoted word to `sh`, so there is no quote
 * in that word.
 */
export function socketProbe(path: string | undefined): readonly string[] {
  const places = path === undefined ? usualPlaces.join(' ') : '"$@"';
  const script =
    `for s in ${places}; do if [ -S "$s" ]; then ` +
    'if [ -w "$s" ]; then echo "engine-socket ok $s"; exit 0; fi; ' +
    'echo "engine-socket denied $s"; fi; done; echo "engine-socket none"';
  return [`sh -c '${script}' sh${path === undefined ? '' : ` ${quote(path)}`}`];
}

/** What the probe found: a socket that may be used, one that may not, or none. */
export type ProbeAnswer =
  { readonly kind: 'ok' | 'denied'; readonly path: string } | { readonly kind: 'none' };

/**
 * Finds the probe's answer among what login scripts print; undefined if the other side could not
 * run it.
 */
export function parseProbe(output: string): ProbeAnswer | undefined {
  const answers = [...output.matchAll(/^engine-socket (ok|denied|none) ?(.*?)\r?$/gm)].map(
    ([, kind, path]) =>
      kind === 'none' ? { kind } : { kind: kind as 'ok' | 'denied', path: path ?? '' },
  ) as ProbeAnswer[];
  return answers.find(({ kind }) => kind === 'ok') ?? answers[0];
}

/** The problem with the socket over there. */
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

/** What ssh's messages mean, and for how many ms another attempt makes no sense. */
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

/** The problem that ssh's last output describes. */
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
