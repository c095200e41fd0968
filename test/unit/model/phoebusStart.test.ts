import assert from 'node:assert/strict';
import { parsePhoebusFile } from '../../../src/model/diagnosis/phoebusSettings';
import {
  phoebusFailure,
  phoebusPreferences,
  phoebusResource,
} from '../../../src/model/phoebusStart';

const OURS = {
  EPICS_CA_NAME_SERVERS: '127.0.0.1:5063',
  EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074',
};

describe('what Phoebus is started with', () => {
  const preferences = (
    environment: Record<string, string>,
    installed = '',
  ): (readonly [string | undefined, string])[] =>
    parsePhoebusFile(phoebusPreferences(environment, installed), 'f').settings.map(
      ({ preference, value }) => [preference, value],
    );

  it('is our name servers, after those of its own settings and of the environment', () => {
    assert.deepEqual(preferences(OURS), [
      ['org.phoebus.pv.ca/name_servers', '127.0.0.1:5063'],
      ['org.phoebus.pv.pva/epics_pva_name_servers', '127.0.0.1:5074'],
    ]);
    const installed =
      'org.phoebus.pv.ca/name_servers = site:5064 127.0.0.1:5063\norg.phoebus.ui/splash=no\n';
    assert.deepEqual(
      preferences({ EPICS_CA_NAME_SERVERS: 'mine:5064 127.0.0.1:5063' }, installed),
      [['org.phoebus.pv.ca/name_servers', 'site:5064 127.0.0.1:5063 mine:5064']],
    );
  });

  it('keeps a name server that Phoebus takes from its environment', () => {
    assert.deepEqual(preferences(OURS, 'org.phoebus.pv.ca/name_servers=$(SITE):5064')[0], [
      'org.phoebus.pv.ca/name_servers',
      '$(SITE):5064 127.0.0.1:5063',
    ]);
  });

  it('cannot run into the next line, whatever a site wrote', () => {
    const installed = 'org.phoebus.pv.ca/name_servers=gw\\\\\n';
    const [[, ca] = [], [, pva] = []] = preferences(OURS, installed);
    assert.deepEqual([ca, pva], ['gw\\ 127.0.0.1:5063', '127.0.0.1:5074']);
  });

  it('sets nothing that it was not told', () => {
    assert.deepEqual(preferences({}), []);
    assert.deepEqual(preferences({ EPICS_CA_NAME_SERVERS: '' }), []);
    assert.deepEqual(preferences(OURS, '\u0000 no settings \\').length, 2);
  });

  it('is a PV for its Probe, or a display', () => {
    const pv = { name: 'A:B & C', protocol: 'ca' } as const;
    assert.equal(phoebusResource({ pv }).at(-1), 'pv://?ca%3A%2F%2FA%3AB%20%26%20C&app=probe');
    assert.equal(
      phoebusResource({ file: 'C:\\my displays\\a.bob' }).at(-1),
      'file:/C:/my%20displays/a.bob?app=display_runtime',
    );
  });
});

describe('why Phoebus does not start', () => {
  for (const line of [
    '/opt/phoebus/phoebus.sh: 42: java: not found',
    'Error: Unable to access jarfile /opt/phoebus/product-*.jar',
    'Error: LinkageError: java.lang.UnsupportedClassVersionError: org/phoebus/product/Launcher',
  ]) {
    it(line, () => assert.equal(phoebusFailure(`NOTE: x\n${line}\nmore\n`), line));
  }

  it('is not known while it starts', () => {
    const said = 'INFO [org.phoebus.product] Loading settings from /x\nINFO Phoebus (PID 7)\n';
    assert.equal(phoebusFailure(said), undefined);
  });
});
