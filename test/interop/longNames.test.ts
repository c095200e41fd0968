/** Names longer than a server survives harm no others, and long ones that it has are served. */
import assert from 'node:assert/strict';
import { epicsExpose } from '../support/command';
import { Exposed } from '../support/exposed';
import { runIoc } from '../support/lab/container';
import type { LabEngine } from '../support/lab/engine';
import type { IocKind } from '../support/lab/ioc';
import { needsEngine } from '../support/lab/needs';

/** With it some names of the servers have 500 bytes, others up to 506. */
const PREFIX = 'X'.repeat(495);

const cases: [IocKind, object, RegExp][] = [
  ['p4p', { total: 7, reachable: 7, pending: 0 }, /^(?!.*longer)/],
  ['pvaPy', { total: 5, reachable: 2, pending: 0 }, /3 names are longer than pvAccessCPP accepts/],
];

describe('names longer than 500 bytes', () => {
  let engine: LabEngine;
  before(async function () {
    engine = await needsEngine(this, 'docker');
  });

  for (const [ioc, pvs, note] of cases) {
    it(`of ${ioc}`, async () => {
      const box = await runIoc(engine, { image: 'py-ioc', ioc, macros: `P=${PREFIX}` });
      const words = ['--engine', engine.endpoint, '--container', box.name];
      const exposed = Exposed.start(words);
      try {
        await exposed.until(({ snapshot }) => snapshot.isSettled, 20_000, 'the look');
        const server = exposed.server(box.name, 'pva');
        assert.deepEqual(server.pvs, pvs);
        assert.match(server.note ?? '', note);
        const get = await epicsExpose(['get', ...words, `pva://${PREFIX}SHOTS`]);
        assert.equal(get.exitCode, 0, get.stderr);
      } finally {
        await exposed.stop();
        await box.remove();
      }
    });
  }
});
