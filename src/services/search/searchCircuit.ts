/** One client's circuit through a relay, with its searches answered by the name service. */
import type { PvProtocol } from '../../model/snapshot';
import { CaSearchSifter } from '../../protocol/ca';
import { PvaSearchSifter, type SearchRequest } from '../../protocol/pva';
import type { CircuitSifter } from '../connection';
import type { NameService } from './nameService';
import { WaitedFor } from './waitedFor';

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
  const waiting = new WaitedFor<number>();
  const sifter: CaSearchSifter = new CaSearchSifter((question) => {
    waiting.begin(question.cid, (settle) =>
      names.ask(question.name, {
        client: waiting,
        found({ endpoint }) {
          settle();
          sifter.found(question, endpoint.host, endpoint.port);
          onAnswer();
        },
        absent() {
          sifter.notFound(question);
          onAnswer();
        },
        dropped: settle,
      }),
    );
  });
  return circuitOf(sifter, waiting);
}

function createPva(names: NameService, onAnswer: () => void): CircuitSifter {
  const waiting = new WaitedFor<number>();
  const ask = (question: SearchRequest): void => {
    if (question.names.length === 0) {
      for (const { guid, endpoint } of names.servers) {
        sifter.server(question, guid, endpoint.host, endpoint.port);
      }
      onAnswer();
    }
    let leftCount = question.names.length;
    for (const { id, name } of question.names) {
      waiting.begin(id, (settle) =>
        names.ask(name, {
          client: waiting,
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
          dropped: settle,
        }),
      );
    }
  };
  const sifter: PvaSearchSifter = new PvaSearchSifter(ask);
  return circuitOf(sifter, waiting);
}

function circuitOf(
  sifter: CaSearchSifter | PvaSearchSifter,
  waiting: WaitedFor<number>,
): CircuitSifter {
  return {
    fromClient: (bytes) => sifter.fromClient(bytes),
    clientEnded: () => sifter.clientEnded(),
    fromServer: (bytes) => sifter.fromServer(bytes),
    takeAnswers: () => sifter.takeAnswers(),
    dispose: () => waiting.dispose(),
  };
}
