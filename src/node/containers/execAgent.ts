import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import { CancelledError, ContainerError, DisposedError, messageOf } from '../../base/errors';
import type { EngineApi } from '../engines/engineApi';
import { AgentLink } from './agentLink';
import { agentText } from '../programFiles';
import type { Dialer } from './dialledRoute';

/** Our agent as a script for one interpreter. */
export interface AgentProgram {
  readonly kind: 'exec-node' | 'exec-python';
  readonly interpreter: string;
  /** Command lines, tried in order until one starts. */
  readonly commands: () => readonly (readonly string[])[];
}

/**
 * The Node of a VS Code server is in every dev container that a window is attached to, though not
 * in PATH. Its places are in microsoft/vscode-remote-release, "Developing inside a Container".
 */
const FIND_VSCODE_NODE =
  'for n in "$HOME"/.vscode-server*/bin/*/node "$HOME"/.vscode-server*/cli/servers/*/server/node ' +
  '/root/.vscode-server*/bin/*/node /home/*/.vscode-server*/bin/*/node ' +
  '/vscode/vscode-server/bin/*/*/node; do [ -x "$n" ] && exec "$n" -e "$1"; done; exit 127';

/** The agent in JavaScript, for Node 14 and later. */
export const NODE_AGENT: AgentProgram = {
  kind: 'exec-node',
  interpreter: 'node',
  commands: () => {
    const script = agentText('agent.js');
    return [
      ['node', '-e', script],
      ['sh', '-c', FIND_VSCODE_NODE, 'find-node', script],
    ];
  },
};

/** The agent in Python 3. */
export const PYTHON_AGENT: AgentProgram = {
  kind: 'exec-python',
  interpreter: 'python3',
  // Isolated and without `site`: starts in half the time, and nothing in the container interferes.
  commands: () => [['python3', '-I', '-S', '-c', agentText('agent.py')]],
};

/**
 * Our agent in a container, run by an interpreter of the container over one engine exec. Starts
 * when first needed, and again when it has ended.
 */
export class ExecAgent implements Disposable {
  #link: Promise<AgentLink> | undefined;
  readonly #ending = new AbortController();

  constructor(
    readonly api: EngineApi,
    readonly containerId: string,
    readonly program: AgentProgram,
    readonly clock: Clock,
  ) {}

  /**
   * The link to the agent. Rejects with ContainerError when the interpreter is missing, with
   * EngineError when the engine fails.
   */
  async link(): Promise<AgentLink> {
    const known = await this.#link?.catch(() => undefined);
    if (known && !known.isClosed) return known;
    // Several callers may have waited for the one that failed; only the first starts it again.
    this.#link = this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    return this.#link;
  }

  #starting: Promise<AgentLink> | undefined;

  async #start(): Promise<AgentLink> {
    const failures = new Set<string>();
    for (const command of this.program.commands()) {
      const { signal } = this.#ending;
      if (signal.aborted) throw new DisposedError('the agent');
      const session = await this.api.exec(this.containerId, command, { signal });
      try {
        const link = await AgentLink.start(session, this.clock, signal);
        if (!signal.aborted) return link;
        link.dispose();
      } catch (error) {
        if (error instanceof CancelledError) throw error;
        failures.add(messageOf(error));
      }
    }
    throw new ContainerError(`${this.program.interpreter}: ${[...failures].join('; ')}`);
  }

  dispose(): void {
    this.#ending.abort();
    void this.#link?.then(
      (link) => link.dispose(),
      () => undefined,
    );
  }
}

/** Connects through the agent. */
export function execAgentRoute(agent: ExecAgent): Dialer {
  return {
    kind: agent.program.kind,
    label: `${agent.program.interpreter} over ${agent.api.kind} exec`,
    async connect(target, signal) {
      const link = await agent.link();
      return { stream: await link.connect(target, signal), usesOnread: false };
    },
    dispose: () => agent.dispose(),
  };
}
