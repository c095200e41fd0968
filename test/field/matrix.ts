/**
 * `npm run matrix`: lets every client read from every server in each way it is told where to search, in
 * a network of its own, and writes docs/matrix.md. Ends with 1, and writes nothing, when anything is not
 * as matrixCells.ts has it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

const PAGE = join(__dirname, '../../docs/matrix.md');

const HEAD = `# Clients and servers

Every client with every kind of server of its protocol, through epics-expose, with all servers at once in containers of
their own. Other combinations use different protocols. \`npm run matrix\` measures all of it and writes this page (root on
Linux, Podman and \`node test/support/setup.mjs\`); it fails when anything differs from what is expected, which
test/field/matrix.test.ts checks in every test run. The containers run in rootless Podman, whose network no client can
reach by accident.

A client is started as people start theirs, and is told one of these:

- _\`env\`_: the environment that \`epics-expose env\` prints, and \`exec\` and a \`.env\` file have; Phoebus is started with the
  preferences of \`epics-expose phoebus\` instead;
- _VS Code_: what a new terminal of a window has; Phoebus is started there by hand;
- _name servers_: \`EPICS_CA_NAME_SERVERS=127.0.0.1:5064\` and \`EPICS_PVA_NAME_SERVERS=127.0.0.1:5075\`,
  those of the first IOC, for all servers, while UDP searches are not answered (\`--search off\`);
- _address list_: \`EPICS_CA_ADDR_LIST=127.0.0.1\` and \`EPICS_PVA_ADDR_LIST=127.0.0.1\`; here and with name servers no other
  address (\`AUTO_ADDR_LIST=NO\`). Phoebus has the same as preferences;
- _nothing_: no environment and no preferences, so it broadcasts; with \`--search thishost\`.

The clients of Phoebus are its own libraries, started with a file of preferences as Phoebus starts them
(\`LikePhoebus.java\`), without any option of ours.

**works** in bold: does not work without epics-expose. "Without" means the same container alone, with its ports published
on 127.0.0.1 under their own numbers (5064/tcp and 5075/tcp for clients that are given name servers; also 5064/udp and
5076/udp for the others), and the same client with the same settings;
what _env_ and _VS Code_ tell leads nowhere then.
`;

const TAIL = `What the table does not show:

- Published ports serve one container at a time, because there is only one 5064; the servers here were all read at once.
- If its port is published on every address (\`-p 5064:5064/udp\`) instead of 127.0.0.1, one Channel Access server is also
  found by broadcast: \`docs/guide-cases.md\`.
- While an engine holds 5076/udp, PVXS and core-pva clients on this machine fail at once with "Address
  already in use".
- The environment has \`EPICS_PVA_ADDR_LIST=127.0.0.1\` beside the name servers. Measured with five servers: pvget reads
  nothing without it; PVXS, which asks name servers late, needs 9 s without and 0.3 s with it; core-pva 5.0.5 (0.6 s), 4.7.3
  (3.5 s) and pvaPy (0.1 s) need what they need without; none finds a PV twice, and none waits for it when nobody
  answers there any more. Clients that broadcast go on doing so (test/field/clientRules.test.ts).
- The pvAccessCPP of pvaPy also searches by TCP. That of EPICS 7 itself (pvget) does not: its row is a program of that
  library.
- A core-pva server of 5.0.5 ends the circuit of a client whose host name it cannot resolve. These
  containers resolve it; elsewhere, start them with \`--add-host\`.
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
  const surprises = CLIENTS.flatMap((client) => surprisesOf(client, exposed));
  for (const surprise of surprises) console.error(surprise);
  if (surprises.length > 0) return 1;
  const tables = (['ca', 'pva'] as const).map((protocol) =>
    tableText(tableOf(protocol, exposed, published)),
  );
  const why = reasons().map((reason, index) => `${index + 1}. ${reason}\n`);
  const measured = new Date().toISOString().slice(0, 10);
  const parts = [HEAD, ...tables, why.join(''), versionsText(measured), TAIL];
  writeFileSync(PAGE, parts.join('\n'));
  return 0;
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
    results.set(told, await readAll(told, exposed));
    await exposed.stop();
  }
  return results;
}

/** The ways that want the same ports published do so in one container. */
async function readWithoutUs(server: MatrixServer): Promise<Results> {
  const results = new Map<Told, Readings>();
  for (const ports of new Set(TOLD.map(({ published }) => published))) {
    if (ports.length === 0) continue;
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
        const isPublishedEnough =
          told.published.length > 0 && !problemOf(published.get(server)?.get(told)?.get(key));
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
function tableText(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  const rule = widths.map((width) => '-'.repeat(width));
  return [head, rule, ...body].map((row) => `${line(row)}\n`).join('');
}

function versionsText(measured: string): string {
  return `Measured on ${measured}, all of it, with ${versions().join(', ')}.\n`;
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
