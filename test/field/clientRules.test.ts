/** What is known of each library (model/diagnosis/clients), tried with the library itself. */
import assert from 'node:assert/strict';
import { mapConcurrent } from '../../src/base/mapConcurrent';
import { CLIENT_VARIABLES } from '../../src/model/diagnosis/clientSettings';
import { CLIENTS, type Client, type LibraryRules } from '../../src/model/diagnosis/clients';
import type { PvProtocol } from '../../src/model/pvProtocol';
import {
  caget,
  cajGetByEnvironment,
  caprotoGet,
  corePva473Get,
  corePvaGet,
  type Get,
  missingForClients,
  p4pGet,
  pvaPyGet,
  pvGet,
} from '../support/clients';
import { Exposed } from '../support/exposed';
import { needsJava, needsOwnNetwork } from '../support/lab/needs';
import { skip } from '../support/skip';

const PV = 'DEMO:TEMPERATURE';
/** Java and its first searches take a while. */
const PATIENCE_MS = 10_000;
const IMPATIENCE_MS = 3000;
/** Clients at once, on a small machine. */
const AT_ONCE = 10;
/** Who waits for a name server that refused waits longer, who does not ends sooner. */
const WAIT_MS = 12_000;

/** The real libraries, by their names in the rules; Java's two releases have the same rules. */
const REAL: Readonly<Record<string, readonly Get[]>> = {
  libca: [caget],
  CAJ: [
    (names, environment, ...rest) =>
      cajGetByEnvironment(
        names,
        { ...environment, JDK_JAVA_OPTIONS: '-Djca.use_env=true' },
        ...rest,
      ),
  ],
  caproto: [caprotoGet],
  PVXS: [p4pGet],
  'core-pva': [corePvaGet, corePva473Get],
  pvAccessCPP: [pvGet],
  pvaPy: [pvaPyGet],
};

/** What is to be tried of a library. */
type Rule = Exclude<keyof LibraryRules, 'library' | 'source' | 'triedWith'>;

/** One try: with these variables the library reads the PV, or does not. */
interface Try {
  readonly rule: Rule;
  readonly environment: Readonly<Record<string, string>>;
  readonly isRead: boolean;
  /** Whether it ends only long after it has read; absent: however long it takes. */
  readonly waits?: boolean;
}

const AUTO = ['', 'YES', 'NO', 'no', '0', 'false'];

function triesOf(protocol: PvProtocol, rules: LibraryRules): Try[] {
  const names = CLIENT_VARIABLES[protocol];
  // Without a list caproto broadcasts whatever it is told.
  const quiet = { [names.autoAddressList]: 'NO', [names.addressList]: '203.0.113.9' };
  const listed = (list: string, more = {}): Record<string, string> => ({
    ...quiet,
    [rules.hasNameServers ? names.nameServers : names.addressList]: list,
    ...more,
  });
  const port = rules.hasNameServers ? names.serverPort : names.searchPort;
  const broadcasts = [
    ...AUTO.map((auto) => [auto, false] as const),
    ...(rules.library === 'caproto' ? AUTO : ['']).map((auto) => [auto, true] as const),
  ];
  return [
    {
      rule: 'hasNameServers',
      environment: { ...quiet, [names.nameServers]: '127.0.0.1' },
      isRead: rules.hasNameServers,
    },
    ...[rules.lastRefusedPort, rules.lastRefusedPort + 1]
      .filter((one) => one >= 0)
      .map((one): Try => ({
        rule: 'lastRefusedPort',
        environment: listed('127.0.0.1', { [port]: String(one) }),
        isRead: one === rules.lastRefusedPort,
      })),
    ...(rules.hasNameServers
      ? [
          {
            rule: 'waitsForRefused',
            environment: listed('127.0.0.1 127.0.0.1:9'),
            isRead: true,
            waits: rules.waitsForRefused,
          } as const,
        ]
      : []),
    {
      rule: 'takesListWithCommas',
      environment: listed('127.0.0.1:1,127.0.0.1:2'),
      isRead: rules.takesListWithCommas,
    },
    ...broadcasts.map(([auto, hasList]): Try => ({
      rule: 'isBroadcasting',
      environment: {
        ...(auto !== '' && { [names.autoAddressList]: auto }),
        ...(hasList && { [names.addressList]: '203.0.113.9' }),
      },
      isRead: rules.isBroadcasting(auto, hasList),
    })),
  ];
}

const LIBRARIES = new Map<string, readonly [PvProtocol, LibraryRules]>(
  Object.values(CLIENTS).flatMap((client: Client) =>
    (['ca', 'pva'] as const).flatMap((protocol) => {
      const rules = client[protocol];
      return rules ? [[rules.library, [protocol, rules]] as const] : [];
    }),
  ),
);

describe('what is known of clients', () => {
  let exposed: Exposed | undefined;
  /** What was otherwise, by library. */
  const surprises = new Map<string, string[]>();

  before(async function () {
    this.timeout(300_000);
    needsOwnNetwork(this);
    needsJava(this);
    const missing = missingForClients();
    if (missing !== undefined) skip(this, missing, 'iocs');
    exposed = Exposed.start(['demo', '--search', 'thishost']);
    await exposed.until(
      ({ snapshot: { nameServers, search } }) =>
        nameServers?.ca !== undefined &&
        nameServers.pva !== undefined &&
        [search?.ca, search?.pva].every((one) => (one?.broadcasts ?? []).length > 1),
      20_000,
      'searches to be answered',
    );
    const all = [...LIBRARIES.values()].flatMap(([protocol, rules]) =>
      triesOf(protocol, rules).flatMap((one) =>
        (REAL[rules.library] ?? []).map((client) => ({ client, rules, ...one })),
      ),
    );
    // Nearly all the time is waiting for what does not come.
    await mapConcurrent(AT_ONCE, all, async ({ client, rules: { library }, ...one }) => {
      const surprise = await surpriseOf(client, one);
      if (surprise !== undefined) {
        surprises.set(library, [...(surprises.get(library) ?? []), surprise]);
      }
    });
  });
  after(async () => {
    await exposed?.stop();
  });

  for (const library of LIBRARIES.keys()) {
    it(`holds for ${library}`, () => {
      assert.ok(REAL[library], `nobody tries ${library}`);
      const [protocol, rules] = LIBRARIES.get(library) ?? [];
      const tried = protocol && rules ? triesOf(protocol, rules).map(({ rule }) => rule) : [];
      // Who has no name servers waits for none.
      assert.equal(new Set(tried).size, rules?.hasNameServers ? 5 : 4, 'some rule is not tried');
      assert.deepEqual(surprises.get(library) ?? [], []);
    });
  }
});

async function surpriseOf(client: Get, one: Try): Promise<string | undefined> {
  const { rule, environment, isRead, waits } = one;
  const startMs = Date.now();
  const [result] = await client([PV], environment, isRead ? PATIENCE_MS : IMPATIENCE_MS).catch(
    (error: unknown) => [{ name: PV, ok: false, error: String(error) } as const],
  );
  const ms = Date.now() - startMs;
  const isSo = result?.ok === isRead && (waits === undefined || ms > WAIT_MS === waits);
  return isSo
    ? undefined
    : `${rule}, ${JSON.stringify(environment)}, ${ms} ms: ${JSON.stringify(result)}`;
}
