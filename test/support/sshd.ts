import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './freePort';
import { until } from './until';

/** A real sshd on 127.0.0.1 with throw-away keys, which lets this user in and nobody else. */
export interface Sshd {
  readonly port: number;
  readonly pid: number;
  /** The value for EPICS_EXPOSE_SSH_OPTIONS: a configuration and a known_hosts of our own. */
  readonly sshOptions: string;
  /** As above, with a key that the server does not know, or a known_hosts with another key. */
  readonly strangerOptions: string;
  readonly distrustOptions: string;
  stop(): Promise<void>;
}

const program = '/usr/sbin/sshd';

export function missingForSshd(): string | undefined {
  if (!existsSync(program)) return 'needs openssh-server';
  return process.getuid?.() === 0 ? undefined : 'needs root, for sshd to log us in';
}

export async function startSshd(): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), 'epics-expose-sshd-'));
  const path = (name: string): string => join(folder, name);
  for (const key of ['host', 'client', 'stranger']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path(key)]);
  }
  const port = await freePort();
  const publicKey = (key: string): string =>
    execFileSync('ssh-keygen', ['-y', '-f', path(key)], { encoding: 'utf8' }).trim();
  writeFileSync(path('authorized_keys'), `${publicKey('client')}\n`, { mode: 0o600 });
  writeFileSync(path('known_hosts'), `[127.0.0.1]:${port} ${publicKey('host')}\n`);
  writeFileSync(path('other_hosts'), `[127.0.0.1]:${port} ${publicKey('stranger')}\n`);
  const write = (name: string, lines: string[]): void =>
    writeFileSync(path(name), `${lines.join('\n')}\n`);
  const clientLines = (key: string, hosts: string): string[] => [
    `IdentityFile ${path(key)}`,
    'IdentitiesOnly yes',
    'IdentityAgent none',
    `UserKnownHostsFile ${path(hosts)}`,
    'StrictHostKeyChecking yes',
  ];
  write('config', clientLines('client', 'known_hosts'));
  write('stranger_config', clientLines('stranger', 'known_hosts'));
  write('distrust_config', clientLines('client', 'other_hosts'));
  write('sshd_config', [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${path('host')}`,
    `AuthorizedKeysFile ${path('authorized_keys')}`,
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'StrictModes no', // the folder above is /tmp
    `PidFile none`,
  ]);
  chmodSync(folder, 0o700);
  // Where the package keeps it; sshd refuses to run without, and nobody made it when it never ran.
  mkdirSync('/run/sshd', { recursive: true });
  const server = spawn(program, ['-D', '-e', '-f', path('sshd_config')], { stdio: 'ignore' });
  const ended = once(server, 'exit');
  await until(() => isListening(port), 10_000, 'sshd to listen');
  return {
    port,
    pid: server.pid ?? 0,
    sshOptions: `-F ${path('config')}`,
    strangerOptions: `-F ${path('stranger_config')}`,
    distrustOptions: `-F ${path('distrust_config')}`,
    async stop() {
      server.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => resolve(false));
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
