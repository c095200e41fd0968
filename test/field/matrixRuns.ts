/** Starts the servers of the matrix in containers, and has its clients read from them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/base/errors';
import type { ClientResult } from '../support/clients';
import type { Exposed } from '../support/exposed';
import type { LabContainer } from '../support/lab/container';
import type { Scene } from '../support/scene';
import {
  CLIENTS,
  failureOf,
  type MatrixClient,
  type MatrixServer,
  pvOf,
  SERVERS,
  serversFor,
  type Told,
} from './matrixCells';

const VALUE = 21.5;
/** Clients ask again within seconds, and all of them start at once on a small machine. */
const PATIENCE_MS = 15_000;
/** Where nothing is to come. */
const IMPATIENCE_MS = 3000;
/** No other server, and no machine full of clients. */
const PUBLISHED_PATIENCE_MS = 10_000;

/** By client and server: the value, or what the client said instead. */
export type Readings = ReadonlyMap<string, ClientResult>;

export const cellKey = (client: MatrixClient, server: MatrixServer): string =>
  `${client.name} < ${server.name}`;

/** One container for each server; the gateway has its IOC in another one, which nobody exposes. */
export async function startServers(scene: Scene): Promise<LabContainer[]> {
  // Of containers with the same port, the one that started first has 127.0.0.1.
  const [first, ...others] = SERVERS;
  assert.ok(first);
  const box = await startServer(scene, first);
  return [box, ...(await Promise.all(others.map((server) => startServer(scene, server))))];
}

async function startServer(
  scene: Scene,
  { ioc, prefix }: MatrixServer,
  publish: string[] = [],
): Promise<LabContainer> {
  const macros = `P=${prefix}`;
  if (ioc !== 'pvagw') return scene.ioc({ ioc, macros, publish });
  const behind = await scene.ioc({ macros });
  return scene.ioc({ ioc, behind: await behind.address(), publish });
}

/** The command on these servers, once all of them are relayed and searches for them answered. */
export async function expose(
  scene: Scene,
  boxes: readonly LabContainer[],
  { options }: Told,
): Promise<Exposed> {
  const exposed = scene.expose(boxes, options);
  for (const [index, { protocols }] of SERVERS.entries()) {
    const name = boxes[index]?.name ?? '';
    await exposed.until(
      () =>
        exposed
          .iocs(name)
          .flatMap((ioc) => ioc.servers)
          .filter(isExposed).length === protocols.length,
      30_000,
      `the servers of ${name} to be relayed`,
    );
  }
  await exposed.until(() => isAnswering(exposed, options), 5000, 'searches to be answered');
  return exposed;
}

const isExposed = ({ status }: { status: string }): boolean => status === 'exposed';

function isAnswering({ snapshot }: Exposed, options: readonly string[]): boolean {
  if (options.includes('off')) return true;
  const { ca, pva } = snapshot.search ?? {};
  const needsBroadcasts = options.includes('thishost');
  return [ca, pva].every(
    (state) => state && !state.problem && (!needsBroadcasts || (state.broadcasts ?? []).length > 0),
  );
}

/** All clients at once, each of which reads from all its servers. */
export async function readAll(told: Told, exposed: Exposed): Promise<Readings> {
  const patienceOf = (client: MatrixClient): number =>
    failureOf(client, told) ? IMPATIENCE_MS : PATIENCE_MS;
  return read(told, SERVERS, patienceOf, exposed);
}

/** What a server's clients get without us, these ports published under their own numbers. */
export async function readPublished(
  scene: Scene,
  server: MatrixServer,
  ports: readonly string[],
  routes: readonly Told[],
): Promise<(readonly [Told, Readings])[]> {
  const publish = ports.map((port) => `127.0.0.1:${parseInt(port, 10)}:${port}`);
  await startServer(scene, server, publish);
  return Promise.all(
    routes.map(
      async (told) => [told, await read(told, [server], () => PUBLISHED_PATIENCE_MS)] as const,
    ),
  );
}

async function read(
  told: Told,
  servers: readonly MatrixServer[],
  patienceOf: (client: MatrixClient) => number,
  exposed?: Exposed,
): Promise<Readings> {
  const folder = mkdtempSync(join(tmpdir(), 'ee-matrix-'));
  try {
    return await readIn(folder, told, servers, patienceOf, exposed);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function readIn(
  folder: string,
  told: Told,
  servers: readonly MatrixServer[],
  patienceOf: (client: MatrixClient) => number,
  exposed: Exposed | undefined,
): Promise<Readings> {
  const readings = await Promise.all(
    CLIENTS.map(async (client, at) => {
      const its = serversFor(client).filter((server) => servers.includes(server));
      if (its.length === 0) return [];
      const names = its.map(pvOf);
      const { environment, preferences = '' } = told.start(exposed, client.isPhoebus === true);
      const file = join(folder, `settings${at}.ini`);
      writeFileSync(file, preferences);
      const results = await client
        .get(file)(names, environment, patienceOf(client))
        .catch((error: unknown) => names.map((name) => notStarted(name, error)));
      return its.map((server, index) => {
        const result = results[index];
        assert.ok(result);
        return [cellKey(client, server), result] as const;
      });
    }),
  );
  return new Map(readings.flat());
}

/** Some clients end at once where another program holds their port. */
function notStarted(name: string, error: unknown): ClientResult {
  return { name, ok: false, error: messageOf(error) };
}

/** Undefined when it is the value; else what is wrong. */
export function problemOf(result: ClientResult | undefined): string | undefined {
  if (!result) return 'not read';
  if (!result.ok) return result.error;
  return result.value === VALUE ? undefined : `the value is ${JSON.stringify(result.value)}`;
}
