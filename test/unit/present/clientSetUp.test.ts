import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLIENT_NAMES, type ClientName } from '../../../src/model/diagnosis/clients';
import type { NameServers } from '../../../src/present/clientEnvironment';
import { clientSetUp, clientVariablesOf, setUpTriedWith } from '../../../src/present/clientSetUp';

const nameServers: NameServers = {
  ca: [{ host: '127.0.0.1', port: 5063 }],
  pva: [{ host: '127.0.0.1', port: 5074 }],
  isPvaSearched: true,
};
const environment = {
  EPICS_CA_NAME_SERVERS: '127.0.0.1:5063 gw.lab:5064',
  EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074',
  EPICS_PVA_ADDR_LIST: '127.0.0.1',
};
const lines = (client: ClientName, more: Partial<NameServers> = {}, pv = 'A:B'): string[] =>
  clientSetUp({ client, environment, nameServers: { ...nameServers, ...more }, pv });

/** The clients themselves run these lines in test/field/clientSetUps. */
describe('what a client is to be told', () => {
  it('is what it reads', () => {
    const names = (client: ClientName): string[] =>
      Object.keys(clientVariablesOf({ client, environment, nameServers }));
    const [ca, pva, list] = Object.keys(environment);
    assert.deepEqual(names('caget'), [ca]);
    assert.deepEqual(names('caproto'), ['EPICS_CA_ADDR_LIST']);
    assert.deepEqual(names('pvget'), [list]);
    assert.deepEqual(names('p4p'), [pva, list]);
    assert.deepEqual(names('phoebus'), [ca, pva]);
    assert.deepEqual(names('pydm'), [ca, pva, list]);
  });

  it('is written in its language, with what the person had set', () => {
    assert.deepEqual(lines('caget'), [
      '# Not tried with caget itself.',
      "export EPICS_CA_NAME_SERVERS='127.0.0.1:5063 gw.lab:5064'",
      'caget A:B',
    ]);
    assert.deepEqual(lines('pyepics').slice(0, 3), [
      'import os',
      '',
      'os.environ["EPICS_CA_NAME_SERVERS"] = "127.0.0.1:5063 gw.lab:5064"',
    ]);
    assert.equal(lines('phoebus')[1], 'org.phoebus.pv.ca/name_servers=127.0.0.1:5063 gw.lab:5064');
    assert.equal(
      lines('caj')[1],
      "-Dcom.cosylab.epics.caj.CAJContext.name_servers='127.0.0.1:5063 gw.lab:5064'",
    );
  });

  it('has a PV as a text, whatever that is', () => {
    const odd = `A"B'$(C)\n`;
    assert.equal(lines('caget', {}, odd).at(-1), `caget 'A"B'\\''$(C)\n'`);
    assert.equal(lines('pyepics', {}, odd).at(-1), `print(epics.caget("A\\"B'$(C)\\n"))`);
  });

  it('is nothing where nothing is relayed, or broadcasts are answered', () => {
    const nothing = /^# Nothing to set: nothing is relayed to this machine over pvAccess now\.$/;
    assert.match(lines('p4p', { pva: [] })[0] ?? '', nothing);
    for (const answered of [['ca'], ['ca', 'pva']] as const) {
      const [first] = lines('aioca', { answered });
      assert.equal(first, '# Nothing to set: broadcasts of clients on this machine are answered.');
    }
    assert.equal(lines('ophyd-async', { answered: ['ca'] })[0], 'import os');
    // Of two protocols one may have no servers.
    assert.ok(lines('ophyd-async', { ca: [] }).some((line) => line.includes('"pva://A:B"')));
  });

  it('was tried with the versions that the tests have', () => {
    const root = join(__dirname, '../../..');
    const installed = ['test/interop/requirements.txt', 'test/field/requirements.txt']
      .map((path) => readFileSync(join(root, path), 'utf8').toLowerCase())
      .join('\n');
    for (const client of CLIENT_NAMES) {
      const tried = setUpTriedWith(client)?.toLowerCase();
      if (tried === undefined || /jca/.test(tried)) continue;
      assert.ok(installed.includes(`${tried.replace(' ', '==')}\n`), tried);
    }
  });
});
