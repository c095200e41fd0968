import assert from 'node:assert/strict';
import { type ViewState, type ViewStateInput, viewStateOf } from '../../../src/present/viewState';
import type { EngineState, Snapshot } from '../../../src/model/snapshot';
import { snapshotWith } from '../../support/snapshots';
import type { Problem } from '../../../src/model/problem';

type EngineProblemCode =
  'no-engine' | 'engine-not-running' | 'engine-permission' | 'engine-tls' | 'engine-timeout';

const nothing: Snapshot = { isSettled: true, engines: [], containers: [], unknownNames: [] };
const FACTS = { path: '/x', isMissing: true, uri: 'tcp://x:1', detail: 'why' };
const problem = (code: EngineProblemCode): Problem => ({ ...FACTS, code });
const engine = (status: EngineState['status'], code?: EngineProblemCode): EngineState => ({
  key: 'unix:///x',
  kind: 'docker',
  version: '',
  isRootless: false,
  status,
  ...(code !== undefined && { problem: problem(code) }),
});

describe('viewStateOf', () => {
  const rows: [ViewState, Partial<ViewStateInput>][] = [
    ['not-exposed', { isExposing: false }],
    ['untrusted', { isExposing: false, isTrusted: false }],
    ['inside', { isExposing: false, place: 'inside' }],
    ['inside', { place: 'inside' }],
    ['not-exposed', { isExposing: false, place: 'inside', isEngineNamed: true }],
    ['elsewhere', { isExposing: false, place: 'elsewhere' }],
    ['looking', { place: 'elsewhere', snapshot: { ...nothing, isSettled: false } }],
    ['elsewhere', { place: 'elsewhere' }],
    ['no-broker', { problem: 'no-broker' }],
    ['bad-settings', { problem: 'bad-settings' }],
    ['looking', { snapshot: { ...nothing, isSettled: false } }],
    ['no-engine', { snapshot: { ...nothing, engineProblem: problem('no-engine') } }],
    [
      'no-engine',
      { snapshot: { ...nothing, engines: [engine('unreachable', 'engine-not-running')] } },
    ],
    [
      'no-permission',
      { snapshot: { ...nothing, engines: [engine('unreachable', 'engine-permission')] } },
    ],
    [
      'engine-problem',
      { snapshot: { ...nothing, engines: [engine('unreachable', 'engine-tls')] } },
    ],
    ['no-ioc', { snapshot: { ...nothing, engines: [engine('connected')] } }],
    ['shown', { snapshot: snapshotWith([{}]) }],
    ['shown', { snapshot: snapshotWith([{}]), place: 'inside' }],
  ];
  for (const [expected, given] of rows) {
    it(`${expected}: ${JSON.stringify(given).slice(0, 90)}`, () => {
      const usual: ViewStateInput = {
        isExposing: true,
        isTrusted: true,
        place: 'here',
        isEngineNamed: false,
        problem: undefined,
        snapshot: nothing,
      };
      assert.equal(viewStateOf({ ...usual, ...given }), expected);
    });
  }
});
