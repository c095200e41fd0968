import assert from 'node:assert/strict';
import { snapshotJson } from '../../../src/cli/snapshotJson';
import { snapshotWith } from '../../support/snapshots';

describe('what --json prints of a snapshot', () => {
  const { containers, ...rest } = snapshotWith([
    {
      ...{ status: 'failed', route: 'entered', local: { host: '127.0.0.1', port: 5064 } },
      problem: { code: 'ioc-gone', port: 5064 },
      notes: [{ code: 'says-yes' }, { code: 'no-answers', count: 1 }],
    },
    {},
  ]);
  const [container] = containers;
  assert.ok(container);
  const json = snapshotJson(
    {
      ...rest,
      engineProblem: { code: 'engine-idle' },
      search: { ca: { problem: { code: 'engine-idle' } }, pva: {} },
      notices: [{ code: 'engine-idle' }],
      containers: [
        {
          ...container,
          problem: { code: 'container-paused', container: 'dev' },
          iocs: container.iocs.map((ioc) => ({ ...ioc, namesNotes: [{ code: 'no-list' }] })),
        },
      ],
    },
    { EPICS_CA_NAME_SERVERS: '127.0.0.1:5063' },
  );
  const idle = {
    code: 'engine-idle',
    message: 'Podman runs no container.',
    advice: 'Start one, or run "systemctl --user start podman.socket".',
  };

  it('has a version, and the environment', () => {
    assert.equal(json.schemaVersion, 1);
    assert.deepEqual(json.environment, { EPICS_CA_NAME_SERVERS: '127.0.0.1:5063' });
  });

  it('has problems as code, sentence and advice, wherever they are', () => {
    assert.deepEqual(json.engineProblem, idle);
    assert.deepEqual(json.notices, [idle]);
    assert.deepEqual(json.search, { ca: { problem: idle }, pva: {} });
    const [dev] = json.containers;
    assert.equal(dev?.problem?.code, 'container-paused');
    assert.match(dev?.problem?.message ?? '', /^container dev is paused/);
  });

  it('has notes as one sentence, and the route under its first name', () => {
    const [dev] = json.containers;
    const [ioc] = dev?.iocs ?? [];
    assert.equal(ioc?.namesNote, 'core-pva servers have no list of their PVs');
    const [first, second] = ioc?.servers ?? [];
    assert.equal(first?.way, 'entered');
    assert.equal(
      first?.note,
      'it says yes to every name, so it is asked last; 1 PV got no answer in time',
    );
    assert.deepEqual(first?.problem, {
      code: 'ioc-gone',
      message: 'the IOC stopped listening on port 5064',
      advice: 'Start the IOC again: its PVs come back automatically.',
    });
    assert.ok(first && !('route' in first) && !('notes' in first));
    assert.equal(second?.note, undefined);
  });
});
