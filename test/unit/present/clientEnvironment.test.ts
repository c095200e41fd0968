import assert from 'node:assert/strict';
import {
  clientEnvironment,
  formatChanges,
  formatEnvironment,
  loopbackEntries,
  nameServersOf,
  refusedNotes,
  withoutOurs,
} from '../../../src/present/clientEnvironment';
import { snapshotWith } from '../../support/snapshots';

const at = (host: string, port: number): { host: string; port: number } => ({ host, port });

describe('name-server lists', () => {
  it('hold every exposed or shared endpoint once, 127.0.0.1 first', () => {
    const snapshot = snapshotWith([
      { protocol: 'ca', status: 'exposed', local: at('127.0.0.2', 5064) },
      { protocol: 'ca', status: 'shared', local: at('127.0.0.1', 40509) },
      { protocol: 'ca', status: 'exposed', local: at('127.0.0.1', 5064) },
      { protocol: 'ca', status: 'exposed', local: at('127.0.0.1', 5064) },
      { protocol: 'ca', status: 'gone' },
      { protocol: 'pva', status: 'failed' },
    ]);
    assert.deepEqual(nameServersOf(snapshot), {
      ca: [at('127.0.0.1', 5064), at('127.0.0.1', 40509), at('127.0.0.2', 5064)],
      pva: [],
    });
  });

  it('hold nothing while the one is still to be opened that is always the same', () => {
    const local = at('127.0.0.1', 5064);
    const opening = { ...snapshotWith([{ local, route: 'address' }]), isSettled: false };
    assert.deepEqual(nameServersOf(opening), { ca: [], pva: [] });
    const published = { ...snapshotWith([{ local, route: 'published' }]), isSettled: false };
    assert.deepEqual(nameServersOf(published), { ca: [], pva: [] });
    const open = { ...opening, nameServers: { ca: at('127.0.0.1', 5063) } };
    assert.deepEqual(nameServersOf(open), { ca: [at('127.0.0.1', 5063)], pva: [] });
    const ownNetwork = { ...snapshotWith([{ local, route: 'host-network' }]), isSettled: false };
    assert.deepEqual(nameServersOf(ownNetwork), { ca: [local], pva: [] });
  });

  it('go with a search by UDP over pvAccess, where we have a name server for it', () => {
    const local = at('127.0.0.1', 5075);
    const open = {
      ...snapshotWith([{ protocol: 'pva', local }]),
      nameServers: { pva: at('127.0.0.1', 5074) },
    };
    assert.deepEqual(clientEnvironment(nameServersOf(open)), {
      EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074',
      EPICS_PVA_ADDR_LIST: '127.0.0.1',
    });
    const theirs = { EPICS_PVA_ADDR_LIST: '10.0.0.255 127.0.0.1' };
    assert.equal(
      clientEnvironment(nameServersOf(open), theirs)['EPICS_PVA_ADDR_LIST'],
      '127.0.0.1 10.0.0.255',
    );
    assert.deepEqual(clientEnvironment(nameServersOf(snapshotWith([{ local }])), theirs), {
      EPICS_CA_NAME_SERVERS: '127.0.0.1:5075',
    });
    assert.deepEqual(withoutOurs({ EPICS_PVA_ADDR_LIST: '127.0.0.1 10.0.0.255' }), {
      EPICS_PVA_ADDR_LIST: '10.0.0.255',
    });
    assert.deepEqual(withoutOurs({ EPICS_PVA_ADDR_LIST: '127.0.0.1' }), {
      EPICS_PVA_ADDR_LIST: '',
    });
    assert.deepEqual(withoutOurs(theirs), {}, 'ours would be the first');
  });

  it('keep what the person had set, after ours, without repeats and without odd entries', () => {
    const environment = clientEnvironment(
      { ca: [at('127.0.0.1', 5064)], pva: [] },
      {
        EPICS_CA_NAME_SERVERS: "gw.lab:5064 127.0.0.1:5064  $(rm) 'x'",
        EPICS_PVA_NAME_SERVERS: 'a',
      },
    );
    assert.deepEqual(environment, { EPICS_CA_NAME_SERVERS: '127.0.0.1:5064 gw.lab:5064' });
  });

  it('lose what was ours and refuses, and nothing of the person, whatever that costs', () => {
    const dead = ['127.0.0.1:5063', '127.0.0.1:15063', '127.0.0.2:5064', '127.0.0.1:5094'];
    const alive = ['127.0.0.1:25063', '127.0.0.1:5064', 'gw.lab:5063', '10.0.0.1:5063'];
    const existing = {
      EPICS_CA_NAME_SERVERS: [...dead, ...alive].join(' '),
      EPICS_PVA_NAME_SERVERS: '127.0.0.1:5074',
    };
    const refused = new Set([...dead, '127.0.0.1:5074']);
    assert.deepEqual(clientEnvironment({ ca: [], pva: [] }, existing, refused), {
      EPICS_CA_NAME_SERVERS: ['127.0.0.1:5094', ...alive].join(' '),
      EPICS_PVA_NAME_SERVERS: '',
    });
    const now = { ca: [at('127.0.0.1', 5063)], pva: [] };
    assert.equal(
      clientEnvironment(now, existing, refused)['EPICS_CA_NAME_SERVERS'],
      ['127.0.0.1:5063', '127.0.0.1:5094', ...alive].join(' '),
    );
    assert.deepEqual(clientEnvironment({ ca: [], pva: [] }, existing), {}, 'all answer');
    assert.deepEqual(refusedNotes(existing, refused), [
      '127.0.0.1:5094 in EPICS_CA_NAME_SERVERS refuses; libca clients wait up to 30 s for it at their end',
    ]);
    assert.deepEqual(
      loopbackEntries(existing).map(({ port }) => port),
      [5063, 15063, 5064, 5094, 25063, 5064, 5074],
    );
    const byHand = {
      EPICS_CA_NAME_SERVERS: 'localhost:5094 localhost',
      EPICS_PVA_NAME_SERVERS: 'localhost:5105 127.0.0.1',
    };
    assert.deepEqual(
      loopbackEntries(byHand).map(({ host, port }) => `${host}:${port}`),
      ['127.0.0.1:5094', '127.0.0.1:5064', '127.0.0.1:5105', '127.0.0.1:5075'],
    );
    assert.deepEqual(refusedNotes(byHand, new Set(['127.0.0.1:5094', '127.0.0.1:5105'])), [
      'localhost:5094 in EPICS_CA_NAME_SERVERS refuses; libca clients wait up to 30 s for it at their end',
      'localhost:5105 in EPICS_PVA_NAME_SERVERS refuses: nobody listens there',
    ]);
    assert.deepEqual(withoutOurs({ ...existing, OTHER: 'x' }), {
      EPICS_CA_NAME_SERVERS: '127.0.0.1:5094 127.0.0.1:5064 gw.lab:5063 10.0.0.1:5063',
      EPICS_PVA_NAME_SERVERS: '',
    });
    assert.deepEqual(withoutOurs({}), {});
  });

  it('are taken out of a shell in its own words', () => {
    const nothing = { EPICS_PVA_NAME_SERVERS: '', EPICS_CA_NAME_SERVERS: 'gw.lab:5064' };
    const expected = {
      bash: ['unset EPICS_PVA_NAME_SERVERS', 'export EPICS_CA_NAME_SERVERS=gw.lab:5064'],
      fish: ['set -e EPICS_PVA_NAME_SERVERS', "set -gx EPICS_CA_NAME_SERVERS 'gw.lab:5064'"],
      csh: ['unsetenv EPICS_PVA_NAME_SERVERS', "setenv EPICS_CA_NAME_SERVERS 'gw.lab:5064'"],
      cmd: ['set "EPICS_PVA_NAME_SERVERS="', 'set "EPICS_CA_NAME_SERVERS=gw.lab:5064"'],
      dotenv: ['EPICS_CA_NAME_SERVERS="gw.lab:5064"'],
    } as const;
    for (const [shell, lines] of Object.entries(expected)) {
      assert.deepEqual(formatChanges(nothing, shell as keyof typeof expected), lines);
    }
  });

  it('are written in the words of each shell', () => {
    const environment = { EPICS_CA_NAME_SERVERS: '127.0.0.1:5064 127.0.0.2:5064' };
    const expected = {
      bash: "export EPICS_CA_NAME_SERVERS='127.0.0.1:5064 127.0.0.2:5064'",
      fish: "set -gx EPICS_CA_NAME_SERVERS '127.0.0.1:5064 127.0.0.2:5064'",
      csh: "setenv EPICS_CA_NAME_SERVERS '127.0.0.1:5064 127.0.0.2:5064'",
      powershell: "$env:EPICS_CA_NAME_SERVERS = '127.0.0.1:5064 127.0.0.2:5064'",
      cmd: 'set "EPICS_CA_NAME_SERVERS=127.0.0.1:5064 127.0.0.2:5064"',
      dotenv: 'EPICS_CA_NAME_SERVERS="127.0.0.1:5064 127.0.0.2:5064"',
    } as const;
    for (const [shell, line] of Object.entries(expected)) {
      assert.deepEqual(formatEnvironment(environment, shell as keyof typeof expected), [line]);
    }
    assert.deepEqual(formatEnvironment({ EPICS_PVA_NAME_SERVERS: '127.0.0.1:5075' }, 'bash'), [
      'export EPICS_PVA_NAME_SERVERS=127.0.0.1:5075',
    ]);
  });
});
