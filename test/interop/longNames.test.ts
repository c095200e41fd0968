/** Names longer than a server survives harm no others, and long ones that it has are served. */
import assert from 'node:assert/strict';
import { epicsExpose } from '../support/command';
import { runIoc } from '../support/lab/container';
import type { LabEngine } from '../support/lab/engine';
import type { IocKind } from '../support/lab/ioc';
import { needsEngine } from '../support/lab/needs';

/** With it some names of the servers have 500 bytes, others up to 506. */
const PREFIX = 'X'.repeat(495);

const cases: [IocKind, Record<string, number>][] = [
  ['p4p', { reachable: 7 }],
  ['pvaPy', { reachable: 2, 'name-too-long': 3 }],
];

describe('names longer than 500 bytes', () => {
  let engine: LabEngine;
  before(async function () {
    engine = await needsEngine(this, 'docker');
  });

  for (const [ioc, expected] of cases) {
    it(`of ${ioc}`, async () => {
      const box = await runIoc(engine, { image: 'py-ioc', ioc, macros: `P=${PREFIX}` });
      try {
        const words = ['--engine', engine.endpoint, '--container', box.name];
        const { stdout } = await epicsExpose(['pvs', ...words, '--json']);
        const counts: Record<string, number> = {};
        for (const line of stdout.trim().split('\n')) {
          const { state } = JSON.parse(line) as { state: string };
          counts[state] = (counts[state] ?? 0) + 1;
        }
        assert.deepEqual(counts, expected);
        const get = await epicsExpose(['get', ...words, `pva://${PREFIX}SHOTS`]);
        assert.equal(get.exitCode, 0, get.stderr);
      } finally {
        await box.remove();
      }
    });
  }
});
