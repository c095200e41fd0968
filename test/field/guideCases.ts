/**
 * The ways to publish an IOC's ports that the guide of epics-containers tries (docs/demo in
 * epics-containers.github.io), each with the client's environment that goes with it; and how to find
 * out what a client gets: without epics-expose, and while it runs.
 */
import { clientEnvironment, nameServersOf } from '../../src/present/clientEnvironment';
import type { PvProtocol } from '../../src/model/snapshot';
import { caget, type EpicsEnvironment, p4pGet } from '../support/clients';
import type { Exposed } from '../support/exposed';
import type { LabContainer } from '../support/lab/container';
import type { LabEngine } from '../support/lab/engine';
import { Scene } from '../support/scene';

export interface GuideCase {
  readonly protocol: PvProtocol;
  /** Published ports as the guide writes them, or `host` for the host's network. */
  readonly published: readonly string[] | 'host';
  /** Set in the container, too, where the case does so. */
  readonly iocEnvironment?: EpicsEnvironment;
  /** What the guide's client has set; broadcasts are as by default, which is on. */
  readonly client: EpicsEnvironment;
  /** Whether the guide finds the PV. */
  readonly isFoundByGuide: boolean;
  /** Why that client finds nothing although searches are answered, where it does not. */
  readonly unanswered?: string;
}

const unicast = { EPICS_CA_ADDR_LIST: 'localhost' };
const port8064 = { EPICS_CA_SERVER_PORT: '8064' };
const sentElsewhere =
  'the IOC itself answers, by UDP 8064, with a port that listens on loopback only';

export const guideCases: readonly GuideCase[] = [
  ca('host', {}, true),
  ca(['5064:5064', '5064:5064/udp'], {}, false),
  ca(['5064:5064'], {}, false),
  ca(['5064:5064', '5064:5064/udp'], unicast, true),
  ca(['5064:5064'], unicast, false),
  ca(['127.0.0.1:5064:5064', '127.0.0.1:5064:5064/udp'], {}, false),
  ca(['127.0.0.1:5064:5064', '127.0.0.1:5064:5064/udp'], unicast, true),
  { ...ca(['8064:8064', '8064:8064/udp'], port8064, true), iocEnvironment: port8064 },
  {
    ...ca(['127.0.0.1:8064:8064', '127.0.0.1:8064:8064/udp'], { ...unicast, ...port8064 }, true),
    iocEnvironment: port8064,
  },
  { ...ca(['8064:5064', '8064:5064/udp'], port8064, false), unanswered: sentElsewhere },
  ca(['127.0.0.1:8064:5064', '127.0.0.1:8064:5064/udp'], { ...unicast, ...port8064 }, false),
  ca(['127.0.0.1:5064:5064'], { EPICS_CA_NAME_SERVERS: 'localhost:5064' }, true),
  ca(['127.0.0.1:8064:5064'], { EPICS_CA_NAME_SERVERS: 'localhost:8064' }, true),
  pva('host', {}, true),
  pva(['5075:5075', '5075:5075/udp'], {}, false),
  pva(['5075:5075', '5075:5075/udp'], { EPICS_PVA_ADDR_LIST: 'localhost' }, false),
  pva(['5075:5075'], { EPICS_PVA_NAME_SERVERS: 'localhost:5075' }, true),
  pva(['8075:5075'], { EPICS_PVA_NAME_SERVERS: 'localhost:8075' }, true),
];

function ca(
  published: GuideCase['published'],
  client: EpicsEnvironment,
  isFoundByGuide: boolean,
): GuideCase {
  return { protocol: 'ca', published, client, isFoundByGuide };
}

function pva(...rest: [GuideCase['published'], EpicsEnvironment, boolean]): GuideCase {
  return { ...ca(...rest), protocol: 'pva' };
}

