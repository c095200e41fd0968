/**
 * Tells implementations of CA servers apart by what they did on the wire. Every sign below was seen
 * in bytes captured from the program itself (test/vectors/ca/findings.json); docs/protocol-ca.md
 * names the source lines. A server is never asked for more than VERSION, SEARCH and ECHO.
 */

/** What a circuit has seen so far; undefined: not looked for yet. */
export interface CaServerObservations {
  /**
   * The server sends VERSION without being asked. True: it came before we sent anything, or a second
   * VERSION of ours was not answered. False: it was answered, or the first was not. Never concluded
   * from time: a busy server may take as long as it likes.
   */
  readonly isVersionUnprompted?: boolean | undefined;
  /** Its VERSION has data type 1 and parameter 1 = 1, as if it answered a numbered datagram. */
  readonly isVersionNumbered?: boolean | undefined;
  /** The reply to an ECHO repeats the fields of its header. */
  readonly isEchoMirrored?: boolean | undefined;
  /** The port in a search reply about a name that the server itself has. */
  readonly searchPort?: number | undefined;
  /** A search reply on the circuit carries the minor revision as in a datagram. */
  readonly hasMinorInSearch?: boolean | undefined;
}

/** rsrv: every EPICS IOC. pcas: pcaspy, ca-gateway, ca-nameserver. caj: Java servers of epics-base/jca. */
export type CaImplementation = 'rsrv' | 'pcas' | 'caproto' | 'caj' | 'unknown';

interface Profile {
  readonly implementation: CaImplementation;
  readonly isVersionUnprompted: boolean;
  readonly isVersionNumbered: boolean;
  readonly isEchoMirrored: boolean;
  readonly isSearchPortZero: boolean;
  readonly hasMinorInSearch: boolean;
}

const profiles: readonly Profile[] = [
  {
    implementation: 'rsrv',
    isVersionUnprompted: true,
    isVersionNumbered: false,
    isEchoMirrored: true,
    isSearchPortZero: false,
    hasMinorInSearch: false,
  },
  {
    implementation: 'pcas',
    isVersionUnprompted: true,
    isVersionNumbered: false,
    isEchoMirrored: true,
    isSearchPortZero: true,
    hasMinorInSearch: false,
  },
  {
    implementation: 'caproto',
    isVersionUnprompted: false,
    isVersionNumbered: true,
    isEchoMirrored: false,
    isSearchPortZero: false,
    hasMinorInSearch: true,
  },
  {
    implementation: 'caj',
    isVersionUnprompted: false,
    isVersionNumbered: false,
    isEchoMirrored: true,
    isSearchPortZero: false,
    hasMinorInSearch: false,
  },
];

/** One agreeing sign may be chance in a program that we do not know; two are evidence. */
const MINIMUM_SIGNS = 2;

/** The implementation that fits all that was seen; 'unknown' when none or several do. */
export function identifyCaServer(observations: CaServerObservations): CaImplementation {
  const { searchPort, ...others } = observations;
  const signs: Partial<Record<keyof Profile, boolean | undefined>> = {
    ...others,
    isSearchPortZero: searchPort === undefined ? undefined : searchPort === 0,
  };
  const seen = (Object.keys(signs) as (keyof Profile)[]).filter((key) => signs[key] !== undefined);
  if (seen.length < MINIMUM_SIGNS) return 'unknown';
  const fitting = profiles.filter((profile) => seen.every((key) => profile[key] === signs[key]));
  return fitting.length === 1 ? fitting[0]!.implementation : 'unknown';
}
