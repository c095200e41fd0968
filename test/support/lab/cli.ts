/**
 * The lab by hand: engines that stay until they are stopped, and IOCs in them.
 *
 *   npx tsx test/support/lab/cli.ts up docker|podman|rootless     prints the endpoint and a command
 *   npx tsx test/support/lab/cli.ts ioc SLOT [JSON]               options of `runIoc`, see container.ts
 *   npx tsx test/support/lab/cli.ts keeper SLOT [JSON]            options of `runKeeper`
 *   npx tsx test/support/lab/cli.ts image SLOT NAME               imports an image, prints its reference
 *   npx tsx test/support/lab/cli.ts list
 *   npx tsx test/support/lab/cli.ts down SLOT                     ends one, and all it has started
 */
import { runIoc, runKeeper, type ContainerOptions } from './container';
import { connect, startDocker, startPodman, startRootlessPodman, type LabEngine } from './engine';
import { importImage, type ImageName } from './image';
import { freeSlot, listSlots, type Slot } from './slot';

async function main([action, first = '', second]: string[]): Promise<void> {
  switch (action) {
    case 'up': {
      const starts = { docker: startDocker, podman: startPodman, rootless: startRootlessPodman };
      const start = starts[first as keyof typeof starts];
      if (!start) throw new Error('which engine: docker, podman or rootless?');
      show(await start(true));
      return;
    }
    case 'ioc':
      await showContainer(await runIoc(engineOf(first), optionsOf(second)));
      return;
    case 'keeper':
      await showContainer(await runKeeper(engineOf(first), optionsOf(second)));
      return;
    case 'image':
      console.log(await importImage(engineOf(first), second as ImageName));
      return;
    case 'list':
      for (const slot of listSlots()) show(connect(slot));
      return;
    case 'down':
      freeSlot(slotOf(first));
      return;
    default:
      throw new Error('one of: up, ioc, keeper, image, list, down');
  }
}

function show(engine: LabEngine): void {
  console.log(`${engine.kind}\t${engine.endpoint}\t${engine.command}\tuser ${engine.user}`);
}

async function showContainer(container: Awaited<ReturnType<typeof runIoc>>): Promise<void> {
  const listeners = container.listeners.map(({ host, port }) => `${host}:${port}`).join(' ');
  console.log(`${container.name}\t${await container.address()}\tlistens on ${listeners || '-'}`);
}

function optionsOf(text: string | undefined): ContainerOptions {
  return text ? (JSON.parse(text) as ContainerOptions) : {};
}

function engineOf(number: string): LabEngine {
  return connect(slotOf(number));
}

function slotOf(number: string): Slot {
  const slot = listSlots().find((candidate) => `${candidate.number}` === number);
  if (!slot) throw new Error(`no engine in slot '${number}'; see list`);
  return slot;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
