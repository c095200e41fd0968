/**
 * The ways from a client here to a server in a container that relay.ts compares: our relays, the
 * engine's own forwarder of a published port (docker-proxy, rootlessport), and what others do for the
 * same job: no relay at all, socat, `ssh -L`, and the obvious `exec socat` behind dockerode's demuxStream.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { type Disposable, toDisposable } from '../../src/base/disposable';
import type { RouteKind } from '../../src/model/snapshot';
import { connectTcp } from '../../src/node/relay/connectTcp';
import { openAs, openEngineApi } from '../support/containerAccess';
import { freePort } from '../support/freePort';
import type { LabContainer } from '../support/lab/container';
import type { LabEngine } from '../support/lab/engine';
import { MAX_PATTERN_BYTES } from '../support/pattern';
import { missingForSshd, startSshd } from '../support/sshd';
import { until } from '../support/until';
import { forwardersOf } from './forwarders';
import { commandLineOf, cpuSecondsWithEnded, familyOf } from './processes';

export interface Contender {
  readonly name: string;
  readonly isOurs: boolean;
  readonly host: string;
  readonly port: number;
  /** What a stream brings in a second or so. */
  readonly lengthBytes: number;
  /** Who carries the bytes, as far as `cpuSeconds` counts it. */
  readonly carrier: string;
  /** Of the carrier until now; NaN: not known. */
  readonly cpuSeconds: () => number;
}

export const SERVER_PORT = 5064;
const SERVER = { host: '0.0.0.0', port: SERVER_PORT };
const HOST = '127.0.0.1';
const MIB = 1024 * 1024;
const LENGTH_BYTES = 512 * MIB;
const EXEC_LENGTH_BYTES = 96 * MIB;
const EXEC_SOCAT = 'exec socat, demuxStream';

/** Serves as many bytes of the pattern as the first eight bytes ask for; one byte it sends back. */
const SERVER_SCRIPT = `
const period = Buffer.alloc(${MAX_PATTERN_BYTES} * 2);
for (let at = 0; at < period.length; at += 4)
  period.writeUInt32LE(Math.imul(at % ${MAX_PATTERN_BYTES} + 1, 0x9e3779b1) >>> 0, at);
require('net').createServer((socket) => {
  socket.on('error', () => 0);
  socket.once('data', (bytes) => {
    if (bytes.length === 1) return socket.end(bytes);
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

export async function startServer(lab: LabEngine, box: LabContainer): Promise<void> {
  const exec = await lab.client.getContainer(box.id).exec({ Cmd: ['node', '-e', SERVER_SCRIPT] });
  await exec.start({ Detach: true });
}

/** All of them; what has to be ended is added to `owned`. */
export async function openContenders(
  lab: LabEngine,
  box: LabContainer,
  published: number,
  owned: Disposable[],
): Promise<Contender[]> {
  return [
    forwarder(lab, published),
    ...(await openOwn(lab, box, owned)),
    ...(lab.kind === 'docker' ? await openByAddress(await box.address(), owned) : []),
    await openNaive(lab, box, owned),
  ];
}

/** The first one: what all others are compared with. */
function forwarder(lab: LabEngine, port: number): Contender {
  const pids = forwardersOf(lab, port);
  return {
    name: lab.kind === 'rootless' ? 'rootlessport' : 'published port',
    ...{ isOurs: false, host: HOST, port, lengthBytes: LENGTH_BYTES },
    carrier: `the engine's forwarder, ${pids.length} processes`,
    cpuSeconds: () => cpuSecondsOfAll(pids),
  };
}

/** NaN when there is none: nobody carries bytes for nothing. */
function cpuSecondsOfAll(pids: readonly number[]): number {
  if (pids.length === 0) return NaN;
  return pids.reduce((sum, pid) => sum + cpuSecondsWithEnded(pid), 0);
}

