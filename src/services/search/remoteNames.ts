import { toDisposable, type Disposable } from '../../base/disposable';
import type { NamePlace, SearchAnswer, SearchQuestion } from '../host/connection';
import type { CircuitNames, PlaceRequester } from './createInterceptor';

/** Requests for all servers that share one answer; others are not answered. */
const MAX_LISTING = 100;

/** The names that another process knows, for one circuit that is followed in this one. */
export class RemoteNames implements CircuitNames {
  readonly #ask: (question: SearchQuestion) => void;
  readonly #waiting = new Map<number, PlaceRequester>();
  /** Who waits for the list of all servers, which is asked for once at a time. */
  #listing: ((places: readonly NamePlace[]) => void)[] = [];
  #nextId = 0;

  /** `ask` brings a question there. */
  constructor(ask: (question: SearchQuestion) => void) {
    this.#ask = ask;
  }

  ask(name: string, requester: PlaceRequester): Disposable {
    const id = this.#nextId++;
    this.#waiting.set(id, requester);
    this.#ask({ kind: 'name', id, name });
    return toDisposable(() => {
      if (this.#waiting.delete(id)) this.#ask({ kind: 'drop', id });
    });
  }

  servers(found: (places: readonly NamePlace[]) => void): void {
    if (this.#listing.length >= MAX_LISTING) return;
    if (this.#listing.push(found) === 1) this.#ask({ kind: 'servers', id: this.#nextId++ });
  }

  /** Takes an answer from there. */
  take(answer: SearchAnswer): void {
    const { id } = answer;
    switch (answer.kind) {
      case 'servers': {
        const listing = this.#listing;
        this.#listing = [];
        for (const found of listing) found(answer.places);
        return;
      }
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
