/** The tables of states: how things go, what means nothing, and that every state can come to an end. */
import assert from 'node:assert/strict';
import { StateMachine, type Transitions } from '../../../src/base/stateMachine';
import { CONNECTION_TRANSITIONS } from '../../../src/node/broker/connectionStates';
import { CONTAINER_TRANSITIONS } from '../../../src/services/exposure/containerStates';
import { CIRCUIT_TRANSITIONS } from '../../../src/services/upstream/circuitStates';

/** From state to state by an event each: `event -> state`, or `event -x` where it means nothing. */
function walk<S extends string, E extends string>(
  transitions: Transitions<S, E>,
  initial: S,
  events: readonly E[],
): string[] {
  const machine = new StateMachine(transitions, initial);
  return events.map((event) =>
    machine.take(event) ? `${event} -> ${machine.state}` : `${event} -x`,
  );
}

/** States from which no event leads anywhere. */
function ends<S extends string, E extends string>(transitions: Transitions<S, E>): string[] {
  return Object.entries(transitions)
    .filter(([, next]) => Object.keys(next as object).length === 0)
    .map(([state]) => state);
}

describe('states of a container', () => {
  it('seen, not to be seen for a while, seen again, ended', () =>
    assert.deepEqual(
      walk(CONTAINER_TRANSITIONS, 'looking', [
        'report',
        'failed',
        'report',
        'ended',
        'report',
        'failed',
      ]),
      [
        'report -> seen',
        'failed -> unseen',
        'report -> seen',
        'ended -> ended',
        'report -x',
        'failed -x',
      ],
    ));

  it('that was never seen can end', () =>
    assert.deepEqual(walk(CONTAINER_TRANSITIONS, 'looking', ['failed', 'ended']), [
      'failed -> unseen',
      'ended -> ended',
    ]));

  it('end once', () => assert.deepEqual(ends(CONTAINER_TRANSITIONS), ['ended']));
});

describe('states of a circuit', () => {
  it('is ready after the handshake, and only once', () =>
    assert.deepEqual(
      walk(CIRCUIT_TRANSITIONS, 'connecting', [
        'ready',
        'connected',
        'ready',
        'ready',
        'ended',
        'ready',
      ]),
      [
        'ready -x',
        'connected -> greeting',
        'ready -> ready',
        'ready -x',
        'ended -> ended',
        'ready -x',
      ],
    ));

  it('may end at any time', () => {
    assert.deepEqual(walk(CIRCUIT_TRANSITIONS, 'connecting', ['ended', 'connected']), [
      'ended -> ended',
      'connected -x',
    ]);
    assert.deepEqual(ends(CIRCUIT_TRANSITIONS), ['ended']);
  });
});

describe('states of the connection to the broker', () => {
  it('comes back as often as it is lost', () =>
    assert.deepEqual(
      walk(CONNECTION_TRANSITIONS, 'new', ['lost', 'greeted', 'lost', 'lost', 'greeted', 'left']),
      [
        'lost -x',
        'greeted -> connected',
        'lost -> lost',
        'lost -x',
        'greeted -> connected',
        'left -> left',
      ],
    ));

  it('does not come back after it was left', () => {
    assert.deepEqual(walk(CONNECTION_TRANSITIONS, 'new', ['left', 'greeted', 'lost']), [
      'left -> left',
      'greeted -x',
      'lost -x',
    ]);
    assert.deepEqual(ends(CONNECTION_TRANSITIONS), ['left']);
  });
});
