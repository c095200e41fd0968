/**
 * What it costs that relays answer searches: bulk data through a relay that follows the messages,
 * beside one that passes every byte unseen; and how soon a search is answered (searchAnswers.ts).
 * Servers, relay and clients are processes of their own.
 *
 *     npm run bench -- search
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { median, runsNote, type Figure } from './figure';
import { measureAnswers } from './searchAnswers';

const RUNS = 7;
const MIB = 1024 * 1024;
const BULK_BYTES = 512 * MIB;
/** The first: more messages a second than any IOC sends. */
const MESSAGE_BYTES = [64, 1024, 64 * 1024, 4 * MIB];

let bundle: string | undefined;

/** As it ships: tsx makes a call of each use of an imported constant, which costs more than the rest. */
function bundled(): string {
  if (bundle !== undefined) return bundle;
  const folder = mkdtempSync(join(tmpdir(), 'epics-expose-bench-'));
  bundle = join(folder, 'searchPeer.js');
  buildSync({
    entryPoints: [join(__dirname, 'peers/searchPeer.ts')],
    bundle: true,
    platform: 'node',
    target: 'node20',
    outfile: bundle,
  });
  return bundle;
}

/** What searchPeer.ts does, by its first argument; it tells its ports. */
async function startPeer(
  ...parameters: string[]
): Promise<{ child: ChildProcess; ports: number[] }> {
  const child = fork(bundled(), parameters, { execArgv: [] });
  const [ports] = (await once(child, 'message')) as [number[]];
  return { child, ports };
}

export async function measureSearch(): Promise<Figure[]> {
  try {
    const figures: Figure[] = [];
    for (const messageBytes of MESSAGE_BYTES) figures.push(await measureBulk(messageBytes));
    const { child, ports } = await startPeer('names');
    try {
      return [...figures, ...(await measureAnswers(ports))];
    } finally {
      child.kill();
    }
  } finally {
    if (bundle !== undefined) rmSync(dirname(bundle), { recursive: true });
    bundle = undefined;
  }
}

async function measureBulk(messageBytes: number): Promise<Figure> {
  const server = await startPeer('bulk', String(messageBytes), String(BULK_BYTES));
  const relay = await startPeer('relays', String(server.ports[0]));
  const rates = new Map<string, number[]>([
    ['plain', []],
    ['aware', []],
  ]);
  try {
    // By turns, so that what else the machine does meets both alike; the first round warms up.
    for (let run = 0; run <= RUNS; run++) {
      const both = [...[...rates.values()].entries()];
      for (const [index, values] of run % 2 === 0 ? both : both.reverse()) {
        const seconds = await readAll(relay.ports[index] ?? 0, BULK_BYTES);
        if (run > 0) values.push((BULK_BYTES * 8) / seconds / 1e9);
      }
    }
  } finally {
    for (const { child } of [server, relay]) child.kill();
  }
  const [plain = [], aware = []] = [...rates.values()];
  const ratios = aware.map((value, run) => value / (plain[run] ?? value));
  return {
    what: `aware relay, messages of ${messageBytes} bytes`,
    unit: 'Gbit/s',
    ours: median(aware),
    peer: { name: 'plain pipe', value: median(plain) },
    note: `aware / plain: ${median(ratios).toFixed(3)}; ${runsNote(aware)}`,
  };
}

/** Seconds from the first byte to the last. */
function readAll(port: number, lengthBytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let startMs = 0;
    let left = lengthBytes;
    const buffer = Buffer.alloc(256 * 1024);
    const socket = connect({
      host: '127.0.0.1',
      port,
      onread: {
        buffer,
        callback(readBytes) {
          startMs ||= performance.now();
          left -= readBytes;
          if (left <= 0) {
            resolve((performance.now() - startMs) / 1000);
            socket.destroy();
          }
          return true;
        },
      },
    });
    // The first message that a CA client sends.
    socket.on('connect', () =>
      socket.write(Buffer.from('000000000000000d0000000000000000', 'hex')),
    );
    socket.on('error', reject);
  });
}
