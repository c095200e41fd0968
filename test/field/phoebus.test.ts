/** What Phoebus' own clients are told by, as people have it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cajGet, cajGetByEnvironment, type ClientResult, phoebusScript } from '../support/clients';
import { epicsExpose } from '../support/command';
import { needsEngine, needsJava, needsOwnNetwork } from '../support/lab/needs';
import { exposedServers, Scene } from '../support/scene';

const PV = ['PHOEBUS:TEMPERATURE'];

describe('Phoebus', () => {
  let scene: Scene;

  before(async function () {
    this.timeout(180_000);
    needsOwnNetwork(this);
    needsJava(this);
    await needsEngine(this, 'rootless');
  });
  beforeEach(async function () {
    scene = new Scene(await needsEngine(this, 'rootless'));
  });
  afterEach(() => scene?.end());

  it('does not read the printed environment; its preferences it does', async () => {
    const box = await scene.ioc({ ioc: 'softIocCa', macros: 'P=PHOEBUS:' });
    const exposed = scene.expose([box]);
    await exposedServers(exposed, box.name, 1);
    const { environment } = exposed;
    const [byPreferences] = await cajGet(PV, environment, 15_000);
    assert.equal(byPreferences?.ok && byPreferences.value, 21.5);
    const [alone] = await cajGetByEnvironment(PV, environment, 3000);
    assert.equal(alone?.ok, false);
  });

  for (const corePva of ['core-pva', 'core-pva-4.7.3'] as const) {
    it(`finds PVs of both protocols when \`epics-expose phoebus\` has started it (${corePva})`, async () => {
      const box = await scene.ioc({ ioc: 'softIocPvx', macros: 'P=PHOEBUS:' });
      const folder = mkdtempSync(join(tmpdir(), 'ee-phoebus-'));
      try {
        const script = join(folder, 'phoebus.sh');
        writeFileSync(script, phoebusScript(corePva), { mode: 0o755 });
        // A site's settings, whose name server is not there.
        writeFileSync(join(folder, 'settings.ini'), 'org.phoebus.pv.ca/name_servers=127.0.0.1:9\n');
        const { exitCode, stdout, stderr } = await epicsExpose([
          'phoebus',
          '--program',
          script,
          ...['--engine', scene.engine.endpoint, '--container', box.name],
          '--',
          ...PV,
        ]);
        assert.equal(exitCode, 0, stderr);
        const results = stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as ClientResult);
        assert.deepEqual(
          results.map((result) => result.ok && result.value),
          [21.5, 21.5],
          stdout + stderr,
        );
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
