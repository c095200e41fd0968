/** What Phoebus' client of Channel Access (CAJ) is told by, as people have it. */
import assert from 'node:assert/strict';
import { phoebusVariables } from '../../src/present/clientEnvironment';
import { cajGet, cajGetByEnvironment } from '../support/clients';
import { needsEngine, needsJava, needsOwnNetwork } from '../support/lab/needs';
import { exposedServers, Scene } from '../support/scene';

const PV = ['PHOEBUS:TEMPERATURE'];

describe('Phoebus over Channel Access', () => {
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

  it('reads the printed environment only where it is started as by us; its preferences in any case', async () => {
    const box = await scene.ioc({ ioc: 'softIocCa', macros: 'P=PHOEBUS:' });
    const exposed = scene.expose([box]);
    await exposedServers(exposed, box.name, 1);
    const { environment } = exposed;
    const [byPreferences] = await cajGet(PV, environment, 15_000);
    assert.equal(byPreferences?.ok && byPreferences.value, 21.5);
    const started = { ...environment, ...phoebusVariables({}) };
    const [asByUs] = await cajGetByEnvironment(PV, started, 15_000);
    assert.equal(asByUs?.ok && asByUs.value, 21.5);
    // The claim of README that this mends: with nothing else it is not heard.
    const [alone] = await cajGetByEnvironment(PV, environment, 3000);
    assert.equal(alone?.ok, false);
  });
});
