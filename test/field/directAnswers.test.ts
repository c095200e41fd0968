/**
 * Every client reads every kind of server when it is told the containers' own addresses, and when it
 * is told relays although it could be told those; and clients that watch do not lose a value when the
 * command that told them is killed.
 */
import assert from 'node:assert/strict';
import {
  cajMonitor,
  camonitor,
  corePvaMonitor,
  foundTwice,
  nameServers,
  p4pMonitor,
  pvaPyMonitor,
} from '../support/clients';
import type { Exposed } from '../support/exposed';
import type { LabContainer } from '../support/lab/container';
import { needsEngine, needsJava, needsOwnNetwork } from '../support/lab/needs';
import { Scene } from '../support/scene';
import { until } from '../support/until';
import { CLIENTS, failureOf, given, serversFor, type Told, TOLD } from './matrixCells';
import { cellKey, expose, problemOf, readAll, type Readings, startServers } from './matrixRuns';

const OURS = nameServers({ ca: ['127.0.0.1:5063'], pva: ['127.0.0.1:5074'] });
const { EPICS_CA_NAME_SERVERS = '', EPICS_PVA_NAME_SERVERS = '' } = OURS;
const AND_BROADCASTS = { EPICS_CA_NAME_SERVERS, EPICS_PVA_NAME_SERVERS };
const NAME_SERVERS: Told = {
  name: 'name servers',
  start: (_, isPhoebus) => given(OURS, isPhoebus),
  options: [],
  published: [],
};

/**
 * Whether it is found at two servers because of us. Clients that broadcast hear the IOC behind the
 * gateway, too. Servers of pvAccessCPP and core-pva say their GUID by UDP only, so that we have to
 * make one up.
 */
const isOurs = (line: string): boolean =>
  !/GATEWAY:/.test(line) && !/(QSRVA|COREPVA):.* GUID/.test(line);

const WAYS: readonly { readonly what: string; readonly told: Told; readonly isDirect: boolean }[] =
  [
    { what: 'our name servers', told: NAME_SERVERS, isDirect: true },
    {
      what: 'our name servers, and broadcast',
      told: { ...NAME_SERVERS, start: (_, isPhoebus) => given(AND_BROADCASTS, isPhoebus) },
      isDirect: true,
    },
    {
      what: 'our name servers, answers by relay',
      told: { ...NAME_SERVERS, options: ['--answers', 'relay'] },
      isDirect: false,
    },
    ...TOLD.map((told) => ({ what: told.name, told, isDirect: true })),
  ];

describe('clients that are told the address of a container: docker', () => {
  let scene: Scene;
  let boxes: LabContainer[];

  before(async function () {
    this.timeout(180_000);
    needsOwnNetwork(this);
    needsJava(this);
    scene = new Scene(await needsEngine(this, 'docker'));
    boxes = await startServers(scene);
  });
  after(() => scene?.end());

  const untilDirect = (exposed: Exposed): Promise<void> =>
    exposed.until(
      () => exposed.iocs().every((ioc) => ioc.servers.every(({ direct }) => direct)),
      15_000,
      'the own address of every server',
    );

  for (const { what, told, isDirect } of WAYS) {
    describe(`told ${what}`, () => {
      let exposed: Exposed | undefined;
      let readings: Readings;

      before(async function () {
        this.timeout(120_000);
        exposed = await expose(scene, boxes, told);
        if (isDirect) await untilDirect(exposed);
        foundTwice.length = 0;
        readings = await readAll(told, exposed);
      });
      after(async () => {
        if (exposed) assert.equal(await exposed.stop(), 0);
      });

      // The others may find by broadcast, in Docker's network, what they are not told.
      for (const client of CLIENTS.filter((one) => failureOf(one, told) === undefined)) {
        it(`${client.name} reads every server`, () => {
          for (const server of serversFor(client)) {
            const key = cellKey(client, server);
            assert.equal(problemOf(readings.get(key)), undefined, key);
          }
        });
      }

      it('no client finds a PV at two servers', () => {
        assert.deepEqual(foundTwice.filter(isOurs), []);
      });
    });
  }

  it('libca, CAJ, PVXS, core-pva and pvAccessCPP lose no circuit when the command is killed, replaced and stopped', async function () {
    this.timeout(180_000);
    const [first] = boxes;
    const exposed = scene.expose(first ? [first] : []);
    await exposed.untilReachable(first?.name ?? '', 2);
    await untilDirect(exposed);
    const names = ['QSRVB:COUNT'];
    const monitors = [camonitor, cajMonitor, p4pMonitor, corePvaMonitor, pvaPyMonitor].map(
      (watch) => watch(names, OURS),
    );
    try {
      for (const monitor of monitors) await monitor.next(({ ok }) => ok);
      const marks = monitors.map(({ updates }) => updates.length);
      const goOn = async (): Promise<void> => {
        for (const [index, { updates }] of monitors.entries()) {
          const from = updates.length;
          await until(() => updates.length > from + 20, 30_000, 'values without us');
          assert.ok(updates.slice(marks[index]).every(({ ok }) => ok));
        }
      };
      await exposed.stop('SIGKILL');
      await goOn();
      // Another one, as after an update or a restart, which ends in good order.
      const second = scene.expose(first ? [first] : []);
      await second.untilReachable(first?.name ?? '', 2);
      await untilDirect(second);
      await goOn();
      await second.stop();
      await goOn();
    } finally {
      await Promise.all(monitors.map((monitor) => monitor.close()));
    }
  });
});
