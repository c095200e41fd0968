/**
 * Bytes per second from a container to a client here, by each way in, beside what others do for the
 * same job in the same run: the engine's own forwarder for a published port (docker-proxy,
 * rootlessport), and the obvious `exec socat` behind dockerode's demuxStream. Every byte is
 * compared. The client is a process of its own, so that the relay has ours to itself.
 *
 *     node --import tsx test/bench/relay.ts
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import type { Disposable } from '../../src/base/disposable';
import { toDisposable } from '../../src/base/disposable';
import type { RouteKind } from '../../src/model/snapshot';
import { openAs, openEngineApi } from '../support/containerAccess';
import { freePort } from '../support/freePort';
import { runKeeper, type LabContainer } from '../support/lab/container';
import { sharedEngine, type EngineKind, type LabEngine } from '../support/lab/engine';
import { MAX_PATTERN_BYTES } from '../support/pattern';

export interface RelayMeasurement {
  readonly engine: EngineKind;
  readonly name: string;
  /** Median of the runs. */
  readonly gigabitPerSecond: number;
  readonly runs: readonly number[];
}

const SERVER_PORT = 5064;
const SERVER = { host: '0.0.0.0', port: SERVER_PORT };
const MIB = 1024 * 1024;

/** Serves as many bytes of the pattern as the first eight bytes of a connection ask for. */
const SERVER_SCRIPT = `
const period = Buffer.alloc(${MAX_PATTERN_BYTES} * 2);
for (let at = 0; at < period.length; at += 4)
  period.writeUInt32LE(Math.imul(at % ${MAX_PATTERN_BYTES} + 1, 0x9e3779b1) >>> 0, at);
require('net').createServer((socket) => {
  socket.on('error', () => 0);
  socket.once('data', (bytes) => {
    let left = Number(bytes.readBigUInt64BE(0));
    const go = () => {
      while (left > 0) {
        const chunk = period.subarray(0, Math.min(left, ${MAX_PATTERN_BYTES}));
        left -= chunk.length;
        if (!socket.write(chunk)) return socket.once('drain', go);
      }
      socket.end();
    };
    go();
  });
}).listen(${SERVER_PORT});`;

interface Contender {
  readonly name: string;
  readonly port: number;
  readonly lengthBytes: number;
}

/** `only`: a part of the name of each contender wanted, all when left out. */
export async function measureRelays(
  kind: EngineKind,
  rounds: number,
  only: readonly string[] = [''],
): Promise<RelayMeasurement[]> {
  const lab = await sharedEngine(kind);
  const published = await freePort();
  // With the programs of this machine, so that one container has node, python3 and socat.
  const box = await runKeeper(lab, {
    image: 'node-ioc',
    binds: ['/usr:/usr:ro'],
    publish: [`127.0.0.1:${published}:${SERVER_PORT}`],
  });
  const owned: Disposable[] = [];
  try {
    await startServer(lab, box);
    const contenders = [
      {
        name: kind === 'rootless' ? 'rootlessport' : 'published port',
        port: published,
        lengthBytes: 768 * MIB,
      },
      ...(await openOwn(lab, box, owned)),
      await openNaive(lab, box, owned),
    ];
    const isWanted = ({ name }: Contender): boolean => only.some((part) => name.includes(part));
    return await runAll(kind, contenders.filter(isWanted), rounds);
  } finally {
    for (const one of owned.reverse()) one.dispose();
    await box.remove();
  }
}

async function startServer(lab: LabEngine, box: LabContainer): Promise<void> {
  const exec = await lab.client.getContainer(box.id).exec({ Cmd: ['node', '-e', SERVER_SCRIPT] });
  await exec.start({ Detach: true });
}

/** A relay by each way that we have. */
async function openOwn(
  lab: LabEngine,
  box: LabContainer,
  owned: Disposable[],
): Promise<Contender[]> {
  const engine = await openEngineApi(lab.endpoint);
  owned.push(toDisposable(() => void engine.close()));
  const access = openAs('from here', engine.api, await engine.info(box.id));
  owned.push(access);
  const wanted: RouteKind[] = ['address', 'entered', 'exec-node', 'exec-python', 'exec-connector'];
  const contenders: Contender[] = [];
  for (const route of access.routes.filter((one) => wanted.includes(one.kind))) {
    const result = await route.openRelay({ host: '127.0.0.1', port: 0 }, SERVER);
    if (result.kind !== 'listening') throw new Error(result.kind);
    const isExec = route.kind.startsWith('exec');
    const lengthBytes = (isExec ? 192 : 768) * MIB;
    contenders.push({ name: route.kind, port: result.relay.local.port, lengthBytes });
  }
  return contenders;
}

/** What one writes first: an exec of socat for each connection, and the library's own demultiplexer. */
async function openNaive(
  lab: LabEngine,
  box: LabContainer,
  owned: Disposable[],
): Promise<Contender> {
  const server = createServer((client) => {
    client.on('error', () => undefined);
    void (async () => {
      const exec = await lab.client.getContainer(box.id).exec({
        Cmd: ['socat', '-', `TCP4:127.0.0.1:${SERVER_PORT}`],
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
      });
      const stream = await exec.start({ hijack: true, stdin: true });
      stream.on('error', () => undefined);
      lab.client.modem.demuxStream(stream, client, process.stderr);
      stream.on('end', () => client.end());
      client.pipe(stream);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  owned.push(toDisposable(() => server.close()));
  const { port } = server.address() as AddressInfo;
  return { name: 'exec socat, demuxStream', port, lengthBytes: 96 * MIB };
}

async function runAll(
  engine: EngineKind,
  contenders: readonly Contender[],
  rounds: number,
): Promise<RelayMeasurement[]> {
  const runs = new Map<Contender, number[]>(contenders.map((contender) => [contender, []]));
  // Round by round, so that what else the machine does meets all alike; the first one warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const contender of contenders) {
      const gigabitPerSecond = await runClient(contender);
      if (round > 0) runs.get(contender)?.push(gigabitPerSecond);
    }
  }
  return contenders.map((contender) => {
    const values = runs.get(contender) ?? [];
    const sorted = [...values].sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    return { engine, name: contender.name, gigabitPerSecond: median, runs: values };
  });
}

/** Gigabits per second from the request to the end. Rejects when a byte was not the pattern's. */
async function runClient({ name, port, lengthBytes }: Contender): Promise<number> {
  const client = spawn(
    process.execPath,
    ['--import', 'tsx', `${__dirname}/relayClient.ts`, String(port), String(lengthBytes)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(client, 'exit');
  let seconds = NaN;
  for await (const line of createInterface(client.stdout)) seconds = Number(line);
  const [code] = (await exited) as [number];
  if (code !== 0) throw new Error(`${name}: the bytes did not arrive as they were sent`);
  return (lengthBytes * 8) / seconds / 1e9;
}

if (process.argv[1] === __filename) {
  void (async () => {
    for (const kind of (process.argv[2] ?? 'docker,rootless').split(',') as EngineKind[]) {
      const only = process.argv[4]?.split(',');
      const rows = await measureRelays(kind, Number(process.argv[3] ?? 3), only);
      for (const { engine, name, gigabitPerSecond, runs } of rows) {
        const all = runs.map((value) => value.toFixed(2)).join(' ');
        console.log(`${engine}  ${name.padEnd(26)} ${gigabitPerSecond.toFixed(2)} Gbit/s   ${all}`);
      }
    }
    process.exit(0);
  })();
}
