import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasPlace, withTable } from '../../bench/benchmarksPage';

const root = join(__dirname, '../../..');

describe('the page of benchmarks', () => {
  const page = 'Before.\n\n<!-- idle -->\n\nold\n\n<!-- end of idle -->\n\nAfter.\n';

  it('gets a table in place of the former one, and nothing else changes', () => {
    const written = withTable(page, 'idle', '| new |');
    assert.equal(written, page.replace('old', '| new |'));
    assert.equal(withTable(written, 'idle', 'old'), page);
  });

  it('has to have a place for it', () => {
    assert.throws(() => withTable(page, 'reach', '| new |'), /no line <!-- reach -->/);
    assert.deepEqual([hasPlace(page, 'idle'), hasPlace(page, 'reach')], [true, false]);
  });

  it('has a place for every benchmark', () => {
    const program = readFileSync(join(root, 'test/bench/run.ts'), 'utf8');
    const names = [...program.matchAll(/^ {2}'?([\w-]+)'?: measure\w+,$/gm)].map(
      ([, name]) => name,
    );
    assert.ok(names.length > 10, names.join());
    const text = readFileSync(join(root, 'docs/benchmarks.md'), 'utf8');
    assert.deepEqual(
      names.filter((name) => !hasPlace(text, name ?? '')),
      [],
    );
  });
});