/** Of this process, in which our relays run. */
function cpuSecondsHere(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** With the process that carries their circuits. */
function cpuSecondsCarried(): number {
  const carriers = familyOf(process.pid).filter((pid) =>
    commandLineOf(pid).some((word) => word.endsWith('/carrier.js')),
  );
  return cpuSecondsHere() + cpuSecondsOfAll(carriers);
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
    const result = await route.openRelay({ host: HOST, port: 0 }, SERVER);
    if (result.kind !== 'listening') throw new Error(result.kind);
    const isExec = route.kind.startsWith('exec');
    contenders.push({
      ...{ name: route.kind, isOurs: true, host: HOST, port: result.relay.local.port },
      lengthBytes: isExec ? EXEC_LENGTH_BYTES : LENGTH_BYTES,
      carrier: isExec
        ? 'this process, without the engine and the program in there'
        : 'this process and the carrier',
      cpuSeconds: isExec ? cpuSecondsHere : cpuSecondsCarried,
    });
  }
  return contenders;
}

/** What goes to the container's own address, which only a rootful engine's containers have here. */
async function openByAddress(address: string, owned: Disposable[]): Promise<Contender[]> {
  const others = [
    {
      ...{ name: "the container's own address", isOurs: false, host: address, port: SERVER_PORT },
      ...{ lengthBytes: LENGTH_BYTES, carrier: 'nobody', cpuSeconds: () => NaN },
    },
    await openSocat(address, owned),
  ];
  const missing = missingForSshd();
  if (missing === undefined) return [...others, await openSsh(address, owned)];
  console.error(`no ssh -L: ${missing}`);
  return others;
}

async function openSocat(address: string, owned: Disposable[]): Promise<Contender> {
  const port = await freePort();
  const listen = `TCP4-LISTEN:${port},bind=${HOST},reuseaddr,fork`;
  const socat = start('socat', [listen, `TCP4:${address}:${SERVER_PORT}`], owned);
  await untilListening(port);
  return {
    ...{ name: 'socat here', isOurs: false, host: HOST, port, lengthBytes: LENGTH_BYTES },
    carrier: 'socat and its children',
    cpuSeconds: () => cpuSecondsOfAll([socat]),
  };
}

/** With an sshd on this machine, since that has the cheapest way into the container. */
async function openSsh(address: string, owned: Disposable[]): Promise<Contender> {
  const sshd = await startSshd();
  owned.push(toDisposable(() => void sshd.stop()));
  const port = await freePort();
  const forward = `${HOST}:${port}:${address}:${SERVER_PORT}`;
  const options = [...sshd.sshOptions.split(' '), '-N', '-o', 'ExitOnForwardFailure=yes'];
  const to = ['-p', String(sshd.port), '-l', 'root', HOST];
  const ssh = start('ssh', [...options, '-L', forward, ...to], owned);
  await untilListening(port);
  return {
    ...{ name: 'ssh -L', isOurs: false, host: HOST, port, lengthBytes: LENGTH_BYTES / 2 },
    carrier: 'ssh and sshd',
    cpuSeconds: () => cpuSecondsOfAll([ssh, sshd.pid]),
  };
}

/** Its pid; it ends with what else is owned. */
function start(program: string, words: readonly string[], owned: Disposable[]): number {
  const child: ChildProcess = spawn(program, words, { stdio: ['ignore', 'ignore', 'inherit'] });
  owned.push(toDisposable(() => void child.kill()));
  if (child.pid === undefined) throw new Error(`${program} cannot be started`);
  return child.pid;
}

async function untilListening(port: number): Promise<void> {
  const { signal } = new AbortController();
  const isListening = async (): Promise<boolean> => {
    try {
      (await connectTcp({ host: HOST, port }, signal)).destroy();
      return true;
    } catch {
      return false;
    }
  };
  await until(isListening, 10_000, `port ${port} to listen`);
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
  const carrier = { carrier: 'this process alone', cpuSeconds: cpuSecondsHere };
  return { name: EXEC_SOCAT, isOurs: false, host: HOST, port, lengthBytes: 48 * MIB, ...carrier };
}
