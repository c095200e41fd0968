/** Milliseconds that `work` took; also printed, since they are what a person would notice. */
export async function measured(what: string, work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  const tookMs = Math.round(performance.now() - startMs);
  console.log(`      ${what}: ${tookMs} ms`);
  return tookMs;
}
