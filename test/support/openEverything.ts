/**
 * A program to be killed: opens a container in every way there is, says by which it got in, and waits.
 *     node --import tsx openEverything.ts ENDPOINT CONTAINER PORT
 */
import { openAs, openEngineApi, type Seen } from './containerAccess';

async function main([endpoint = '', id = '', port = '']: string[]): Promise<void> {
  const engine = await openEngineApi(endpoint);
  const target = { host: '127.0.0.1', port: Number(port) };
  const opened: string[] = [];
  for (const seen of ['from here', 'from afar'] as Seen[]) {
    const access = openAs(seen, engine.api, await engine.info(id));
    await new Promise<void>((resolve) =>
      access.watchSockets({
        report: () => resolve(),
        failed: () => resolve(),
        ended: () => resolve(),
      }),
    );
    const kinds: string[] = [];
    for (const route of access.routes) {
      try {
        await route.dial(target, new AbortController().signal);
        kinds.push(route.kind);
      } catch {
        // not by this one
      }
    }
    opened.push(`${seen}: ${kinds.join(' ')}`);
  }
  console.log(opened.join('; '));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
