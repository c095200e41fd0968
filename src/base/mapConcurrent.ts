/**
 * Works through the items, at most `laneCount` at once. The results are in the order of the items;
 * rejects with the first error of `work`.
 */
export async function mapConcurrent<T, R>(
  laneCount: number,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at]!);
  };
  await Promise.all(Array.from({ length: Math.min(laneCount, items.length) }, lane));
  return results;
}
