/**
 * Runs a check on the same bytes cut in every way TCP may cut them: whole, at each single split
 * point, byte by byte, and joined with a second copy. `feed` gets a fresh start each time.
 */
export function everySplit(
  bytes: Uint8Array,
  check: (chunks: Uint8Array[], how: string, copies: number) => void,
): void {
  check([bytes], 'whole', 1);
  for (let at = 1; at < bytes.length; at++) {
    check([bytes.slice(0, at), bytes.slice(at)], `split at ${at}`, 1);
  }
  check(
    [...bytes].map((byte) => Uint8Array.of(byte)),
    'byte by byte',
    1,
  );
  const twice = new Uint8Array(bytes.length * 2);
  twice.set(bytes, 0);
  twice.set(bytes, bytes.length);
  check([twice], 'joined with a second copy', 2);
}
