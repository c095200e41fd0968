import { type ChildProcess, spawn } from 'node:child_process';
import type { OnReadOpts, Socket } from 'node:net';
import { onAbort } from '../../base/abort';
import { CancelledError, ContainerError, TransportError } from '../../base/errors';
import type { EnteredReply, EnteredRequest } from '../../protocol/agent/enteredMessages';
import type { Endpoint } from '../../model/endpoint';
import { adoptSocket } from '../relay/bareSocket';
import { programEnvironment, programPath } from '../programFiles';
import { isAlive, type HostProcess } from './hostProcess';
import type { Dialer } from './dialledRoute';

/**
 * Whether we may enter: root may enter any namespace, the owner of a rootless engine those of its
 * containers.
 */
export function mayEnter(isRootless: boolean): boolean {
  return process.geteuid?.() === 0 || isRootless;
}

/**
 * Connects by our agent in the container's network namespace, started from this machine with
 * nsenter (util-linux); nothing is needed in the container. The agent only connects; the socket
 * itself comes back over the IPC channel (SCM_RIGHTS), so no byte of it passes through the agent.
 * An IOC that listens on all addresses sees the container's own address, if it has one
 * (src/agent/connectInside.ts).
 */
export function enteredDialer(host: HostProcess): Dialer {
  let agent: EnteredAgent | undefined;
  /** Connections that are being made, or are open. */
  let inUse = 0;
  let idle: NodeJS.Timeout | undefined;
  const end = (): void => {
    clearTimeout(idle);
    agent?.dispose();
    agent = undefined;
  };
  const release = (): void => {
    inUse--;
    if (inUse === 0) idle = setTimeout(end, IDLE_MS).unref();
  };
  return {
    kind: 'entered',
    label: `entered the network namespace of process ${host.pid}`,
    async connect(target, signal, onread) {
      if (!agent || agent.isEnded) agent = new EnteredAgent(host);
      clearTimeout(idle);
      inUse++;
      try {
        const stream = await agent.connect(target, signal, onread);
        stream.once('close', release);
        return { stream, usesOnread: onread !== undefined };
      } catch (error) {
        release();
        throw error;
      }
    },
    dispose: end,
  };
}

/** Where another route is taken after all, the agent is a process for nothing. */
const IDLE_MS = 10_000;

interface Waiting {
  readonly onReply: (reply: EnteredReply, socket: Socket | undefined) => void;
  readonly onEnd: (error: Error) => void;
}

class EnteredAgent {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #stderr = '';
  #endError: Error | undefined;

  constructor(host: HostProcess) {
    if (!isAlive(host)) throw new ContainerError('the container has stopped');
    this.#child = spawn('nsenter', nsenterArguments(host), {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: programEnvironment(),
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-2000);
    });
    this.#child.on('error', (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === 'ENOENT';
      this.#end(isMissing ? 'nsenter (util-linux) is not installed here' : error.message);
    });
    this.#child.on('close', () => this.#end(this.#stderr.trim() || 'the agent ended'));
    this.#child.on('message', (reply: EnteredReply, socket?: Socket) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (waiting) waiting.onReply(reply, socket);
      else socket?.destroy();
    });
  }

  get isEnded(): boolean {
    return this.#endError !== undefined;
  }

  connect(target: Endpoint, signal: AbortSignal, onread?: OnReadOpts): Promise<Socket> {
    if (this.#endError) return Promise.reject(this.#endError);
    if (signal.aborted) return Promise.reject(new CancelledError());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const abortion = onAbort(signal, () => {
        this.#waiting.delete(id);
        reject(new CancelledError());
      });
      this.#waiting.set(id, {
        onReply: ({ failure }, socket) => {
          abortion.dispose();
          if (socket) resolve(adoptSocket(socket, onread && { onread }));
          else reject(new TransportError(failure ?? 'the connection broke at once'));
        },
        onEnd: (error) => {
          abortion.dispose();
          reject(error);
        },
      });
      // Without a free descriptor there is no channel, and the error that says so is about to come.
      if (!this.#child.connected) return;
      this.#child.send({ id, ...target } satisfies EnteredRequest, (error) => {
        if (error) this.#end(error.message);
      });
    });
  }

  dispose(): void {
    this.#end('ended by us');
    // The agent exits when the channel closes; also killed, in case it hangs in a system call.
    if (this.#child.connected) this.#child.disconnect();
    this.#child.kill('SIGKILL');
  }

  #end(reason: string): void {
    if (this.#endError) return;
    this.#endError = new ContainerError(`cannot enter the container's network: ${reason}`);
    for (const { onEnd } of this.#waiting.values()) onEnd(this.#endError);
    this.#waiting.clear();
  }
}

function nsenterArguments(host: HostProcess): string[] {
  // Root needs no other user namespace to enter a network; an ordinary owner gets its rights from
  // there.
  const isRoot = process.geteuid?.() === 0;
  const userNamespace = isRoot ? [] : ['--user', '--preserve-credentials'];
  const program = [process.execPath, programPath('agent.js')];
  return [`--target=${host.pid}`, '--net', ...userNamespace, '--', ...program];
}
