import assert from 'node:assert/strict';
import Module from 'node:module';
import type { PvsView as View, PvsViewInput } from '../../../src/ui/pvsView';
import { snapshotWith } from '../../support/snapshots';
import { FakeClock } from '../../support/fakeClock';

/** As much of VS Code as the view touches when it is made. */
function fakeVscode(messages: unknown[]): object {
  const disposable = { dispose: () => undefined };
  class EventEmitter {
    readonly event = () => disposable;
    fire(): void {}
    dispose(): void {}
  }
  const view = {
    onDidChangeSelection: () => disposable,
    onDidChangeVisibility: () => disposable,
    dispose: () => undefined,
    set message(text: unknown) {
      messages.push(text);
    },
  };
  return {
    EventEmitter,
    window: { createTreeView: () => view, onDidChangeWindowState: () => disposable },
    ThemeIcon: class {},
    ThemeColor: class {},
    MarkdownString: class {},
  };
}

describe('PvsView', () => {
  const loader = Module as unknown as { _load: (request: string, ...rest: unknown[]) => unknown };
  const load = loader._load;
  const messages: unknown[] = [];
  let PvsView: typeof View;

  before(async () => {
    const vscode = fakeVscode(messages);
    loader._load = (request, ...rest) =>
      request === 'vscode' ? vscode : load.call(loader, request, ...rest);
    ({ PvsView } = await import('../../../src/ui/pvsView'));
  });
  after(() => {
    loader._load = load;
  });

  function drawn(place: PvsViewInput['place'], isExposing: boolean): unknown[] {
    messages.length = 0;
    const exposure = {
      isExposing,
      snapshot: snapshotWith([{}]),
      onDidChange: () => ({ dispose: () => undefined }),
    };
    const view = new PvsView({
      exposure,
      ownContainerKey: () => undefined,
      place,
      clock: new FakeClock(),
    } as unknown as PvsViewInput);
    exposure.isExposing = false;
    view.refresh();
    view.dispose();
    return [...messages];
  }

  // An empty message hides the welcome text in Theia.
  it('sets no message where it has none', () => assert.deepEqual(drawn('here', true), []));

  it('takes its message away with the lines that it is about', () => {
    const [message, ...rest] = drawn('inside', true);
    assert.match(String(message), /inside the container/);
    assert.deepEqual(rest, [undefined]);
  });
});
