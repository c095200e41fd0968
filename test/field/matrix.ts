/**
 * `npm run matrix`: lets every client read from every server in each way it can be told where to
 * search, in a network of its own, and prints a table; docs/matrix.md has it, and says what it means.
 * Ends with 1 when anything is not as matrixCells.ts has it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PvProtocol } from '../../src/model/snapshot';
import { exitAfter } from '../support/atEnd';
import { missingForClients } from '../support/clients';
import { missingFor, sharedEngine } from '../support/lab/engine';
import { missingForIocs, missingForJava } from '../support/lab/image';
import { Scene } from '../support/scene';
import {
  CLIENTS,
  failureOf,
  type MatrixClient,
  type MatrixServer,
  SERVERS,
  serversFor,
  TOLD,
  type Told,
} from './matrixCells';
import {
  cellKey,
  expose,
  problemOf,
  readAll,
  readPublished,
  type Readings,
  startServers,
} from './matrixRuns';

/** What each client got in each way. */
type Results = ReadonlyMap<Told, Readings>;

/** What the table cannot say. */
const MARKS = `**works**: not without epics-expose. Without it means the same container alone, its ports
published on 127.0.0.1 under their own numbers (5064/tcp and 5075/tcp for clients that are told name
servers; 5064/udp and 5076/udp, too, for the others), and the same client with the same environment.
`;

async function main(): Promise<number> {
  const missing = missingForClients() ?? missingForIocs() ?? missingForJava() ?? missingHere();
  if (missing !== undefined) {
    console.error(`cannot run here: ${missing}`);
    return 2;
  }
  const exposed = await inScene(readExposed);
  const published = new Map<MatrixServer, Results>();
  for (const server of SERVERS) published.set(server, await readWithoutUs(server));
  console.log(MARKS);
  for (const protocol of ['ca', 'pva'] as const) print(tableOf(protocol, exposed, published));
  for (const [index, why] of reasons().entries()) console.log(`${index + 1}. ${why}`);
  console.log(`\nVersions: ${versions().join(', ')}.`);
  const surprises = CLIENTS.flatMap((client) => surprisesOf(client, exposed));
  for (const surprise of surprises) console.error(surprise);
  return surprises.length > 0 ? 1 : 0;
}

/** Clients broadcast here: never where other people's IOCs would hear them. */
function missingHere(): string | undefined {
  if (process.env['EPICS_EXPOSE_OWN_NETWORK'] === 'inside') return missingFor('rootless');
  return 'needs a network of its own: npm run matrix';
}

async function inScene<T>(work: (scene: Scene) => Promise<T>): Promise<T> {
  const scene = new Scene(await sharedEngine('rootless'));
  try {
    return await work(scene);
  } finally {
    await scene.end();
  }
}

async function readExposed(scene: Scene): Promise<Results> {
  const boxes = await startServers(scene);
  const results = new Map<Told, Readings>();
  for (const told of TOLD) {
    console.error(`${told.name}: all servers, by epics-expose`);
    const exposed = await expose(scene, boxes, told);
    results.set(told, await readAll(told));
    await exposed.stop();
  }
  return results;
}

/** The ways that want the same ports published do so in one container. */
async function readWithoutUs(server: MatrixServer): Promise<Results> {
  const results = new Map<Told, Readings>();
  for (const ports of new Set(TOLD.map(({ published }) => published))) {
    console.error(`${server.name}: published ${ports.join(' ')}, without us`);
    const routes = TOLD.filter(({ published }) => published === ports);
    const readings = await inScene((scene) => readPublished(scene, server, ports, routes));
    for (const [told, reading] of readings) {
      results.set(told, reading);
      for (const [key, result] of reading) {
        const [problem] = (problemOf(result) ?? 'works').split('\n');
        console.error(`  ${key} (${told.name}): ${problem}`);
      }
    }
  }
  return results;
}

function tableOf(
  protocol: PvProtocol,
  exposed: Results,
  published: ReadonlyMap<MatrixServer, Results>,
): string[][] {
  const servers = SERVERS.filter(({ protocols }) => protocols.includes(protocol));
  const rows = CLIENTS.filter((client) => client.protocol === protocol).flatMap((client) =>
    TOLD.map((told) => {
      const cells = servers.map((server) => {
        const key = cellKey(client, server);
        const problem = problemOf(exposed.get(told)?.get(key));
        const isPublishedEnough = !problemOf(published.get(server)?.get(told)?.get(key));
        if (problem === undefined) return isPublishedEnough ? 'works' : '**works**';
        const why = failureOf(client, told);
        return why ? `no (${reasons().indexOf(why) + 1})` : 'no';
      });
      return [client.name, told.name, ...cells];
    }),
  );
  const protocolName = protocol === 'ca' ? 'Channel Access' : 'pvAccess';
  return [[`${protocolName} client`, 'is told', ...servers.map(({ name }) => name)], ...rows];
}

function reasons(): string[] {
  const all = CLIENTS.flatMap((client) => TOLD.map((told) => failureOf(client, told)));
  return [...new Set(all)].filter((why) => why !== undefined);
}

function surprisesOf(client: MatrixClient, exposed: Results): string[] {
  return TOLD.flatMap((told) => {
    const why = failureOf(client, told);
    return serversFor(client).flatMap((server) => {
      const key = cellKey(client, server);
      const problem = problemOf(exposed.get(told)?.get(key));
      if ((problem === undefined) === (why === undefined)) return [];
      return [`${key} (${told.name}): ${problem ?? `works, although: ${why}`}`];
    });
  });
}

/** As Prettier has tables. */
function print(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  const rule = widths.map((width) => '-'.repeat(width));
  for (const row of [head, rule, ...body]) console.log(line(row));
  console.log();
}

/** Of what the clients and servers are made of, as setup.mjs has installed it. */
function versions(): string[] {
  const root = join(__dirname, '../..');
  const wanted = /^(aioca|caproto|epicscorelibs|p4p|pvapy|pvxslibs)==(\S+)$/;
  const packages = readFileSync(join(root, 'test/interop/requirements.txt'), 'utf8')
    .split('\n')
    .flatMap((line) => wanted.exec(line)?.slice(1, 3).join(' ') ?? []);
  const jars = ['jca', 'core-pva', 'core-pva-4.7.3'].flatMap((folder) =>
    readdirSync(join(root, '.cache/java', folder)).flatMap(
      (file) => /^(jca|core-pva)-([\d.]+)\.jar$/.exec(file)?.slice(1, 3).join(' ') ?? [],
    ),
  );
  return [...packages, ...jars];
}

exitAfter(main());
