import assert from 'node:assert/strict';
import { NameTable, PvSteps } from '../../../src/model/pvTable';
import { countRecords } from '../../../src/model/recordCounts';

describe('PV table', () => {
  it('keeps each name once, with the first source, of which the person is the least', () => {
    const table = new NameTable();
    assert.equal(table.add(['A', 'B', 'A'], { kind: 'user' }), 2);
    assert.equal(table.add(['B', 'C'], { kind: 'pva-list' }), 1);
    assert.equal(table.add(['A', 'B', 'C'], { kind: 'user' }), 0);
    assert.equal(table.add(['C'], { kind: 'database', file: 'a.db', line: 1 }), 0);
    assert.deepEqual(
      [0, 1, 2].map((index) => [table.name(index), table.source(index).kind]),
      [
        ['A', 'user'],
        ['B', 'pva-list'],
        ['C', 'pva-list'],
      ],
    );
    assert.equal(table.indexOf('C'), 2);
    assert.equal(table.indexOf('D'), undefined);
  });

  it('tells the order of its names, also of those that come later', () => {
    const table = new NameTable();
    table.add(['b', 'A', 'é'], { kind: 'user' });
    assert.deepEqual(table.sorted, [1, 0, 2]);
    table.add(['a'], { kind: 'user' });
    assert.deepEqual(table.sorted, [1, 3, 0, 2]);
  });

  it('counts the steps as they change', () => {
    const steps = new PvSteps();
    steps.grow(3);
    assert.equal(steps.set(0, 'reachable'), true);
    assert.equal(steps.set(0, 'reachable'), false, 'no change');
    assert.equal(steps.set(7, 'reachable'), false, 'no such PV');
    steps.set(1, 'not-served');
    steps.grow(4);
    assert.deepEqual([steps.count('pending'), steps.count('reachable'), steps.total], [2, 1, 3]);
    steps.replaceAll('reachable', 'disconnected');
    assert.deepEqual([steps.get(0), steps.count('reachable')], ['disconnected', 0]);
  });
});

describe('the records of an IOC', () => {
  const stepsOf = (...all: Parameters<PvSteps['set']>[1][]): PvSteps => {
    const steps = new PvSteps();
    steps.grow(all.length);
    all.forEach((step, index) => steps.set(index, step));
    return steps;
  };

  it('are counted once, by the best of what they are at its servers', () => {
    const ca = stepsOf(
      'reachable',
      'not-found',
      'not-served',
      'pending',
      'no-answer',
      'not-served',
    );
    const pva = stepsOf('no-answer', 'reachable', 'reachable', 'no-answer', 'no-read-access');
    assert.deepEqual(countRecords([ca, pva]), {
      ...{ total: 5, reachable: 3, pending: 1, unreadable: 1 },
    });
    assert.deepEqual(countRecords([]), { total: 0, reachable: 0, pending: 0 });
  });
});
