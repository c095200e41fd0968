/* eslint no-template-curly-in-string: off -- EPICS macros look like placeholders */
import assert from 'node:assert/strict';
import { fakeVscode } from '../../support/fakeVscode';
import { pvReferencesIn, pvReferenceAt } from '../../../src/present/pvReferences/pvReferenceAt';
import { referenceMarkdown } from '../../../src/ui/referenceMarkdown';
import { WindowExposure } from '../../../src/ui/windowExposure';
import { CoreScene } from '../../support/coreScene';
import { windowCore } from '../../support/windowScene';

describe('what a hover in an editor says', () => {
  let scene: CoreScene;
  let window: WindowExposure;

  beforeEach(async () => {
    fakeVscode.settings.clear();
    scene = new CoreScene();
    scene.engine.run('dev').start({ name: 'IOC' });
    window = new WindowExposure(async () => windowCore(scene.core.openFrontEnd()), ['engine']);
    await window.expose();
    await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 12/12');
  });
  afterEach(async () => {
    window.dispose();
    await scene.end();
  });

  /** The text of the hover at `|` in a file; undefined if there is none. */
  async function hover(path: string, marked: string): Promise<string | undefined> {
    const references = pvReferencesIn(path, marked.replace('|', ''));
    const reference = pvReferenceAt(references, marked.indexOf('|'));
    return reference && (await referenceMarkdown(window, reference))?.value;
  }
  const bob = (pv: string): Promise<string | undefined> =>
    hover('d.bob', `<display><pv_name>${pv}</pv_name></display>`);

  const found: [string, RegExp][] = [
    ['DEMO:MO|TOR', /^\*\*DEMO:MOTOR\*\*[^]*Channel Access[^]*pvAccess/],
    ['DEMO:MOTOR.E|GU', /^\*\*DEMO:MOTOR\.EGU\*\*[^]*Record: DEMO:MOTOR *\n *Value: mm/],
    ['DEMO:MOTOR.DESC|$', /^\*\*DEMO:MOTOR\.DESC\$\*\*[^]*Value: built-in demo/],
    ['DEMO:MOTOR {"long|String":true}', /^$/],
    ['DEMO:MO|TOR {"longString":true}', /^\*\*DEMO:MOTOR\*\*/],
    ['pva://DEMO:MO|TOR/display/units', /display\/units of DEMO:MOTOR\*\*[^]*Value: mm *\n/],
    ['pva://DEMO:MOTOR/no|thing', /nothing of DEMO:MOTOR[^]*DEMO:MOTOR has no part nothing/],
    ['pva://DEMO:MO|TOR/display.units', /display\/units of DEMO:MOTOR\*\*[^]*Value: mm *\n/],
    ['pva:///DEMO:MO|TOR', /^\*\*DEMO:MOTOR\*\*[^]*Value: /],
    [
      'pva://DEMO:MO|TOR?request=field(display.units)',
      /display\/units of DEMO:MOTOR\*\*[^]*Value: mm *\n/,
    ],
    ['ca://DEMO:MO|TOR/display', /\*\*not found\*\*/],
    [
      'loc://|x(1)',
      /^\*\*loc:\/\/x\(1\)\*\*\n\n\$\(info\) \*\*local PV of the display; not from an IOC/,
    ],
    ['mqtt://to|pic', /not a PV of Channel Access or pvAccess/],
    ['=`DEMO:MO|TOR` + 1', /^\*\*DEMO:MOTOR\*\*/],
    ['=`DEMO:MOTOR` +| 1', /formula of the display/],
    ['NO:BO|DY.DESC', /\*\*not found\*\*/],
    ['$(P)MO|TOR.EGU', /the one exposed PV that fits [^]*Record: DEMO:MOTOR/],
    ['$(P)DEMO:MO|TOR.$(F)', /the one exposed PV that fits [^]*mm/],
    [
      'DEMO:BEAM:$(X|Y)',
      /3 of 3 reachable that fit DEMO:BEAM:\*[^]*PVs: [\w:]+, [\w:]+, [\w:]+\s*$/m,
    ],
    ['DEMO:$(X|Y)', /12 of 12 reachable that fit DEMO:\*[^]*PVs: ([\w:]+, ){5}\.\.\./],
    ['$(P|)', /P: not known in this file/],
  ];
  for (const [pv, expected] of found) {
    it(pv, async () => assert.match((await bob(pv)) ?? '', expected));
  }

  it('shows the paths of the protocol that is asked for', async () => {
    const text = (await bob('pva://DEMO:MO|TOR')) ?? '';
    assert.match(text, /pvAccess/);
    assert.doesNotMatch(text, /Channel Access/);
  });

  it('says nothing of a text in a program that is no PV', async () => {
    assert.equal(await hover('x.py', 'caget("NO:|SUCH")'), undefined);
    assert.equal(await hover('x.py', 'print("DEMO:|")'), undefined);
    assert.match((await hover('x.py', 'x("DEMO:MO|TOR.EGU")')) ?? '', /Value: mm/);
  });

  it('says nothing of a value that no name begins with', async () => {
    assert.equal(await hover('st.cmd', 'epicsEnvSet("A", "NO:S|UCH")'), undefined);
    assert.match((await hover('st.cmd', 'epicsEnvSet("A", "DEMO:B|")')) ?? '', /fit DEMO:B\*/);
  });

  it('asks no server for a text that may be anything', async () => {
    const asked: string[] = [];
    const { core } = window;
    assert.ok(core);
    const describe = core.describePv.bind(core);
    core.describePv = (query, inner) => {
      asked.push(query.name);
      return describe(query, inner);
    };
    await hover('x.py', 'open(name, encoding="utf|-8")');
    await hover('ioc.yaml', 'type: ADSim|Detector.simDetector');
    assert.deepEqual(asked, []);
    await hover('x.py', 'PV("DEMO:MO|TOR.EGU")');
    await hover('ioc.yaml', 'P: DEMO:MO|TOR');
    assert.deepEqual(asked, ['DEMO:MOTOR.EGU', 'DEMO:MOTOR']);
  });

  it('is late where the core is', async () => {
    window.dispose();
    assert.match((await bob('DEMO:NOBODY|')) ?? '', /no answer yet/);
  });
});
