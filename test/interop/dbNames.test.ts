/**
 * Our reading of startup scripts and databases against EPICS Base itself: a real softIoc runs the
 * same shapes, and its `dbl` must list the names we found; what is missing must be said.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingForIocs } from '../support/lab/image';
import { allShapes, compareShape, type ComparedShape } from '../support/nameShapes';
import { namesPage } from '../support/namesPage';
import { skip } from '../support/skip';

describe('database names against EPICS Base', function () {
  this.timeout(30_000);
  const compared: ComparedShape[] = [];

  before(function () {
    const missing = missingForIocs();
    if (missing !== undefined) skip(this, missing, 'iocs');
  });

  for (const shape of allShapes) {
    it(`${shape.kind}: ${shape.title}`, async () => {
      const one = await compareShape(shape);
      const { listed, found, missing, invented } = one;
      compared.push(one);
      assert.deepEqual(listed, [...shape.names].sort(), 'what softIoc lists');
      assert.deepEqual(missing, shape.missing ?? []);
      assert.deepEqual(invented, []);
      assert.match(found.said, shape.note ?? (missing.length > 0 ? /./ : /^/));
    });
  }

  it('docs/names.md says what was just seen (npm run names writes it)', () => {
    const page = readFileSync(join(__dirname, '../../docs/names.md'), 'utf8');
    assert.equal(page, namesPage(compared));
  });
});
