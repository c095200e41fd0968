import { type Disposable, toDisposable } from './disposable';

/** Subscribes a listener; dispose the result to unsubscribe. Shaped like vscode.Event. */
export type Event<T> = (listener: (value: T) => void) => Disposable;

/**
 * The firing side of an Event. Adding or removing a listener while firing takes effect with the
 * next fire.
 */
export class EventEmitter<T> implements Disposable {
  #listeners: ReadonlySet<(value: T) => void> = new Set();

  readonly event: Event<T> = (listener) => {
    // A wrapper, so that one function subscribed twice is called and removed twice.
    const entry = (value: T): void => listener(value);
    this.#listeners = new Set([...this.#listeners, entry]);
    return toDisposable(() => {
      const rest = new Set(this.#listeners);
      rest.delete(entry);
      this.#listeners = rest;
    });
  };

  fire(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }

  dispose(): void {
    this.#listeners = new Set();
  }
}
