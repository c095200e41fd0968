/** What one scenario has started: containers, and the command watching them. Ends it all. */
import assert from 'node:assert/strict';
import { isLoopback } from '../../src/model/endpoint';
import type { ServerJson } from '../../src/cli/snapshotJson';
import { Exposed } from './exposed';
import { type LabContainer, runIoc, runKeeper, runProgram } from './lab/container';
import type { LabEngine } from './lab/engine';

type Options<F> = F extends (engine: LabEngine, options?: infer O) => unknown ? O : never;

export class Scene {
  readonly #boxes: LabContainer[] = [];
  readonly #commands: Exposed[] = [];
  readonly #endings: (() => unknown)[] = [];

  constructor(readonly engine: LabEngine) {}

  /** A container whose first process is an IOC. */
  ioc(options: Options<typeof runIoc>): Promise<LabContainer> {
    return this.own(runIoc(this.engine, options));
  }

  /** An idle container, in which IOCs are started later. */
  keeper(options: Options<typeof runKeeper> = {}): Promise<LabContainer> {
    return this.own(runKeeper(this.engine, options));
  }

  /** A container whose first process is any program. */
  program(
    command: string[],
    options: Options<
      (engine: LabEngine, options?: Parameters<typeof runProgram>[2]) => unknown
    > = {},
  ): Promise<LabContainer> {
    return this.own(runProgram(this.engine, command, options));
  }

  async own(made: Promise<LabContainer>): Promise<LabContainer> {
    const box = await made;
    this.#boxes.push(box);
    return box;
  }

  /** The command on these containers, or with other words that choose them. */
  expose(
    boxes: readonly LabContainer[],
    args: readonly string[] = [],
    options: Parameters<typeof Exposed.start>[1] = {},
  ): Exposed {
    const chosen = boxes.flatMap((box) => ['--container', box.name]);
    return this.watch(
      Exposed.start(['--engine', this.engine.endpoint, ...chosen, ...args], options),
    );
  }

  watch(command: Exposed): Exposed {
    this.#commands.push(command);
    return command;
  }

  atEnd(end: () => unknown): void {
    this.#endings.push(end);
  }

  /** Every command ends with 0 after Ctrl-C, whatever it has been through. */
  async end(): Promise<void> {
    const running = this.#commands.splice(0).filter((command) => !command.hasEnded);
    const codes = await Promise.all(running.map((command) => command.stop()));
    await Promise.all(this.#boxes.splice(0).map(removed));
    for (const end of this.#endings.splice(0).reverse()) await end();
    assert.deepEqual(
      codes,
      running.map(() => 0),
    );
  }
}

/** Some scenarios remove their containers themselves. */
async function removed(box: LabContainer): Promise<void> {
  try {
    await box.remove();
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== 404) throw error;
  }
}

/** Waits until all PVs are reachable, each server under its own number on this machine. */
export async function exposedServers(
  exposed: Exposed,
  container: string,
  count: number,
): Promise<ServerJson[]> {
  await exposed.untilReachable(container, count, 30_000);
  const servers = exposed.iocs(container).flatMap((ioc) => ioc.servers);
  for (const { local, listening } of servers) {
    assert.ok(local && isLoopback(local.host), JSON.stringify(local));
    assert.equal(local.port, listening.port);
  }
  return servers;
}
