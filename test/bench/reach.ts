/**
 * How long it takes until every PV of a big IOC is known to be reachable: ours beside libca, PVXS
 * and p4p, all through the same relay, each in a new process. What each does to know it differs and
 * is in docs/benchmarks.md.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { silentLog } from '../../src/base/log';
import type { PvProtocol } from '../../src/model/snapshot';
import type { Relay } from '../../src/services/host/connection';
import { listPvaNames } from '../../src/services/discovery/names/pvaNames';
import { connectTcp } from '../../src/node/relay/connectTcp';
import { openTcpRelay } from '../../src/node/relay/tcpRelay';
import { sharedEngine } from '../support/lab/engine';
import { runBigIoc, type BigIoc } from './bigIoc';
import { median, runsNote, type Figure } from './figure';
import { libcaSeconds, p4pSeconds, pvxsSeconds, run, type Target } from './peers';

const SIZES = [10_000, 100_000];
const ROUNDS = 5;
/** PVXS takes minutes for 100,000, and those vary little. */
const SLOW_ROUNDS = 1;
const CA_PORT = 5064;
const PVA_PORT = 5075;

interface Ours {
  readonly seconds: number;
  readonly changes: number;
  readonly maxDelayMs: number;
}

interface Measured {
  readonly count: number;
  readonly ca: Ours[];
  readonly pva: Ours[];
  readonly libca: number[];
  readonly pvxs: number[];
  readonly p4p: number[];
  readonly list: number[];
}

export async function measureReach(): Promise<Figure[]> {
  const engine = await sharedEngine('docker');
  const measured: Measured[] = [];
  for (const count of SIZES) {
    const ioc = await runBigIoc(engine, count);
    try {
      measured.push(await measureIoc(ioc));
    } finally {
      await ioc.remove();
    }
  }
  return [...measured.flatMap(figuresOf), ...growthOf(measured)];
}

async function measureIoc(ioc: BigIoc): Promise<Measured> {
  const { prefix, count } = ioc;
  const relays = await openRelays(await ioc.container.address());
  const host = relays[0]?.local.host ?? '';
  const target: Target = { host, caPort: CA_PORT, pvaPort: PVA_PORT, prefix, count };
  const all: Measured = { count, ca: [], pva: [], libca: [], pvxs: [], p4p: [], list: [] };
  try {
    // Round by round, so that what else the machine does meets all alike; the first one warms up.
    for (let round = 0; round <= ROUNDS; round++) {
      const isCounted = round > 0;
      const ca = await ourSeconds('ca', target);
      const libca = await libcaSeconds(target);
      const pva = await ourSeconds('pva', target);
      const list = await listSeconds(target);
      if (!isCounted) continue;
      all.ca.push(ca);
      all.libca.push(libca);
      all.pva.push(pva);
      all.list.push(list);
      if (round > (count > 10_000 ? SLOW_ROUNDS : 3)) continue;
      all.pvxs.push(await pvxsSeconds(target));
      all.p4p.push(await p4pSeconds(target));
    }
  } finally {
    for (const relay of relays) relay.dispose();
  }
  return all;
}

/** Under the IOC's own numbers, on the first loopback address where both are free. */
async function openRelays(address: string): Promise<Relay[]> {
  for (let last = 77; last < 255; last++) {
    const relays: Relay[] = [];
    for (const port of [CA_PORT, PVA_PORT]) {
      const result = await openTcpRelay(
        { host: `127.0.0.${last}`, port },
        async (signal, onread) => ({
          stream: await connectTcp({ host: address, port }, signal, onread),
          usesOnread: onread !== undefined,
        }),
      );
      if (result.kind === 'listening') relays.push(result.relay);
    }
    if (relays.length === 2) return relays;
    for (const relay of relays) relay.dispose();
  }
  throw new Error('no loopback address has both ports free');
}

export async function ourSeconds(protocol: PvProtocol, target: Target): Promise<Ours> {
  const { host, caPort, pvaPort, prefix, count } = target;
  const port = protocol === 'ca' ? caPort : pvaPort;
  bundle ??= bundleOurs();
  const parameters = [protocol, host, String(port), prefix, String(count)];
  return JSON.parse(await run(process.execPath, [bundle, ...parameters])) as Ours;
}

let bundle: string | undefined;

/** As what is shipped is made. */
function bundleOurs(): string {
  const outfile = join(mkdtempSync(join(tmpdir(), 'epics-expose-bench-')), 'reachOurs.js');
  buildSync({
    entryPoints: [join(__dirname, 'reachOurs.ts')],
    bundle: true,
    platform: 'node',
    target: 'node20',
    outfile,
  });
  return outfile;
}

/** The names themselves, from the PVA server's own list, which come before all this. */
async function listSeconds({ host, pvaPort, count }: Target): Promise<number> {
  const { signal } = new AbortController();
  const startMs = performance.now();
  const connection = await connectTcp({ host, port: pvaPort }, signal);
  const identity = { clientName: 'bench', hostName: 'localhost', log: silentLog };
  const names = await listPvaNames(connection, identity, signal);
  if (names.length !== count) throw new Error(`the list has ${names.length} names`);
  return (performance.now() - startMs) / 1000;
}

function figuresOf({ count, ca, pva, libca, pvxs, p4p, list }: Measured): Figure[] {
  const pvs = `${count.toLocaleString('en')} PVs`;
  const goal = { kind: 'times-less', factor: 3 } as const;
  const unit = 's';
  const row = (protocol: string, ours: Ours[], name: string, theirs: number[]): Figure => ({
    what: `${pvs} over ${protocol} known as reachable`,
    unit,
    ours: median(ours.map(({ seconds }) => seconds)),
    peer: { name, value: median(theirs) },
    goal,
    note: `ours ${runsNote(ours.map(({ seconds }) => seconds))}; peer ${runsNote(theirs)}`,
  });
  return [
    row('CA', ca, 'libca', libca),
    row('PVA', pva, 'p4p get', p4p),
    row('PVA', pva, 'PVXS connect, C++', pvxs),
    { what: `list of ${pvs} from the server`, unit, ours: median(list) },
    ...(['CA', 'PVA'] as const).map((protocol) => ({
      what: `${pvs} over ${protocol}: longest turn of the event loop`,
      unit: 'ms',
      ours: median((protocol === 'CA' ? ca : pva).map(({ maxDelayMs }) => maxDelayMs)),
      note: `told as ${median((protocol === 'CA' ? ca : pva).map(({ changes }) => changes))} changes`,
    })),
  ];
}

function growthOf([small, large]: readonly Measured[]): Figure[] {
  if (!small || !large) return [];
  return (['ca', 'pva'] as const).map((protocol) => {
    const of = (all: Measured): number => median(all[protocol].map(({ seconds }) => seconds));
    return {
      what: `growth from 10,000 to 100,000 PVs over ${protocol.toUpperCase()}`,
      unit: 'times',
      ours: of(large) / of(small),
      goal: { kind: 'below', limit: 12 },
    };
  });
}
