import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../../../src/model/diagnosis/finding';
import { findingText } from '../../../src/present/findingText';
import { TERMINAL_WORDS, WINDOW_WORDS } from '../../../src/present/frontEndWords';
import { doctorPage } from '../../support/doctorPage';
import { FINDING_SAMPLES } from '../../support/samples';

const findings = Object.entries(FINDING_SAMPLES).map(
  ([code, facts]) => ({ code, ...facts }) as Finding,
);

describe('findings', () => {
  for (const finding of findings) {
    it(`have words: ${finding.code}`, () => {
      for (const words of [TERMINAL_WORDS, WINDOW_WORDS]) {
        const { message, advice } = findingText(finding, words);
        assert.ok(message.length > 10 && !message.endsWith('.'), message);
        assert.match(advice, /^[A-Z].*\.$/);
        assert.doesNotMatch(message + advice, /undefined|\[object/);
      }
    });
  }

  it('are what docs/doctor.md says (npm run doctor-page)', () => {
    const path = join(__dirname, '../../../docs/doctor.md');
    assert.equal(readFileSync(path, 'utf8'), doctorPage());
  });
});
