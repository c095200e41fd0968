/**
 * Whichever way of the guide an IOC's ports are published in, its clients find the PVs, with one
 * epics-expose that runs through all of them.
 */
import assert from 'node:assert/strict';
import type { LabEngine } from '../support/lab/engine';
import { needsEngine, needsOwnNetwork } from '../support/lab/needs';
import { guideCases, GuideRun, titleOf } from './guideCases';

describe('the cases of the guide: rootless', () => {
  let lab: LabEngine;
  let run: GuideRun;

  before(async function () {
    this.timeout(180_000);
    needsOwnNetwork(this);
    lab = await needsEngine(this, 'rootless');
    run = new GuideRun(lab);
  });
  after(() => run?.end());

  for (const guideCase of guideCases) {
    it(titleOf(guideCase), async () => {
      // A search that goes where we do not answer would only be waited for.
      const routes = guideCase.unanswered
        ? ['environment' as const]
        : (['search', 'environment'] as const);
      const outcomes = await run.try(guideCase, routes);
      for (const [route, { isFound, said }] of outcomes) assert.ok(isFound, `${route}: ${said}`);
    });
  }
});
