/** The processes by which engines forward the ports that they publish. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { LabEngine } from '../support/lab/engine';
import { commandLineOf, familyOf } from './processes';

/**
 * @param port as published on this machine
 * @returns those that carry the port's bytes; none where they were not found, and none is guessed
 */
export function forwardersOf(lab: LabEngine, port: number): number[] {
  switch (lab.kind) {
    case 'docker':
      return dockerProxies(lab, port);
    case 'rootless':
      return rootlessPorts(lab);
    case 'podman':
      return []; // the kernel forwards
  }
}

/** One for each published address and port; a child of the daemon. */
function dockerProxies(lab: LabEngine, port: number): number[] {
  const daemon = Number(readFileSync(join(lab.folder, 'engine.pid'), 'utf8'));
  return familyOf(daemon).filter((pid) => {
    const words = commandLineOf(pid);
    const isProxy = basename(words[0] ?? '') === 'docker-proxy';
    return isProxy && words[words.indexOf('-host-port') + 1] === String(port);
  });
}

/** One for each container, and its child in the container's network; they belong to the user. */
function rootlessPorts(lab: LabEngine): number[] {
  const owner = Number(execFileSync('id', ['-u', lab.user], { encoding: 'utf8' }));
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && ownerOf(pid) === owner)
    .filter((pid) => basename(commandLineOf(pid)[0] ?? '').startsWith('rootlessport'));
}

function ownerOf(pid: number): number | undefined {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
}
