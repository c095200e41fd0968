/**
 * Clients that were told of the first IOC alone find the PVs of all, whatever their servers answer
 * to searches: the relay of the first answers for the others.
 */
import assert from 'node:assert/strict';
import { caget, camonitor, nameServers, p4pGet, p4pMonitor } from '../../support/clients';
import { epicsExpose } from '../../support/command';
import type { Exposed } from '../../support/exposed';
import type { LabContainer } from '../../support/lab/container';
import type { EngineKind, LabEngine } from '../../support/lab/engine';
import { needsEngine } from '../../support/lab/needs';
import { measured } from '../../support/measured';
import { exposedServers, Scene } from '../../support/scene';
import { until } from '../../support/until';
import { formatEndpoint } from '../../../src/model/endpoint';

/** PVXS asks a name server once a second at first; and what the machine does beside. */
const PATIENCE_MS = 15_000;
/** What an IOC that starts later may take until running clients have its PVs. */
const LATE_MS = 5000;

for (const kind of ['docker', 'rootless'] as EngineKind[]) {
  describe(`search: ${kind}`, () => {
    let lab: LabEngine;
    let scene: Scene;

    before(async function () {
      this.timeout(180_000);
      lab = await needsEngine(this, kind);
    });
    beforeEach(() => {
      scene = new Scene(lab);
    });
    afterEach(() => scene?.end());

    /** A client's environment with the name servers of one container alone. */
    function knowing(exposed: Exposed, container: string): Record<string, string> {
      const at = (protocol: 'ca' | 'pva'): string[] =>
        exposed.servers(container, protocol).map(({ local }) => formatEndpoint(local!));
      return nameServers({ ca: at('ca'), pva: at('pva') });
    }

    async function reads(
      get: typeof caget,
      names: string[],
      environment: Record<string, string>,
    ): Promise<unknown[]> {
      const results = await get(names, environment, PATIENCE_MS);
      return results.map((result) =>
        result.ok ? result.value : `${result.name}: ${result.error}`,
      );
    }

    it('a misspelt name is told without being asked for', async () => {
      const box = await scene.ioc({ ioc: 'softIocPvx', macros: 'P=SPELT:' });
      const exposed = scene.expose([box]);
      await exposedServers(exposed, box.name, 2);
      const told = (): string[] =>
        (exposed.snapshot.notices ?? []).flatMap(({ code, message }) =>
          code === 'searched-in-vain' ? [message] : [],
        );
      const names = ['SPELT:TEMPERATUR', 'SITE:OTHER:THING', 'SPELD:TEMPERATURE'];
      const clients = [
        camonitor(names.slice(0, 2), exposed.environment),
        p4pMonitor(names.slice(2), exposed.environment),
      ];
      try {
        await exposed.until(() => told().length === 2, PATIENCE_MS, 'both names');
        const nearest = /which no IOC here has; the nearest is SPELT:TEMPERATURE \(/;
        assert.ok(
          told().every((message) => nearest.test(message)),
          told().join('\n'),
        );
      } finally {
        for (const client of clients) await client.close();
      }
    });

    it('the name servers of the first IOC are enough for every kind of server', async () => {
      const [first, qsrv1, pvaPy, caproto, p4p] = await Promise.all([
        scene.ioc({ macros: 'P=FIRST:' }),
        scene.ioc({ ioc: 'softIocPva', macros: 'P=QSRVA:' }),
        scene.ioc({ ioc: 'pvaPy', macros: 'P=PVAPY:' }),
        scene.ioc({ ioc: 'caproto', macros: 'P=CAPROTO:' }),
        scene.ioc({ ioc: 'p4p', macros: 'P=P4P:' }),
      ]);
      // The names of the caproto IOC are not known to anyone: it is asked.
      const exposed = scene.expose([first, qsrv1, pvaPy, caproto, p4p]);
      await exposedServers(exposed, first.name, 2);
      await exposedServers(exposed, qsrv1.name, 2);
      await exposedServers(exposed, pvaPy.name, 1);
      await exposedServers(exposed, p4p.name, 1);
      await exposed.until(
        () => exposed.servers(caproto.name, 'ca').some(({ status }) => status === 'exposed'),
        20_000,
        'the caproto IOC to be exposed',
      );
      for (const box of [qsrv1, pvaPy]) {
        assert.equal(exposed.server(box.name, 'pva').implementation, 'pvAccessCPP');
      }
      const environment = knowing(exposed, first.name);
      assert.match(environment['EPICS_PVA_NAME_SERVERS'] ?? '', /^[\d.]+:\d+$/);
      const pva = ['FIRST:', 'QSRVA:', 'PVAPY:', 'P4P:'].map((prefix) => `${prefix}TEMPERATURE`);
      const ca = ['FIRST:', 'QSRVA:', 'CAPROTO:'].map((prefix) => `${prefix}TEMPERATURE`);
      assert.deepEqual(
        await Promise.all([reads(caget, ca, environment), reads(p4pGet, pva, environment)]),
        [ca.map(() => 21.5), pva.map(() => 21.5)],
      );
      // A field is no PV that any list names; it is asked for.
      assert.deepEqual(await reads(caget, ['QSRVA:TEMPERATURE.EGU'], environment), ['C']);
      for (const box of [first, qsrv1, pvaPy, caproto, p4p]) {
        for (const server of exposed.iocs(box.name).flatMap((ioc) => ioc.servers)) {
          assert.doesNotMatch(server.note ?? '', /do not find/);
        }
      }
    });

    it('a caproto IOC that is the name server is found by libca', async () => {
      const caproto = await scene.ioc({ ioc: 'caproto', macros: 'P=ALONE:' });
      const exposed = scene.expose([caproto]);
      await exposed.until(
        () => exposed.servers(caproto.name, 'ca').some(({ status }) => status === 'exposed'),
        20_000,
        'the caproto IOC to be exposed',
      );
      const environment = knowing(exposed, caproto.name);
      assert.deepEqual(await reads(caget, ['ALONE:TEMPERATURE'], environment), [21.5]);
    });

    it('clients that run find IOCs that start later, on dynamic ports too', async () => {
      const first = await scene.ioc({ macros: 'P=EARLY:' });
      const keeper = await scene.keeper();
      const exposed = scene.expose([first, keeper]);
      await exposedServers(exposed, first.name, 2);
      const environment = knowing(exposed, first.name);
      const names = ['LATE1:TEMPERATURE', 'LATE2:TEMPERATURE'];
      const monitors = [camonitor, p4pMonitor].map((monitor) =>
        monitor(['EARLY:TEMPERATURE', ...names], environment),
      );
      try {
        for (const monitor of monitors) {
          await monitor.next(({ ok, name }) => ok && name === 'EARLY:TEMPERATURE');
        }
        // Long enough for both clients to ask rarely.
        const start = performance.now();
        await until(() => performance.now() - start > 8000, 10_000, 'clients to slow down');
        for (const [index, name] of names.entries()) {
          await keeper.startIoc({
            macros: `P=LATE${index + 1}:`,
            env: { IOC_NAME: `late${index + 1}` },
          });
          for (const [at, monitor] of monitors.entries()) {
            const what = `${kind}: ${name} by ${at === 0 ? 'libca' : 'PVXS'} after its IOC listens`;
            await measured(what, () =>
              monitor.next((update) => update.ok && update.name === name, LATE_MS),
            );
          }
        }
        const ports = exposed.iocs(keeper.name).flatMap((ioc) => ioc.servers.map((s) => s.local));
        assert.equal(ports.length, 4);
      } finally {
        await Promise.all(monitors.map((monitor) => monitor.close()));
      }
    });

    it('a PV of two IOCs is the one of the container that started first, and is told', async () => {
      const boxes: LabContainer[] = [];
      for (const macros of ['P=DOUBLE:', 'P=DOUBLE:', 'P=SINGLE:']) {
        boxes.push(await scene.ioc({ macros }));
      }
      const exposed = scene.expose(boxes);
      for (const { name } of boxes) await exposedServers(exposed, name, 2);
      const [one, two, third] = boxes.map(({ name }) => name) as [string, string, string];
      const environment = knowing(exposed, third);
      const names = ['DOUBLE:TEMPERATURE'];
      assert.deepEqual(await reads(caget, names, environment), [21.5]);
      await exposed.until(
        () =>
          [one, two].every((name) =>
            /is also served by/.test(exposed.server(name, 'ca').note ?? ''),
          ),
        5000,
        'the duplicate to be told',
      );
      assert.equal(exposed.server(third, 'ca').note, undefined);
      assert.match(
        exposed.server(one, 'ca').note ?? '',
        new RegExp(`PV DOUBLE:TEMPERATURE is also served by .* in ${two}$`),
      );
    });

    it('a look at an IOC tells its own PVs, whatever others have', async () => {
      const [one, two] = await Promise.all([
        scene.ioc({ macros: 'P=ONE:' }),
        scene.ioc({ macros: 'P=TWO:' }),
      ]);
      const exposed = scene.expose([one, two]);
      for (const { name } of [one, two]) await exposedServers(exposed, name, 2);
      const { stdout } = await epicsExpose([
        ...['pvs', '--json', '--engine', lab.endpoint],
        ...['--container', one.name, '--pv', 'TWO:TEMPERATURE', 'TWO:*'],
      ]);
      assert.doesNotMatch(stdout, /TWO:TEMPERATURE.*"(reachable|create-refused)"/);
    });
  });
}
