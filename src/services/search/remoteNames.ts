import { toDisposable, type Disposable } from '../../base/disposable';
import type { SearchAnswer, SearchQuestion } from '../host/connection';
import type { NamePlace } from '../host/connection';
import type { CircuitNames, PlaceRequester } from './createInterceptor';

/** The names that another process knows, for one circuit that is followed in this one. */
export class RemoteNames implements CircuitNames {
  readonly #ask: (question: SearchQuestion) => boolean;
  readonly #waiting = new Map<number, PlaceRequester>();
  readonly #listing = new Map<number, (places: readonly NamePlace[]) => void>();
  #nextId = 0;

  /** `ask` brings a question there, and returns false if there is no room for it. */
  constructor(ask: (question: SearchQuestion) => boolean) {
    this.#ask = ask;
  }

  ask(name: string, requester: PlaceRequester): Disposable {
    const id = this.#nextId++;
    this.#waiting.set(id, requester);
    const ending = toDisposable(() => {
      if (this.#waiting.delete(id)) this.#ask({ kind: 'drop', id });
    });
    if (!this.#ask({ kind: 'name', id, name })) {
      this.#waiting.delete(id);
      requester.dropped();
    }
    return ending;
  }

  servers(found: (places: readonly NamePlace[]) => void): void {
    const id = this.#nextId++;
    if (this.#ask({ kind: 'servers', id })) this.#listing.set(id, found);
  }

  /** Takes an answer from there. */
  take(answer: SearchAnswer): void {
    const { id } = answer;
    switch (answer.kind) {
      case 'servers':
        this.#listing.get(id)?.(answer.places);
        this.#listing.delete(id);
        return;
      case 'absent':
        this.#waiting.get(id)?.absent();
        return;
      case 'found':
      case 'dropped': {
        const requester = this.#waiting.get(id);
        this.#waiting.delete(id);
        if (answer.kind === 'found') requester?.found(answer.place);
        else requester?.dropped();
      }
    }
  }
}
