import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/**
 * Answers one look command (src/services/discovery/detect/parseLook.ts): sections that copy files
 * of /proc. Files that cannot be read are empty.
 */
export function answerLook(command: string): string {
  const [marker = '', letter = '', ...pids] = command.trim().split(' ');
  const section = (heading: string, text: string): string => `${marker} ${heading}\n${text}\n`;
  const files = (folder: string, names: string[]): string =>
    names.map((name) => section(name, read(`${folder}/${name}`))).join('');
  switch (letter) {
    case 'c':
      return files('/proc/net', ['sockstat', 'sockstat6']);
    case 's':
      return files('/proc/net', ['tcp', 'tcp6', 'udp', 'udp6']);
    case 'f':
      return (
        section('fds', listDescriptors()) + section('stats', pidsOfAll().map(readStat).join(''))
      );
    case 'p':
      return pids
        .map(
          (pid) =>
            ['stat', 'cmdline', 'environ']
              .map((name) => section(`${name} ${pid}`, read(`/proc/${pid}/${name}`)))
              .join('') + section(`cwd ${pid}`, link(`/proc/${pid}/cwd`)),
        )
        .join('');
    case 't':
      return pids.map((pid) => section(`stat ${pid}`, readStat(pid))).join('');
    case 'e':
    case 'm':
      return ['stat', 'status', letter === 'e' ? 'environ' : 'maps']
        .map((name) => section(`${name} ${pids[0]}`, read(`/proc/${pids[0]}/${name}`)))
        .join('');
    default:
      return '';
  }
}

function listDescriptors(): string {
  return pidsOfAll()
    .map((pid) => {
      const folder = `/proc/${pid}/fd`;
      const lines = list(folder).map((fd) => [fd, link(`${folder}/${fd}`)] as const);
      const readable = lines.filter(([, target]) => target !== '');
      return `${folder}:\n${readable.map(([fd, target]) => `${fd} -> ${target}\n`).join('')}`;
    })
    .join('\n');
}

function readStat(pid: string): string {
  return read(`/proc/${pid}/stat`);
}

function pidsOfAll(): string[] {
  return list('/proc').filter((name) => /^\d+$/.test(name));
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not visible to us, or it has just ended
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
