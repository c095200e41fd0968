import assert from 'node:assert/strict';
import type { Note, NoteCode, NoteFacts } from '../../../src/model/note';
import type { Problem } from '../../../src/model/problem';
import { TERMINAL_WORDS, WINDOW_WORDS } from '../../../src/present/frontEndWords';
import { noteText } from '../../../src/present/noteText';
import { problemSentence, problemText, stateWords } from '../../../src/present/problemText';
import { check } from '../../../src/rpc/schema';
import { PROBLEM_SAMPLES } from '../../support/samples';
import { notes as notesSchema, problem as problemSchema } from '../../../src/rpc/problemSchemas';

const endpoint = { host: '127.0.0.1', port: 5064 };
const held = { why: 'held', owner: { process: { pid: 7, command: 'socat' } } } as const;
const taken = [{ endpoint, refusal: held }];
const detail = 'the reason';

const NOTES: { readonly [C in NoteCode]: NoteFacts[C] } = {
  forwarded: { local: endpoint, owner: held.owner },
  'port-skipped': { local: endpoint, taken },
  'other-number': { port: 5064, local: endpoint, taken },
  'published-elsewhere': { port: 5064, hostPorts: [8064], local: endpoint },
  'published-in-vain': { port: 5064, inside: '127.0.0.1', published: [endpoint] },
  'ignores-senders': { variable: 'EPICS_CAS_IGNORE_ADDR_LIST', addresses: '127.0.0.1' },
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

const problems = Object.entries(PROBLEM_SAMPLES).map(
  ([code, facts]) => ({ code, ...facts }) as Problem,
);
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
