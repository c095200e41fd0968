/** How soon single searches are answered, paced, by a name service that knows or has to ask. */
import { percentile, type Figure } from './figure';
import {
  type Found,
  openCa,
  openCaUdp,
  openPva,
  openPvaUdp,
  type Searching,
} from './searchClients';

/** In the order in which searchPeer.ts tells ports: of ours, and of the server itself. */
const ROUTES: readonly {
  readonly name: string;
  readonly open: (port: number, found: Found) => Promise<Searching>;
}[] = [
  { name: 'CA', open: openCa },
  { name: 'CA by UDP', open: openCaUdp },
  { name: 'PVA', open: openPva },
  { name: 'PVA by UDP', open: openPvaUdp },
];
const COUNTS: ReadonlyMap<number, number> = new Map([
  [1, 5],
  [100, 300],
  [10_000, 20_000],
]);
/** After the last question. */
const PATIENCE_MS = 3000;

export async function measureAnswers(ports: readonly number[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [index, { name, open }] of ROUTES.entries()) {
    const [our = 0, its = 0] = ports.slice(2 * index);
    for (const [perSecond, count] of COUNTS) {
      for (const kind of ['known', 'asked for']) {
        // No name is asked for twice, of which the second time would find it known.
        const prefix = kind === 'known' ? 'KNOWN:' : `COLD:${index}:${perSecond}:`;
        const ours = await searchTimes(open, our, prefix, perSecond, count);
        const direct = await searchTimes(open, its, prefix, perSecond, count);
        figures.push({
          what: `${name}: search, ${perSecond} names/s, ${kind}, p50`,
          unit: 'ms',
          ours: percentile(ours, 50),
          peer: { name: 'server itself', value: percentile(direct, 50) },
          note: `p99 ${percentile(ours, 99).toFixed(2)} ms, of the server ${percentile(direct, 99).toFixed(2)} ms; ${ours.length} of ${count} answered`,
        });
      }
    }
  }
  return figures;
}

/** Of those that were answered, in milliseconds. */
async function searchTimes(
  open: (typeof ROUTES)[number]['open'],
  port: number,
  prefix: string,
  perSecond: number,
  count: number,
): Promise<number[]> {
  const sentMs: (number | undefined)[] = [];
  const times: number[] = [];
  const searching = await open(port, (id) => {
    const sent = sentMs[id];
    if (sent !== undefined) times.push(performance.now() - sent);
    sentMs[id] = undefined;
  });
  const startMs = performance.now();
  await new Promise<void>((resolve) => {
    const tick = setInterval(() => {
      const nowMs = performance.now();
      const due = Math.min(count, Math.ceil(((nowMs - startMs) * perSecond) / 1000));
      const names: { id: number; name: string }[] = [];
      while (sentMs.length < due) {
        names.push({ id: sentMs.length, name: `${prefix}${sentMs.length}` });
        sentMs.push(nowMs);
      }
      if (names.length > 0) searching.search(names);
      const isOver = nowMs - startMs > (count / perSecond) * 1000 + PATIENCE_MS;
      if (times.length < count && !isOver) return;
      clearInterval(tick);
      resolve();
    }, 1);
  });
  searching.close();
  return times;
}
