import assert from 'node:assert/strict';
import {
  type BrokerFacts,
  type DiagnosisInput,
  diagnose,
  partWith,
} from '../../../../src/model/diagnosis/diagnose';
import { CLIENTS, type ClientName } from '../../../../src/model/diagnosis/clients';
import { machineFacts } from '../../../../src/model/diagnosis/machineFacts';
import type { PvReading } from '../../../../src/model/reading';
import type { Snapshot } from '../../../../src/model/snapshot';
import type { Finding } from '../../../../src/model/diagnosis/finding';
import { formatEndpoint } from '../../../../src/model/endpoint';
import { pvLadder } from '../../../../src/model/diagnosis/pvLadder';
import type { CoreApi, PvRow } from '../../../../src/model/coreApi';
import { diagnosisLines } from '../../../../src/present/diagnosisText';
import { TERMINAL_WORDS, WINDOW_WORDS } from '../../../../src/present/frontEndWords';
import { CoreScene } from '../../../support/coreScene';
import type { FakeContainer } from '../../../support/fakeEngine';
import { snapshotWith } from '../../../support/snapshots';

const { signal } = new AbortController();

describe('a diagnosis', () => {
  let scene: CoreScene;
  let dev: FakeContainer;
  let frontEnd: CoreApi;
  beforeEach(async () => {
    scene = new CoreScene();
    dev = scene.engine.run('dev');
    dev.start({ name: 'IOC' });
    frontEnd = await scene.open();
  });
  afterEach(() => scene.end());

  async function input(...names: string[]): Promise<DiagnosisInput> {
    const pvs = await Promise.all(
      names.map(async (name) => ({
        name,
        details: await frontEnd.describePv({ name, maxWaitMs: 700 }, signal),
        similar: await frontEnd.findSimilar({ name }, signal),
      })),
    );
    const duplicates = frontEnd.findDuplicates({}, signal);
    await scene.clock.advance(100);
    return { snapshot: scene.snapshot, pvs, duplicates: await duplicates };
  }
  const lines = async (...names: string[]): Promise<readonly string[]> => {
    const asking = input(...names);
    await scene.clock.advance(3000);
    const asked = await asking;
    return diagnosisLines(diagnose(asked), asked.pvs, asked.snapshot, WINDOW_WORDS);
  };

  it('of a PV that is there is its value and its way', async () => {
    const [first, , heading, ...ladder] = await lines('DEMO:MOTOR');
    assert.match(first ?? '', /^DEMO:MOTOR is reachable: .* mm$/);
    assert.equal(heading, 'DEMO:MOTOR over CA');
    assert.match(ladder[0] ?? '', /^ {2}fine +container engine/);
  });

  it('of a part is about that part', async () => {
    const other = scene.engine.run('other');
    other.start({ name: 'OTHER' });
    await scene.clock.advance(3000);
    other.setPaused(true);
    await scene.clock.advance(100);
    const { snapshot } = scene;
    const found = (key: string): string[] =>
      diagnose({ snapshot: partWith(snapshot, key), pvs: [], duplicates: [] }).map(
        (finding) => ('container' in finding && finding.container) || finding.code,
      );
    const keyOf = (name: string): string =>
      snapshot.containers.find((container) => container.name === name)?.key ?? assert.fail();
    assert.deepEqual(found(keyOf('dev')), []);
    assert.deepEqual(found(keyOf('other')), ['other']);
    assert.deepEqual(found('no such key'), ['other']);
    const server = snapshot.containers.find(({ name }) => name === 'dev')?.iocs[0]?.servers[0];
    const part = partWith(snapshot, server?.key ?? '');
    assert.deepEqual(
      part.containers.flatMap(({ iocs }) => iocs.flatMap(({ servers }) => servers)),
      [server],
    );
  });

  it('of a server that denies reading says whom', () => {
    const note = { code: 'read-denied', count: 3, user: 'me on here' } as const;
    const snapshot = snapshotWith([{ notes: [note, { code: 'says-yes' }] }]);
    const findings = diagnose({ snapshot, pvs: [], duplicates: [] });
    assert.deepEqual(findings, [
      { code: 'server-note', note, container: 'dev', ioc: 'DEV_TEST_IOC' },
    ]);
    const [first] = diagnosisLines(findings, [], snapshot, WINDOW_WORDS);
    assert.match(
      first ?? '',
      /^dev: DEV_TEST_IOC: its access security denies reading 3 PVs .*me on here/,
    );
  });

  it('of a name that nobody has is what was meant', async () => {
    const [first] = await lines('DEMO:MOTER');
    assert.match(first ?? '', /has DEMO:MOTER; did you mean DEMO:MOTOR \(IOC\)/);
  });

  it('of a name of which only the beginning was written is the whole', async () => {
    const [first] = await lines('DEMO:MOT.EGU');
    assert.match(first ?? '', /has DEMO:MOT\.EGU; did you mean DEMO:MOTOR \(IOC\)/);
  });

  it('of a container that was removed is a note, unless a PV is sought that may have been there', () => {
    const problem = { code: 'container-removed', container: 'old' } as const;
    const snapshot = snapshotWith([{}]);
    const [container] = snapshot.containers;
    assert.ok(container);
    const old = { ...container, name: 'old', problem };
    const both = { ...snapshot, containers: [old, container] };
    const general = diagnose({ snapshot: both, pvs: [], duplicates: [] });
    assert.deepEqual(general, [{ code: 'problem', problem, container: 'old', isNote: true }]);
    const details = { name: 'GONE', paths: [] };
    const asked = [{ name: 'GONE', details, similar: [] }];
    const [first] = diagnose({ snapshot: both, pvs: asked, duplicates: [] });
    assert.deepEqual(first, { code: 'problem', problem, container: 'old', isNote: false });
  });

  it('of a PV whose container has ended is that, not a misspelling', async () => {
    dev.stop();
    await scene.clock.advance(3000);
    for (const name of ['DEMO:MOTOR', 'DEMO:MOTOR.EGU']) {
      const [first, , second] = await lines(name);
      assert.equal(first, 'dev: container dev was removed');
      assert.equal(second, `${name} was served by IOC in dev, which has ended`);
    }
    // Ten minutes later it is more likely another's name.
    await scene.clock.advance(10 * 60_000);
    assert.match((await lines('DEMO:MOTOR'))[0] ?? '', /^no IOC that is exposed here has/);
  });

  it('of a PV whose container is only not wanted any more is not that it has ended', async () => {
    const other = scene.engine.run('other');
    other.start({ name: 'OTHER', servers: {} });
    await scene.clock.advance(3000);
    await frontEnd.setRequest({
      ...{ selection: { containers: ['other'], labels: [] }, engines: [], names: [] },
    });
    await scene.clock.advance(3000);
    const told = await lines('DEMO:MOTOR');
    assert.ok(!told.some((line) => /has ended/.test(line)), told.join('\n'));
  });

  it('of an IOC that is suspended is said once for both protocols', () => {
    const problem = { code: 'ioc-suspended', pid: 7 } as const;
    const snapshot = snapshotWith([{ problem }, { problem, protocol: 'pva' }]);
    const findings = diagnose({ snapshot, pvs: [], duplicates: [] });
    assert.deepEqual(findings, [
      { code: 'problem', problem, container: 'dev', ioc: 'DEV_TEST_IOC' },
    ]);
  });

  it('of a paused container is that, and what follows is not known', async () => {
    await lines('DEMO:MOTOR');
    dev.setPaused(true);
    await scene.clock.advance(100);
    const [first, advice, , , ...ladder] = await lines('DEMO:MOTOR');
    assert.match(`${first}`, /paused/);
    assert.match(`${advice}`, /Unpause/);
    assert.ok(
      ladder.some((line) => line.includes('not checked')),
      ladder.join('\n'),
    );
  });

  it('of everything is what is wrong, or that nothing is', async () => {
    assert.match((await lines())[0] ?? '', /^Nothing is wrong: 24 PVs of 2 servers/);
    scene.engine.run('twin').start({ name: 'TWIN' });
    await scene.untilSettled();
    const twins = (await lines()).join('\n');
    assert.match(twins, /12 PVs, such as .*, are served by IOC in dev and TWIN in twin over/);
    dev.exit(3);
    await scene.clock.advance(100);
    assert.match((await lines()).join('\n'), /exit code 3/);
  });

  it('does not call a value reachable that is from before', async () => {
    const asked = await (async () => {
      const asking = input('DEMO:MOTOR');
      await scene.clock.advance(3000);
      return asking;
    })();
    const told = (change: object): string => {
      const pvs = asked.pvs.map((pv) => ({
        ...pv,
        details: { ...pv.details, paths: pv.details.paths.map((path) => ({ ...path, ...change })) },
      }));
      return (
        diagnosisLines(diagnose({ ...asked, pvs }), pvs, asked.snapshot, WINDOW_WORDS)[0] ?? ''
      );
    };
    assert.match(told({}), /is reachable/);
    assert.match(told({ isReading: true }), /not answered yet/);
    assert.match(told({ readProblem: { code: 'not-read', detail: 'late' } }), /late$/);
  });

  it('says last what is wrong with what is there, because its names are known', () => {
    const note = { code: 'read-denied', count: 3, user: 'me on here' } as const;
    const pv = { name: 'X:Y', details: { name: 'X:Y', paths: [] }, similar: [] };
    const snapshot = snapshotWith([{ notes: [note] }]);
    const codes = diagnose({ snapshot, pvs: [pv], duplicates: [] }).map(({ code }) => code);
    assert.deepEqual(codes, ['no-such-pv', 'server-note']);
  });

  it('says first what is more likely: a slip in a name, or what is not there', async () => {
    dev.exit(3);
    scene.engine.run('two').start({ name: 'IOC2' });
    await scene.clock.advance(3000);
    const [slip] = await lines('DEMO:MOTER');
    assert.match(slip ?? '', /did you mean DEMO:MOTOR/);
    // Another IOC's, most likely.
    const [ofOther] = await lines('X:MOTOR');
    assert.match(ofOther ?? '', /container dev ended/);
    const [other] = await lines('REMO7:MOTOR');
    assert.match(other ?? '', /container dev ended/);
  });

  it('names IOCs of another user where one looks for a PV, and else notes them', async () => {
    const foreign = [
      { pid: 7, program: 'softIoc', user: 'ann', uid: 1001, engine: 'podman' as const },
    ];
    const told = async (...names: string[]): Promise<readonly string[]> => {
      const asking = input(...names);
      await scene.clock.advance(3000);
      const asked = await asking;
      const findings = diagnose({ ...asked, foreign });
      return diagnosisLines(findings, asked.pvs, asked.snapshot, TERMINAL_WORDS);
    };
    assert.match(
      (await told('ELSE:PV'))[0] ?? '',
      /^softIoc of user ann runs in a container \(pid 7\)/,
    );
    assert.match((await told())[0] ?? '', /^Nothing is wrong/);
    assert.match((await told()).at(-1) ?? '', /^note: softIoc of user ann/);
    assert.match((await told('DEMO:MOTOR'))[0] ?? '', /is reachable/);
  });

  it('has what is known of the background process', async () => {
    const asked = await input();
    const codes = (broker: BrokerFacts): string[] =>
      diagnose({ ...asked, broker }).map(({ code, isNote }) => `${code}${isNote ? '?' : ''}`);
    const requests = [{ search: 'thishost' }, {}] as const;
    assert.deepEqual(codes({ version: '1', own: '2', requests }), [
      ...['broker-differs?', 'searches-differ?'],
    ]);
    assert.deepEqual(codes({ version: '1', own: '1', requests: [{}, {}] }), []);
    const both = [{ answers: 'direct' }, { answers: 'relay' }] as const;
    assert.deepEqual(codes({ version: '1', own: '1', requests: both }), ['answers-differ?']);
    const unasked = [{ answers: 'auto' }, { answers: 'relay' }, {}] as const;
    assert.deepEqual(codes({ version: '1', own: '1', requests: unasked }), []);
    const problem = { code: 'broker-newer', version: '2', own: '1' } as const;
    assert.deepEqual(codes({ problem, own: '1', requests: [] }), ['problem']);
  });

  it('breaks off at the relay where the background process does not answer', async () => {
    const asked = await input('DEMO:MOTOR');
    const problem = { code: 'broker-silent', pid: 7 } as const;
    const findings = diagnose({ ...asked, broker: { problem, own: '1', requests: [] } });
    const facts = { broker: problem };
    const told = diagnosisLines(findings, asked.pvs, asked.snapshot, TERMINAL_WORDS, facts);
    assert.match(told[0] ?? '', /^the background process \(pid 7\) does not answer: its relays/);
    assert.match(told[1] ?? '', /epics-expose broker stop/);
    const broken = told.filter((line) => line.startsWith('  broken'));
    assert.deepEqual(
      broken.map((line) => line.slice(0, 34).trimEnd()),
      Array(2).fill('  broken  relay on this machine'),
    );
    assert.ok(!told.some((line) => /^ {2}fine +(handshake|value)/.test(line)));
    // What stands still is exposed all the same.
    const snapshot = snapshotWith([{}]);
    const clients = {
      settings: [{ name: 'EPICS_CA_NAME_SERVERS', value: '127.0.0.1:5063' }],
      machine: machineFacts(snapshot, { answers: new Map() }),
    };
    const known = { snapshot, pvs: [], duplicates: [], clients };
    const codes = (of: BrokerFacts): string[] =>
      diagnose({ ...known, broker: of }).map(({ code }) => code);
    assert.ok(codes({ own: '1', requests: [] }).includes('not-exposed'));
    assert.ok(!codes({ problem, own: '1', requests: [] }).includes('not-exposed'));
  });

  it('names the file of a record that its IOC has not loaded', async () => {
    const asked = await input('ELSE:PV');
    const place = { iocName: 'IOC', containerName: 'dev', file: '/work/x.db', line: 3 };
    const pvs = asked.pvs.map((pv) => ({ ...pv, places: [place] }));
    const told = diagnosisLines(diagnose({ ...asked, pvs }), pvs, asked.snapshot, TERMINAL_WORDS);
    assert.equal(
      told[0],
      'ELSE:PV stands in /work/x.db:3, but IOC in dev does not have it: it has not loaded that record',
    );
    // Of an IOC that cannot be asked it is not known what it has.
    const [container] = asked.snapshot.containers;
    const problem = { code: 'packets-dropped', port: 5064 } as const;
    const containers = [
      {
        ...container!,
        iocs: container!.iocs.map((ioc) => ({
          ...ioc,
          servers: ioc.servers.map((server) => ({ ...server, problem })),
        })),
      },
    ];
    const codes = diagnose({ ...asked, snapshot: { ...asked.snapshot, containers }, pvs }).map(
      ({ code }) => code,
    );
    assert.ok(!codes.includes('not-loaded'), codes.join());
  });

  it('has notes at its end, and nothing is wrong for them', async () => {
    const asked = await input();
    const note: Finding = { code: 'preferences-unknown', client: 'Phoebus', isNote: true };
    const told = diagnosisLines([note], asked.pvs, asked.snapshot, TERMINAL_WORDS);
    assert.match(told[0] ?? '', /^Nothing is wrong/);
    assert.match(told.at(-1) ?? '', /^note: the settings of Phoebus .*\. Examine its preferences/);
  });

  describe('with the settings of clients', () => {
    const variables = (values: Record<string, string>) =>
      Object.entries(values).map(([name, value]) => ({ name, value }));
    const local = { host: '127.0.0.1', port: 5064 };
    const nameServers = {
      ca: { host: '127.0.0.1', port: 5063 },
      pva: { host: '127.0.0.1', port: 5074 },
    };
    /** Told of a PV of the first server of this snapshot. */
    function codes(
      snapshot: Snapshot,
      values: Record<string, string>,
      reading: PvReading = { value: 1, severity: 'NO_ALARM' },
      client?: ClientName,
    ): string[] {
      const [ioc] = snapshot.containers[0]?.iocs ?? [];
      const [server] = ioc?.servers ?? [];
      assert.ok(ioc && server);
      const row: PvRow = {
        name: 'X:PV',
        protocol: server.protocol,
        step: 'reachable',
        state: 'reachable',
        source: { kind: 'user' },
        iocName: ioc.name,
        containerName: 'dev',
        serverKey: server.key,
      };
      const path = {
        ...{ row, reading, implementation: 'rsrv', listening: server.listening },
        ...(server.route && { route: server.route }),
      };
      const pv = {
        name: 'X:PV',
        details: { name: 'X:PV', paths: [path] },
        similar: [],
      };
      const look = { answers: new Map(), udpPorts: new Set([5064, 5076, 6999]) };
      const clients = {
        settings: variables(values),
        machine: machineFacts(snapshot, look),
        ...(client && { client: CLIENTS[client] }),
      };
      return diagnose({ snapshot, pvs: [pv], duplicates: [], clients })
        .filter(({ code }) => code !== 'only-some-clients')
        .map(({ code, isNote }) => `${code}${isNote === true ? '?' : ''}`);
    }
    const relayed = {
      ...snapshotWith([{ local, isRelayed: true }, { protocol: 'pva' }]),
      nameServers,
    };

    it('has them before a record that was never processed', () => {
      const never = { value: 0, severity: 'INVALID' } as const;
      assert.deepEqual(codes(relayed, {}, never), ['not-set-up', 'pv-undefined']);
      const good = { EPICS_CA_NAME_SERVERS: '127.0.0.1:5063' };
      assert.deepEqual(codes(relayed, good, never), ['pv-undefined']);
    });

    it('knows that broadcasts reach a server whose own address this machine reaches', () => {
      const listening = { host: '0.0.0.0', port: 5064 };
      const direct = { host: '172.17.0.2', port: 5064 };
      const bridged = {
        ...snapshotWith([{ listening, local, isRelayed: true, direct }]),
        nameServers,
      };
      assert.deepEqual(codes(bridged, {}), []);
      assert.deepEqual(codes(bridged, { EPICS_CA_AUTO_ADDR_LIST: 'NO' }), ['not-set-up']);
      const other = { ...listening, port: 6064 };
      const elsewhere = {
        ...snapshotWith([{ listening: other, local, isRelayed: true, direct }]),
        nameServers,
      };
      assert.deepEqual(codes(elsewhere, {}), ['not-set-up']);
    });

    it('examines those of the protocols that the PV has', () => {
      const good = { EPICS_CA_NAME_SERVERS: '127.0.0.1:5063', EPICS_PVA_ADDR_LIST: 'a,b' };
      assert.deepEqual(codes(relayed, good), []);
      assert.deepEqual(codes(relayed, { EPICS_PVA_ADDR_LIST: 'a,b' }, undefined, 'phoebus'), [
        'not-set-up',
      ]);
    });

    it('knows what leads to its server without us', () => {
      const refusal = { why: 'published', container: 'dev' } as const;
      const problem = {
        code: 'search-port-taken',
        protocol: 'ca',
        endpoint: local,
        refusal,
      } as const;
      const published = {
        ...snapshotWith([{ local, route: 'published' }]),
        ...{ nameServers, search: { ca: { problem } } },
      };
      assert.deepEqual(codes(published, { EPICS_CA_ADDR_LIST: '127.0.0.1' }), []);
      assert.deepEqual(
        codes(published, { EPICS_CA_ADDR_LIST: '127.0.0.1' }, undefined, 'caproto'),
        [],
      );
      assert.deepEqual(codes(published, { EPICS_CA_NAME_SERVERS: '127.0.0.1:5064' }), []);
      const other = { ...refusal, container: 'other' };
      const theirs = { ...published, search: { ca: { problem: { ...problem, refusal: other } } } };
      assert.deepEqual(codes(theirs, { EPICS_CA_ADDR_LIST: '127.0.0.1' }), ['problem']);
      const note = { code: 'published-elsewhere', port: 5064, hostPorts: [9064], local } as const;
      const elsewhere = {
        ...relayed,
        ...snapshotWith([{ local, isRelayed: true, notes: [note] }]),
      };
      assert.deepEqual(codes(elsewhere, { EPICS_CA_NAME_SERVERS: '127.0.0.1:9064' }), []);
      const listening = { host: '0.0.0.0', port: 6999 };
      const here = { ...relayed, ...snapshotWith([{ listening, route: 'host-network' }]) };
      const port = { EPICS_CA_SERVER_PORT: '6999', EPICS_CA_ADDR_LIST: '127.0.0.1' };
      assert.deepEqual(codes(here, port), []);
      // Broadcasts go to the usual port.
      assert.deepEqual(codes(here, {}), ['not-set-up']);
      const usual = { ...relayed, ...snapshotWith([{ listening: local, route: 'host-network' }]) };
      assert.deepEqual(codes(usual, {}), []);
      assert.deepEqual(codes(here, { EPICS_CA_AUTO_ADDR_LIST: 'NO' }), ['not-set-up']);
    });
  });

  it('finds the rung that each state breaks', async () => {
    const [pv] = (
      await (async () => {
        const asking = input('DEMO:MOTOR');
        await scene.clock.advance(3000);
        return asking;
      })()
    ).pvs;
    const [path] = pv?.details.paths ?? [];
    assert.ok(path);
    const broken = (change: object): string | undefined =>
      pvLadder({ ...path, ...change }, scene.snapshot).find(({ state }) => state === 'broken')
        ?.rung;
    const row = (step: string): object => ({ row: { ...path.row, step } });
    assert.equal(broken({}), undefined);
    assert.equal(broken(row('no-read-access')), 'access');
    assert.equal(broken(row('create-refused')), 'channel');
    assert.equal(broken({ problem: { code: 'no-way-in', port: 1, tried: [] } }), 'route');
    assert.equal(broken({ problem: { code: 'port-taken', port: 1, taken: [] } }), 'holder');
    assert.equal(broken({ problem: { code: 'packets-dropped', port: 1 } }), 'filter');
    const told = (change: object): readonly string[] | undefined => {
      const containers = scene.snapshot.containers.map((container) => ({
        ...container,
        iocs: container.iocs.map((ioc) => ({
          ...ioc,
          servers: ioc.servers.map((server) => ({ ...server, ...change })),
        })),
      }));
      const nameServers = { ca: { host: '127.0.0.1', port: 5063 } };
      const rungs = pvLadder(path, { ...scene.snapshot, containers, nameServers });
      return rungs.find(({ rung }) => rung === 'told')?.facts;
    };
    const direct = { host: '172.17.0.2', port: 5064 };
    assert.deepEqual(told({ direct }), ['172.17.0.2:5064']);
    assert.deepEqual(told({ direct: undefined }), [path.local && formatEndpoint(path.local)]);
  });
});
