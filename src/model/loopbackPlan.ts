/**
 * Assigns a loopback address to each container so that every server keeps its own port number:
 * 127.0.0.1 to the first, 127.0.0.2 to the next container with the same number, and so on; and
 * another number when no address is left.
 */

export interface AddressClaim {
  /** The last number of 127.0.0.N. */
  readonly index: number;
  readonly ports: readonly number[];
}

/** The last address is 127.0.0.254. */
export const LAST_LOOPBACK_INDEX = 254;

/**
 * The address for a container with these ports: the one it has, or once had, unless that collides;
 * otherwise the lowest one on which no other container claims one of them and none is reserved for
 * another program.
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

/**
 * Recognisable numbers for a port whose own number is not available, in order of preference; never
 * empty.
 */
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

/** 127.0.0.N as text. */
export function loopbackHost(index: number): string {
  return `127.0.0.${index}`;
}
