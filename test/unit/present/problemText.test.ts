import assert from 'node:assert/strict';
import type { Note, NoteCode, NoteFacts } from '../../../src/model/note';
import type { Problem, ProblemCode, ProblemFacts } from '../../../src/model/problem';
import { TERMINAL_WORDS, WINDOW_WORDS } from '../../../src/present/frontEndWords';
import { noteText } from '../../../src/present/noteText';
import { problemSentence, problemText, stateWords } from '../../../src/present/problemText';
import { check } from '../../../src/rpc/schema';
import { notes as notesSchema, problem as problemSchema } from '../../../src/rpc/problemSchemas';

const endpoint = { host: '127.0.0.1', port: 5064 };
const held = { why: 'held', owner: { process: { pid: 7, command: 'socat' } } } as const;
const taken = [{ endpoint, refusal: held }];
const uri = 'tcp://h:2375';
const detail = 'the reason';

const PROBLEMS: { readonly [C in ProblemCode]: ProblemFacts[C] } = {
  'no-engine': {},
  'engine-here': {},
  'engine-permission': { path: '/var/run/docker.sock' },
  'engine-hidden': { path: '/home/x/y.sock' },
  'engine-not-running': { path: '/var/run/docker.sock', isMissing: true },
  'engine-timeout': { uri },
  'engine-unreachable': { uri, detail },
  'engine-tls': { uri, detail },
  'engine-api': { uri, api: '1.12', oldestApi: '1.24' },
  'engine-duplicate': { uri },
  'podman-missing': {},
  'podman-service': { detail },
  'engine-idle': {},
  'ssh-unsupported': {},
  'ssh-missing': { detail },
  'ssh-host-key': { host: 'h', detail },
  'ssh-auth': { host: 'h', detail },
  'ssh-unreachable': { host: 'h', detail },
  'ssh-failed': { host: 'h', detail },
  'ssh-no-socket': { host: 'h' },
  'container-paused': { container: 'dev' },
  'container-stopped': { container: 'dev', exitCode: 3 },
  'container-restarts': { container: 'dev', count: 9, exitCode: 3 },
  'ioc-no-port': { pid: 7, lastLine: 'iocInit: failed' },
  'cannot-look-inside': { container: 'dev', detail },
  'ioc-gone': { port: 5064 },
  'no-handshake': { port: 5064, protocol: 'ca' },
  'no-way-in': { port: 5064, tried: [{ route: 'published port', detail }, { route: 'python3' }] },
  'port-taken': { port: 5064, taken },
  'not-relayed': { port: 5064 },
  'relay-ended': { endpoint, detail },
  disconnected: { detail },
  internal: { detail },
  'search-port-taken': { protocol: 'ca', endpoint, refusal: held },
  'well-known-port-taken': { protocol: 'pva', endpoint, refusal: { why: 'one-server' } },
  'port-given-back': { container: 'dev', transport: 'tcp', endpoint },
  'not-served': { protocol: 'ca' },
  'no-read-access': { user: 'user ann on host desk' },
  'no-channel': { step: 'no-answer' },
  'not-read': { detail },
  'broker-older': { version: '0.1.0', own: '0.2.0' },
  'broker-newer': { version: '0.2.0', own: '0.1.0' },
  'broker-nonsense': { detail },
  'broker-gone': {},
};

const NOTES: { readonly [C in NoteCode]: NoteFacts[C] } = {
  forwarded: { local: endpoint, owner: held.owner },
  'port-skipped': { local: endpoint, taken },
  'other-number': { port: 5064, local: endpoint, taken },
  'published-elsewhere': { port: 5064, hostPorts: [8064], local: endpoint },
  'not-found-by-name': { reason: 'udp-only', software: 'pvAccessCPP' },
  'also-served': { name: 'X', server: 'ioc in dev' },
  'says-yes': {},
  'read-denied': { count: 1, user: 'user ann on host desk' },
  'names-not-served': { count: 2 },
  'no-answers': { count: 2 },
  'channels-refused': { count: 2 },
  'names-beyond': { count: 1, software: 'pvAccessCPP' },
  'names-harmful': { count: 1 },
  'ports-left-out': { count: 2 },
  'gateway-names': {},
  'no-list': {},
  'process-hidden': {},
  'names-failed': { detail },
  'names-file': { detail },
  'names-other-loaders': { commands: ['require', 'luash'] },
  'names-cut': { kept: 1, listed: 2 },
  'names-refused': { kept: 1, detail },
  'names-too-long': { count: 1 },
};

