import assert from 'node:assert/strict';
import { emptyText } from '../../../src/cli/lookTexts';
import type { EngineState, Snapshot } from '../../../src/model/snapshot';
import { snapshotWith } from '../../support/snapshots';

const engine = (status: EngineState['status']): EngineState => ({
  ...{ key: 'e', kind: 'docker', version: '', status },
});
const nothing: Snapshot = { isSettled: true, engines: [], containers: [], unknownNames: [] };
const running = { ...nothing, engines: [engine('connected')] };
const [container] = snapshotWith([]).containers;
assert.ok(container);

describe('what is said where there is nothing to show', () => {
  const cases: [string, Snapshot, string, string][] = [
    [
      'no engine answers',
      { ...nothing, engines: [engine('connecting')] },
      'No container engine answers yet; waiting for one.',
      'No container engine answers.',
    ],
    [
      'no container',
      running,
      'No container is running; waiting for one with an IOC in it.',
      'No container is running.',
    ],
    [
      'no IOC',
      { ...running, containers: [container] },
      'No IOC listens in the 1 running container yet; waiting for one.',
      'No IOC listens in the 1 running container.',
    ],
  ];
  for (const [what, snapshot, waiting, atEnd] of cases) {
    it(what, () => {
      assert.equal(emptyText({ snapshot, isChosen: false }, { isWaiting: true }), waiting);
      assert.equal(emptyText({ snapshot, isChosen: false }, { isWaiting: false }), atEnd);
    });
  }

  it('those that were asked for do not run, or there is no engine at all', () => {
    const text = (snapshot: Snapshot): string =>
      emptyText({ snapshot, isChosen: true }, { isWaiting: false });
    assert.equal(text(running), 'None of the requested containers is running.');
    assert.match(text(nothing), /^No container engine was found\. Start Docker or Podman/);
    const engineProblem = { code: 'no-engine' } as const;
    assert.match(text({ ...nothing, engineProblem }), /^Neither Docker nor Podman/);
  });
});
