import { distance } from 'fastest-levenshtein';
import type { Slices } from '../../base/slices';
import type { SimilarPv } from '../../model/coreApi';
import { recordNameOf } from '../../model/pvName';
import type { PvServer } from '../exposure/pvServer';

/** Nobody looks through more. */
const MAX_SIMILAR = 3;
/** Names of records are shorter; comparing takes time with the product of both lengths. */
const MAX_LENGTH = 200;
/** Steps of Slices that comparing two characters costs, and each name beside that. */
const STEPS_PER_PAIR = 1 / 32; // it takes the characters of a word at once
const STEPS_PER_NAME = 20;

/**
 * The PVs whose names are most like one that nobody serves, best first: other letters in a third of
 * the name at most, upper and lower case counting little; then those that begin with it. Works in slices. Rejects with
 * CancelledError.
 */
export async function findSimilar(
  servers: readonly PvServer[],
  asked: string,
  slices: Slices,
  signal: AbortSignal,
): Promise<readonly SimilarPv[]> {
  const wanted = recordNameOf(asked) ?? asked;
  if (wanted.length > MAX_LENGTH || wanted === '') return [];
  const lower = wanted.toLowerCase();
  const most = Math.max(1, Math.floor(wanted.length / 3));
  let best: (SimilarPv & { readonly distance: number })[] = [];
  for (const { names, stepOf, ioc, container } of servers) {
    for (let index = 0; index < names.size; index++) {
      slices.take(STEPS_PER_NAME);
      if (slices.isOver) await slices.rest(signal);
      const name = names.name(index);
      const limit = best.length < MAX_SIMILAR ? most : (best.at(-1)?.distance ?? most);
      const isLonger = isBeginning(lower, name) && limit === most;
      const isNear = Math.abs(name.length - wanted.length) <= limit;
      if (!(isNear || isLonger) || stepOf(index) === 'not-served') continue;
      if (isNear) slices.take(STEPS_PER_PAIR * name.length * wanted.length);
      const far = isNear ? distanceOf(wanted, lower, name) : most;
      if (far > limit || best.some((one) => one.name === name)) continue;
      best.push({ name, iocName: ioc.name, containerName: container.name, distance: far });
      best = best.sort((a, b) => a.distance - b.distance).slice(0, MAX_SIMILAR);
    }
  }
  return best.map(({ name, iocName, containerName }) => ({ name, iocName, containerName }));
}

function distanceOf(wanted: string, lower: string, name: string): number {
  return name === wanted ? 0 : Math.max(0.5, distance(name.toLowerCase(), lower));
}

/** Letters of a beginning that says anything. */
const MIN_BEGINNING = 4;

function isBeginning(lower: string, name: string): boolean {
  return lower.length >= MIN_BEGINNING && name.slice(0, lower.length).toLowerCase() === lower;
}
