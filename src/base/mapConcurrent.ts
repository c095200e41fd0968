/** Works through the items, at most `laneCount` at once; the results in the order of the items. */
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
