import assert from 'node:assert/strict';
import { StateMachine } from '../../../../src/base/stateMachine';
import {
  SERVER_STATUS,
  SERVER_TRANSITIONS,
  type ServerEvent,
  type ServerStateName,
} from '../../../../src/services/exposure/serverStates';

describe('states of a server', () => {
  const walks: [string, ServerEvent[], ServerStateName[]][] = [
    [
      'exposed, its port given to a container, exposed elsewhere, gone',
      ['exposed', 'moved', 'exposed', 'ended'],
      ['exposed', 'identifying', 'exposed', 'gone'],
    ],
    [
      'forwarded by another program, which goes, and by us then',
      ['forwarded', 'unsure', 'exposed'],
      ['shared', 'identifying', 'exposed'],
    ],
    [
      'another failure while it is tried again, then success',
      ['failed', 'failed', 'exposed'],
      ['failed', 'failed', 'exposed'],
    ],
    ['its relay ends', ['exposed', 'failed', 'exposed'], ['exposed', 'failed', 'exposed']],
    ['no EPICS server, which turns into one', ['neither', 'exposed'], ['foreign', 'exposed']],
    ['nobody reached, then nobody that speaks', ['unreached', 'neither'], ['unreached', 'foreign']],
    // What means nothing in a state.
    [
      'what another program forwards is not ours to move, or to fail',
      ['forwarded', 'moved', 'failed', 'exposed'],
      ['shared', 'shared', 'shared', 'shared'],
    ],
    ['only what is forwarded can be unsure', ['unsure'], ['identifying']],
    [
      'what is gone stays so',
      [
        'ended',
        'exposed',
        'forwarded',
        'failed',
        'neither',
        'unreached',
        'moved',
        'unsure',
        'ended',
      ],
      Array.from({ length: 9 }, () => 'gone' as const),
    ],
  ];
  for (const [what, events, expected] of walks) {
    it(what, () => {
      const machine = new StateMachine(SERVER_TRANSITIONS, 'identifying');
      const states = events.map((event) => {
        const before = machine.state;
        const isTaken = machine.take(event);
        assert.equal(isTaken, SERVER_TRANSITIONS[before][event] !== undefined);
        return machine.state;
      });
      assert.deepEqual(states, expected);
    });
  }

  it('all can end, and all have a word in the snapshot', () => {
    for (const [state, next] of Object.entries(SERVER_TRANSITIONS)) {
      if (state !== 'gone') assert.equal(next.ended, 'gone', state);
      assert.ok(SERVER_STATUS[state as ServerStateName]);
    }
  });
});
