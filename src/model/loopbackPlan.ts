/**
 * Which loopback address each container gets, so that every server keeps its own port number:
 * 127.0.0.1 for the first, 127.0.0.2 for the next container with an equal number, and so on; and
 * what it is to be where none is left. Pure.
 */

export interface AddressClaim {
  /** The last number of 127.0.0.N. */
  readonly index: number;
  readonly ports: readonly number[];
}

/** 127.0.0.1 .. 127.0.0.254 */
export const LAST_LOOPBACK_INDEX = 254;

/**
 * The address for a container with these ports: the one it has, or had once, while that does not
 * collide, else the lowest on which no other container claims one of them, and none is reserved for
 * somebody else.
 */
export function planLoopback(
  claims: ReadonlyMap<string, AddressClaim>,
  containerKey: string,
  ports: readonly number[],
  {
    formerIndex,
    isReserved = () => false,
  }: {
    readonly formerIndex?: number | undefined;
    readonly isReserved?: (host: string, port: number) => boolean;
  } = {},
): number {
  const own = claims.get(containerKey)?.index ?? formerIndex;
  const collides = (index: number): boolean => {
    if (ports.some((port) => isReserved(loopbackHost(index), port))) return true;
    for (const [key, claim] of claims) {
      if (key === containerKey || claim.index !== index) continue;
      if (claim.ports.some((port) => ports.includes(port))) return true;
    }
    return false;
  };
  if (own !== undefined && !collides(own)) return own;
  let index = 1;
  while (index < LAST_LOOPBACK_INDEX && collides(index)) index++;
  return index;
}

const HIGHEST_PORT = 65_535;
const NUMBER_STEP = 10_000;

/** Numbers that a person recognises, for a port whose own number cannot be had; never none. */
export function otherNumbers(port: number): number[] {
  const numbers: number[] = [];
  for (let number = port + NUMBER_STEP; number <= HIGHEST_PORT; number += NUMBER_STEP) {
    numbers.push(number);
  }
  for (let number = port - NUMBER_STEP; number > NUMBER_STEP; number -= NUMBER_STEP) {
    numbers.push(number);
  }
  return numbers;
}

export function loopbackHost(index: number): string {
  return `127.0.0.${index}`;
}
