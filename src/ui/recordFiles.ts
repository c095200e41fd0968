import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import { mapConcurrent } from '../base/mapConcurrent';
import { FILE_TYPES } from '../present/pvReferences/fileTypes';
import { type RecordIndex } from '../present/recordIndex';

const DATABASES = `**/${FILE_TYPES.database.glob}`;
/** Nothing that people write is there. */
const LEFT_OUT = '**/{node_modules,.git,.cache,O.*}/**';
const MAX_FILES = 5000;
const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** In a remote window each read is a round trip. */
const READS_AT_ONCE = 16;
/** After this, what was read until then counts. */
const READ_MS = 15_000;

/** A place in a file of the workspace. */
export interface RecordPlace {
  readonly uri: vscode.Uri;
  readonly range: vscode.Range;
}

/** The records that the database files of the workspace define; read when somebody asks. */
export class RecordFiles implements Disposable {
  readonly #store = new DisposableStore();
  #index: RecordIndex | undefined;
  /** Files to read before the next answer; undefined: all. */
  #due: Set<string> | undefined;
  #reading: Promise<void> = Promise.resolve();

  /** Where a record may be defined, the likeliest places only. */
  async find(record: string): Promise<readonly RecordPlace[]> {
    // One that failed must not end all that come after it.
    this.#reading = this.#reading.catch(() => undefined).then(() => this.#read());
    await this.#reading;
    return (this.#index?.find(record) ?? []).map(({ path, line, name, start, lineStart }) => ({
      uri: vscode.Uri.parse(path),
      range: new vscode.Range(line, start - lineStart, line, start - lineStart + name.length),
    }));
  }

  async #read(): Promise<void> {
    if (!this.#index) {
      const { RecordIndex } = await import('../present/recordIndex');
      this.#index = new RecordIndex();
      this.#watch();
    }
    const uris = this.#due
      ? [...this.#due].map((text) => vscode.Uri.parse(text))
      : await vscode.workspace.findFiles(DATABASES, LEFT_OUT, MAX_FILES);
    this.#due = new Set();
    const until = Date.now() + READ_MS;
    await mapConcurrent(READS_AT_ONCE, uris, async (uri) => {
      // The next answer waits for the rest.
      if (Date.now() > until) this.#due?.add(uri.toString());
      else await this.#readFile(uri);
    });
  }

  async #readFile(uri: vscode.Uri): Promise<void> {
    const { recordDefinitionsIn } = await import('../present/recordIndex');
    const path = uri.toString();
    try {
      const { size } = await vscode.workspace.fs.stat(uri);
      if (size > MAX_FILE_BYTES) throw new Error('It is data.');
      const bytes = await vscode.workspace.fs.readFile(uri);
      this.#index?.set(path, recordDefinitionsIn(new TextDecoder().decode(bytes)));
    } catch {
      this.#index?.delete(path); // It is gone, too long, or nobody may read it.
    }
  }

  #watch(): void {
    const watcher = this.#store.add(vscode.workspace.createFileSystemWatcher(DATABASES));
    const note = (uri: vscode.Uri): void => void this.#due?.add(uri.toString());
    this.#store.add(watcher.onDidChange(note));
    this.#store.add(watcher.onDidCreate(note));
    this.#store.add(watcher.onDidDelete(note));
    this.#store.add(
      vscode.workspace.onDidChangeWorkspaceFolders(() => {
        this.#index?.clear();
        this.#due = undefined;
      }),
    );
  }

  dispose(): void {
    this.#store.dispose();
  }
}