const problems = Object.entries(PROBLEMS).map(([code, facts]) => ({ code, ...facts }) as Problem);
const notes = Object.entries(NOTES).map(([code, facts]) => ({ code, ...facts }) as Note);

/** What one front end calls its own, and the other has not. */
const OF_TERMINAL = / --(verbose|engine|pv|search)|epics-expose (?!had)|`|\bRun epics-expose/;
const OF_WINDOW = /epicsExpose\.|\bClick\b|EPICS:/;

describe('words for problems and notes', () => {
  for (const problem of problems) {
    it(problem.code, () => {
      const { message, advice } = problemText(problem, TERMINAL_WORDS);
      assert.match(message, /^\S.{8,}\S$/);
      assert.match(advice, /^[A-Z].{8,}\.$/);
      for (const text of [message, advice]) {
        assert.doesNotMatch(
          text,
          /undefined|\[object|\b(Look (at|whether)|by itself|by themselves)\b/,
        );
        assert.doesNotMatch(text, OF_WINDOW);
      }
      assert.doesNotMatch(problemSentence(problem, WINDOW_WORDS), OF_TERMINAL);
      assert.ok(!message.includes(problem.code) || !problem.code.includes('-'), 'no code as text');
      const sent: unknown = JSON.parse(JSON.stringify(problem));
      assert.deepEqual(check(problemSchema, sent, 'a problem'), problem);
    });
  }

  for (const note of notes) {
    it(note.code, () => {
      const text = noteText(note, TERMINAL_WORDS);
      assert.match(text, /^\S.{8,}[^.]$/);
      assert.doesNotMatch(text, OF_WINDOW);
      assert.doesNotMatch(noteText(note, WINDOW_WORDS), OF_TERMINAL);
      assert.deepEqual(check(notesSchema, [note], 'notes'), [note]);
    });
  }

  it('are asked for politely where a newer background process knows more', () => {
    const newer = { code: 'from-the-future', facts: 1 } as unknown as Problem;
    assert.equal(check(problemSchema, newer, 'a problem'), newer);
    assert.match(
      problemSentence(newer, WINDOW_WORDS),
      /^something is wrong .*\. Update the extension\.$/,
    );
    assert.equal(noteText(newer as unknown as Note, WINDOW_WORDS), '');
    assert.equal(stateWords('from-the-future'), 'failed');
  });

  it('say what to do about a taken port, by who has it', () => {
    const advice = (why: 'published' | 'held' | 'system' | 'unavailable'): string => {
      const refusal = { why, container: 'gateway', detail: 'EACCES' };
      const problem = { code: 'port-taken', port: 5064, taken: [{ endpoint, refusal }] } as Problem;
      return problemText(problem, TERMINAL_WORDS).advice;
    };
    assert.match(advice('published'), /-p 127\.0\.0\.1:5064:5064/);
    assert.match(advice('held'), /^End that program/);
    assert.match(advice('system'), /above 1023/);
    assert.match(advice('unavailable'), /tried again/);
  });

  for (const [wrong, what] of [
    [
      {
        code: 'port-taken',
        port: 5064,
        taken: [{ endpoint: { host: '$(id)', port: 1 }, refusal: held }],
      },
      'an address',
    ],
    [{ code: 'port-taken', port: 'x', taken }, 'a port'],
    [{ code: 'no-way-in', port: 1 }, 'tried'],
    [{ code: 'disconnected', detail: 5 }, 'text'],
    [{ code: '<b>' }, 'a word'],
    [{ code: '__proto__' }, ''],
    [5, 'an object'],
  ] as const) {
    it(`are refused: ${JSON.stringify(wrong)}`, () => {
      const checking = (): unknown => check(problemSchema, wrong, 'a problem');
      if (what === '') assert.equal(checking(), wrong);
      else assert.throws(checking, new RegExp(what));
    });
  }
});
