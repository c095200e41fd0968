import assert from 'node:assert/strict';
import { notificationText } from '../../../src/ui/notificationText';

/** As VS Code finds links in notifications (vs/base/common/linkedText.ts). */
const LINK = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/i;

describe('text of notifications', () => {
  it('has no link, whatever its parts say', () => {
    for (const text of [
      'read [here](command:workbench.action.quit) of X',
      '[a](https://example.org "title")',
      '[[a](command:x)](command:y)',
      '[a]\u200b(command:x)',
    ]) {
      assert.doesNotMatch(notificationText(text), LINK);
    }
    assert.equal(notificationText('PV[3] (waveform)'), 'PV[3] (waveform)');
  });
});
