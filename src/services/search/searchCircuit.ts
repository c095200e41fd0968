/** One client's circuit through a relay, with its searches answered by the name service. */
import type { Disposable } from '../../base/disposable';
import type { PvProtocol } from '../../model/snapshot';
import { CaSearchSifter } from '../../protocol/ca';
import { PvaSearchSifter, type SearchRequest } from '../../protocol/pva';
import type { CircuitSifter } from '../connection';
import type { NameService } from './nameService';

/** Names that one client waits for at most; beyond that it is answered when it asks again. */
const MAX_WAITED_FOR = 20_000;
/** In the answer "nowhere", whose GUID and address mean nothing. */
const NO_GUID = '0'.repeat(24);

export function createSearchCircuit(
  protocol: PvProtocol,
  names: NameService,
  onAnswer: () => void,
): CircuitSifter {
  return protocol === 'ca' ? createCa(names, onAnswer) : createPva(names, onAnswer);
}

function createCa(names: NameService, onAnswer: () => void): CircuitSifter {
  const waiting = new WaitedFor();
  const sifter: CaSearchSifter = new CaSearchSifter((question) => {
    waiting.begin(question.cid, (settle) =>
      names.ask(question.name, {
        found({ endpoint }) {
          settle();
          sifter.found(question, endpoint.host, endpoint.port);
          onAnswer();
        },
        absent() {
          sifter.notFound(question);
          onAnswer();
        },
      }),
    );
  });
  return circuitOf(sifter, waiting);
}

function createPva(names: NameService, onAnswer: () => void): CircuitSifter {
  const waiting = new WaitedFor();
  const ask = (question: SearchRequest): void => {
    let leftCount = question.names.length;
    for (const { id, name } of question.names) {
      waiting.begin(id, (settle) =>
        names.ask(name, {
          found({ endpoint, guid }) {
            settle();
            sifter.found(question, id, guid, endpoint.host, endpoint.port);
            onAnswer();
          },
          absent() {
            leftCount--;
            if (leftCount > 0) return;
            sifter.notFound(question, NO_GUID, '0.0.0.0', 0);
            onAnswer();
          },
        }),
      );
    }
  };
  const sifter: PvaSearchSifter = new PvaSearchSifter(ask);
  return circuitOf(sifter, waiting);
}

function circuitOf(sifter: CaSearchSifter | PvaSearchSifter, waiting: WaitedFor): CircuitSifter {
  return {
    fromClient: (bytes) => sifter.fromClient(bytes),
    clientEnded: () => sifter.clientEnded(),
    fromServer: (bytes) => sifter.fromServer(bytes),
    takeAnswers: () => sifter.takeAnswers(),
    dispose: () => waiting.dispose(),
  };
}

/** What a client waits for, by the id it gave; the same id again takes the place of the former. */
class WaitedFor implements Disposable {
  readonly #asked = new Map<number, Disposable>();
  #isDisposed = false;

  begin(id: number, ask: (settle: () => void) => Disposable): void {
    if (this.#isDisposed) return;
    const former = this.#asked.get(id);
    this.#asked.delete(id);
    let isSettled = false;
    const asking = ask(() => {
      isSettled = true;
      this.#end(id);
    });
    // Only now, so that the same question stays open all the time.
    former?.dispose();
    if (isSettled) return;
    this.#asked.set(id, asking);
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > MAX_WAITED_FOR && oldest !== undefined) this.#end(oldest);
  }

  #end(id: number): void {
    this.#asked.get(id)?.dispose();
    this.#asked.delete(id);
  }

  dispose(): void {
    this.#isDisposed = true;
    for (const asking of this.#asked.values()) asking.dispose();
    this.#asked.clear();
  }
}
