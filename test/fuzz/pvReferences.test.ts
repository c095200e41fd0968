import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePvText } from '../../src/model/pvName';
import { expandName } from '../../src/present/pvReferences/expandName';
import { pvReferenceAt, pvReferencesIn } from '../../src/present/pvReferences/pvReferenceAt';
import { createRandom } from '../support/random';

const WORKSPACE = join(__dirname, '../vscode/workspace');

describe('pvReferencesIn', () => {
  const random = createRandom(65);
  const pick = (length: number): number => Math.floor(random() * length);
  const names = readdirSync(WORKSPACE, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => /\.\w+$/.test(name));
  const spice = [
    ...['"', "'", '{', '}', '(', ')', '$(', '${', '\\', '\n', ',', '=', '<', '>', '#', '\0'],
    ...['&', '&#x', '<![CDATA[', ']]>', '<!--', '[', ': ', '- ', '.', '/', '`', '\ufffd', '\ud800'],
  ];

  /** Every reference lies in the file and can be told of. */
  function check(file: string, text: string): void {
    const references = pvReferencesIn(file, text);
    for (const { start, end, text: written, macros } of references) {
      assert.ok(start >= 0 && start < end && end <= text.length, JSON.stringify({ start, end }));
      parsePvText(expandName(written, macros).pattern);
    }
    pvReferenceAt(references, pick(text.length + 1));
  }

  for (const file of files) {
    it(`damage to ${file} never makes it throw, or find what is not there`, () => {
      const whole = readFileSync(join(WORKSPACE, file), 'utf8');
      for (let round = 0; round < 500; round++) {
        let text = whole;
        for (let damage = pick(4); damage >= 0; damage--) {
          const at = pick(text.length + 1);
          const cut = at + pick(3) * pick(20);
          text = text.slice(0, at) + (spice[pick(spice.length)] ?? '') + text.slice(cut);
        }
        check(file, text);
      }
    });

    it(`rubbish in ${file} neither`, () => {
      for (let round = 0; round < 20; round++) {
        const bytes = Uint8Array.from({ length: pick(20_000) }, () => pick(256));
        check(file, new TextDecoder().decode(bytes));
        check(file, Array.from({ length: 2000 }, () => spice[pick(spice.length)]).join(''));
      }
    });
  }
});
