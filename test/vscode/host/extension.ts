import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { COMMANDS } from '../../../src/ui/ids';

describe('extension', () => {
  it('is there', () => {
    const extension = vscode.extensions.all.find(
      ({ packageJSON }) => packageJSON.name === 'epics-expose',
    );
    assert.ok(extension);
  });
});
void COMMANDS;