export function titleOf({ protocol, published, client, iocEnvironment }: GuideCase): string {
  const ports = published === 'host' ? 'host network' : `-p ${published.join(' -p ')}`;
  const inside = iocEnvironment ? ', the IOC on 8064 itself' : '';
  return `${protocol.toUpperCase()}: ${ports}${inside}; ${assignments(client).join(' ') || 'nothing set'}`;
}

/** As a shell or a table has them. */
export function assignments(environment: EpicsEnvironment): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}

/**
 * How the client is helped: not at all; by answers to the searches it makes anyway; by the
 * environment that `epics-expose env` and `exec` set, beside its own.
 */
export type Way = 'alone' | 'search' | 'environment';

export type HelpedWay = Exclude<Way, 'alone'>;

export const ROUTES: readonly Way[] = ['alone', 'search', 'environment'];

export interface Outcome {
  readonly isFound: boolean;
  /** What the client got, or why it got nothing. */
  readonly said: string;
}

const PV = 'GUIDE:TEMPERATURE';
const VALUE = 21.5;
/** Much longer than the guide waits (1 s, PVA 0.5 s), so that a failure is none of a slow machine. */
const PATIENCE_MS = 10_000;

/** One epics-expose that runs through all cases, as on a working day. */
export class GuideRun {
  readonly #scene: Scene;
  readonly #exposed: Exposed;

  constructor(engine: LabEngine) {
    this.#scene = new Scene(engine);
    this.#exposed = this.#scene.expose([], ['--search', 'thishost']);
  }

  /** In a container of its own, which is gone after that. */
  async try(guideCase: GuideCase, routes: readonly HelpedWay[]): Promise<Map<Way, Outcome>> {
    const exposed = this.#exposed;
    return inContainer(this.#scene.engine, guideCase, async (box) => {
      const outcomes = new Map<Way, Outcome>();
      try {
        await exposed.untilReachable(box.name, 2, 30_000);
        await exposed.until(isSearchKnown, 5000, 'both search ports');
        const { protocol, client } = guideCase;
        const ours = clientEnvironment(nameServersOf(exposed.model), client);
        for (const route of routes) {
          const environment = route === 'search' ? client : { ...client, ...ours };
          outcomes.set(route, await get(protocol, environment));
        }
      } catch (error) {
        for (const route of routes) outcomes.set(route, { isFound: false, said: String(error) });
      }
      return outcomes;
    });
  }

  end(): Promise<void> {
    return this.#scene.end();
  }
}

/** What the client gets without epics-expose. */
export function tryAlone(engine: LabEngine, guideCase: GuideCase): Promise<Outcome> {
  return inContainer(engine, guideCase, () => get(guideCase.protocol, guideCase.client));
}

async function inContainer<T>(
  engine: LabEngine,
  { published, iocEnvironment = {} }: GuideCase,
  use: (box: LabContainer) => Promise<T>,
): Promise<T> {
  const scene = new Scene(engine);
  try {
    const box = await scene.ioc({
      macros: 'P=GUIDE:',
      env: iocEnvironment,
      ...(published === 'host' ? { network: 'host' } : { publish: [...published] }),
    });
    return await use(box);
  } finally {
    await scene.end();
  }
}

/** Where nothing is relayed, no search is answered either. */
function isSearchKnown({ snapshot }: Exposed): boolean {
  const servers = snapshot.containers.flatMap(({ iocs }) => iocs.flatMap((ioc) => ioc.servers));
  const isRelaying = servers.some(({ isRelayed }) => isRelayed === true);
  return !isRelaying || Object.keys(snapshot.search ?? {}).length === 2;
}

async function get(protocol: PvProtocol, environment: EpicsEnvironment): Promise<Outcome> {
  const [result] = await (protocol === 'ca' ? caget : p4pGet)([PV], environment, PATIENCE_MS);
  if (!result?.ok) return { isFound: false, said: result?.error ?? 'nothing' };
  return { isFound: result.value === VALUE, said: JSON.stringify(result.value) };
}
