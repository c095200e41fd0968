/**
 * As much of VS Code as the views touch, one for the process: import it before what imports `vscode`. A
 * test does what a person would (`window`, `settings`) and looks at what is shown.
 */
import Module from 'node:module';
import type * as vscode from 'vscode';
import { EventEmitter } from '../../src/base/event';
import type { TreeNode } from '../../src/present/pvTree';

class MarkdownString {
  isTrusted: unknown;
  constructor(public value = '') {}
  appendMarkdown(text: string): this {
    this.value += text;
    return this;
  }
  appendText(text: string): this {
    return this.appendMarkdown(text);
  }
}

class TreeItem {
  id: string | undefined;
  constructor(
    readonly label: string,
    readonly collapsibleState: number,
  ) {}
}

class ThemeIcon {
  constructor(
    readonly id: string,
    readonly color: unknown,
  ) {}
}

class ThemeColor {
  constructor(readonly id: string) {}
}

/** The view as VS Code has it. */
class FakeTreeView {
  readonly selectionChanged = new EventEmitter<void>();
  readonly visibilityChanged = new EventEmitter<void>();
  readonly expanded = new EventEmitter<vscode.TreeViewExpansionEvent<TreeNode>>();
  readonly collapsed = new EventEmitter<vscode.TreeViewExpansionEvent<TreeNode>>();
  readonly onDidExpandElement = this.expanded.event;
  readonly onDidCollapseElement = this.collapsed.event;
  readonly onDidChangeSelection = this.selectionChanged.event;
  readonly onDidChangeVisibility = this.visibilityChanged.event;
  visible = true;
  selection: readonly TreeNode[] = [];
  badge: vscode.ViewBadge | undefined;
  description: string | undefined;
  readonly revealed: TreeNode[] = [];
  /** Each time that one was set. */
  readonly messages: unknown[] = [];

  set message(text: unknown) {
    this.messages.push(text);
  }
  async reveal(node: TreeNode): Promise<void> {
    this.revealed.push(node);
  }
  dispose(): void {}
}

const settingsChanged = new EventEmitter<vscode.ConfigurationChangeEvent>();

export const fakeVscode = {
  /** Without their section. */
  settings: new Map<string, unknown>(),
  contextKeys: new Map<string, unknown>(),
  windowStateChanged: new EventEmitter<void>(),
  /** Notifications, each until it is taken away. */
  warnings: [] as string[],
  /** The one made last. */
  view: new FakeTreeView(),

  set(name: string, value: unknown): void {
    this.settings.set(name, value);
    settingsChanged.fire({ affectsConfiguration: () => true });
  },
};

const api = {
  EventEmitter,
  MarkdownString,
  ThemeColor,
  ThemeIcon,
  TreeItem,
  DataTransferItem: class {
    constructor(readonly value: unknown) {}
    async asString(): Promise<string> {
      return String(this.value);
    }
  },
  TreeItemCollapsibleState: { None: 0, Collapsed: 1, Expanded: 2 },
  commands: {
    executeCommand: async (command: string, ...words: [string, unknown]) => {
      if (command === 'setContext') fakeVscode.contextKeys.set(...words);
    },
  },
  window: {
    setStatusBarMessage: () => ({ dispose: () => undefined }),
    createTreeView: () => (fakeVscode.view = new FakeTreeView()),
    showWarningMessage: async (text: string) => void fakeVscode.warnings.push(text),
    withProgress: (_options: unknown, task: () => Promise<unknown>) => task(),
    onDidChangeWindowState: fakeVscode.windowStateChanged.event,
  },
  workspace: {
    getConfiguration: () => ({ get: (name: string) => fakeVscode.settings.get(name) }),
    onDidChangeConfiguration: settingsChanged.event,
  },
};

const loader = Module as unknown as { _load: (request: string, ...rest: unknown[]) => unknown };
const load = loader._load;
loader._load = (request, ...rest) =>
  request === 'vscode' ? api : load.call(loader, request, ...rest);
