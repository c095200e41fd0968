/** Every client reads every kind of server, in each way that it can be told where to search. */
import assert from 'node:assert/strict';
import type { Exposed } from '../support/exposed';
import type { LabContainer } from '../support/lab/container';
import { needsEngine, needsJava, needsOwnNetwork } from '../support/lab/needs';
import { Scene } from '../support/scene';
import { CLIENTS, failureOf, serversFor, TOLD } from './matrixCells';
import { cellKey, expose, problemOf, readAll, type Readings, startServers } from './matrixRuns';

describe('the matrix: rootless', () => {
  let scene: Scene;
  let boxes: LabContainer[];

  before(async function () {
    this.timeout(180_000);
    needsOwnNetwork(this);
    needsJava(this);
    scene = new Scene(await needsEngine(this, 'rootless'));
    boxes = await startServers(scene);
  });
  after(() => scene?.end());

  for (const told of TOLD) {
    describe(`told ${told.name}`, () => {
      let exposed: Exposed | undefined;
      let readings: Readings;

      before(async function () {
        this.timeout(120_000);
        exposed = await expose(scene, boxes, told);
        readings = await readAll(told, exposed);
      });
      after(async () => {
        if (exposed) assert.equal(await exposed.stop(), 0);
      });

      for (const client of CLIENTS) {
        const why = failureOf(client, told);
        it(`${client.name} ${why === undefined ? 'reads every server' : `reads none: ${why}`}`, () => {
          for (const server of serversFor(client)) {
            const key = cellKey(client, server);
            const problem = problemOf(readings.get(key));
            if (why === undefined) assert.equal(problem, undefined, key);
            else assert.notEqual(problem, undefined, key);
          }
        });
      }
    });
  }
});
