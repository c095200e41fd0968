/** Containers and IOCs that are there and serve nothing: shown, and why, on real engines. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerJson } from '../../src/cli/snapshotJson';
import { Exposed } from '../support/exposed';
import { epicsFolder, epicsHome } from '../support/lab/image';
import type { LabEngine } from '../support/lab/engine';
import { needsEngine } from '../support/lab/needs';
import { Scene } from '../support/scene';

const START = ['sh', '/epics/ioc/start.sh'];
const env = { IOC_NAME: 'BL01T', IOC: '/epics/ioc' };

for (const kind of ['docker', 'podman'] as const) {
  describe(`what serves nothing: ${kind}`, () => {
    let lab: LabEngine;
    let scene: Scene;
    let folder: string;

    before(async function () {
      this.timeout(180_000);
      lab = await needsEngine(this, kind);
      folder = mkdtempSync(join(tmpdir(), 'ee-not-serving-'));
    });
    beforeEach(() => {
      scene = new Scene(lab);
    });
    afterEach(() => scene?.end());
    after(() => {
      if (folder) rmSync(folder, { recursive: true, force: true });
    });

    const find = (exposed: Exposed, name: string): ContainerJson | undefined =>
      exposed.snapshot.containers.find((container) => container.name === name);

    it('an IOC that hangs before iocInit, with the last error of its log', async function () {
      this.timeout(60_000);
      writeFileSync(
        join(folder, 'st.cmd'),
        'dbLoadRecords("nowhere.db", "P=X:")\nepicsThreadSleep(1000)\niocInit\n',
      );
      const box = await scene.program([`${epicsFolder}/bin/softIocCa`, '/work/st.cmd'], {
        ...{ env, binds: [`${folder}:/work`] },
      });
      const exposed = scene.expose([box]);
      const ioc = () => find(exposed, box.name)?.iocs[0];
      await exposed.until(
        () => ioc()?.problem?.message.includes('its log ends') === true,
        30_000,
        'the IOC and the line of its log',
      );
      assert.equal(ioc()?.name, 'BL01T');
      assert.deepEqual(ioc()?.servers, []);
      assert.match(ioc()?.problem?.message ?? '', /opened no port .*nowhere\.db/);
    });

    it('an IOC that no name tells, by its script and its libraries', async function () {
      this.timeout(60_000);
      writeFileSync(join(folder, 'boot.txt'), 'epicsThreadSleep(1000)\niocInit\n');
      const site = [
        ['bin/softIocCa', 'bin/plcd'],
        ['dbd', 'dbd'],
        ['lib', 'lib'],
      ].map(([from = '', to]) => `${join(epicsHome, from)}:/opt/site/${to}:ro`);
      const box = await scene.program(['/opt/site/bin/plcd', '/work/boot.txt'], {
        binds: [`${folder}:/work`, ...site],
      });
      const exposed = scene.expose([box]);
      const ioc = () => find(exposed, box.name)?.iocs[0];
      await exposed.until(() => ioc() !== undefined, 30_000, 'the IOC');
      assert.match(ioc()?.problem?.message ?? '', /opened no port/);
      assert.deepEqual(ioc()?.servers, []);
    });

    it('a container that ended, with its exit code', async function () {
      this.timeout(60_000);
      const box = await scene.program(START, { env });
      const exposed = scene.watch(Exposed.start(['--engine', lab.endpoint]));
      await exposed.until(
        () => /ended with exit code \d+/.test(find(exposed, box.name)?.problem?.message ?? ''),
        30_000,
        'its exit code',
      );
      assert.deepEqual(find(exposed, box.name)?.iocs, []);
    });

    it('a container that was started again, without the errors of its earlier run', async function () {
      this.timeout(90_000);
      writeFileSync(join(folder, 'wait.cmd'), 'epicsThreadSleep(1000)\niocInit\n');
      const script = [
        'if [ ! -e /work/ran ]; then touch /work/ran; echo "error of the earlier run"; exit 3; fi',
        `echo "this run waits"; exec ${epicsFolder}/bin/softIocCa /work/wait.cmd`,
      ].join('\n');
      writeFileSync(join(folder, 'twice.sh'), script);
      rmSync(join(folder, 'ran'), { force: true });
      const box = await scene.program(['sh', '/work/twice.sh', '/epics/ioc'], {
        ...{ env, binds: [`${folder}:/work`] },
      });
      const exposed = scene.watch(Exposed.start(['--engine', lab.endpoint]));
      const message = (): string => {
        const container = find(exposed, box.name);
        return (container?.problem ?? container?.iocs[0]?.problem)?.message ?? '';
      };
      await exposed.until(() => message().includes('exit code 3'), 30_000, 'the end of its run');
      await box.start();
      await exposed.until(() => message().includes('its log ends'), 40_000, 'a line of its log');
      assert.match(message(), /opened no port/);
      assert.doesNotMatch(message(), /earlier run/);
    });

    it('a container that restarts again and again, as one line', async function () {
      this.timeout(120_000);
      const box = await scene.program(START, { env, restart: 'always' });
      const exposed = scene.watch(Exposed.start(['--engine', lab.endpoint]));
      await exposed.until(
        () =>
          /is started again, \d+ times until now, last with exit code [1-9]/.test(
            find(exposed, box.name)?.problem?.message ?? '',
          ),
        90_000,
        'the count of its restarts',
      );
      assert.equal(find(exposed, box.name)?.status, 'stopped');
    });
  });
}
