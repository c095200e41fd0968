/** A small seeded generator (mulberry32), so that a failing random test can be run again. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Of the tests that are other ones each time; they name it, and SEED runs the same again. */
export const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
