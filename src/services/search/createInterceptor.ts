import type { PvProtocol } from '../../model/snapshot';
import { CaRelayInterceptor } from '../../protocol/ca';
import { PvaRelayInterceptor, type SearchRequest } from '../../protocol/pva';
import type { CircuitInterceptor } from '../host/connection';
import type { NameService } from './nameService';
import { PendingLookups } from './pendingLookups';

/** For the answer "not found", in which GUID and address mean nothing. */
const NO_GUID = '0'.repeat(24);

/**
 * The interceptor for one client's circuit through a relay: its searches are answered by the name
 * service.
 */
export function createInterceptor(
  protocol: PvProtocol,
  names: NameService,
  onAnswer: () => void,
): CircuitInterceptor {
  return protocol === 'ca' ? createCa(names, onAnswer) : createPva(names, onAnswer);
}

function createCa(names: NameService, onAnswer: () => void): CircuitInterceptor {
  const waiting = new PendingLookups<number>();
  const interceptor: CaRelayInterceptor = new CaRelayInterceptor((question) => {
    waiting.begin(question.cid, (settle) =>
      names.ask(question.name, {
        client: waiting,
        found({ endpoint }) {
          settle();
          interceptor.found(question, endpoint.host, endpoint.port);
          onAnswer();
        },
        absent() {
          interceptor.notFound(question);
          onAnswer();
        },
        dropped: settle,
      }),
    );
  });
  return circuitOf(interceptor, waiting);
}

function createPva(names: NameService, onAnswer: () => void): CircuitInterceptor {
  const waiting = new PendingLookups<number>();
  const ask = (question: SearchRequest): void => {
    if (question.names.length === 0) {
      for (const { guid, endpoint } of names.servers) {
        interceptor.server(question, guid, endpoint.host, endpoint.port);
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
            interceptor.found(question, id, guid, endpoint.host, endpoint.port);
            onAnswer();
          },
          absent() {
            leftCount--;
            if (leftCount > 0) return;
            interceptor.notFound(question, NO_GUID, '0.0.0.0', 0);
            onAnswer();
          },
          dropped: settle,
        }),
      );
    }
  };
  const interceptor: PvaRelayInterceptor = new PvaRelayInterceptor(ask);
  return circuitOf(interceptor, waiting);
}

function circuitOf(
  interceptor: CaRelayInterceptor | PvaRelayInterceptor,
  waiting: PendingLookups<number>,
): CircuitInterceptor {
  return {
    fromClient: (bytes) => interceptor.fromClient(bytes),
    clientEnded: () => interceptor.clientEnded(),
    fromServer: (bytes) => interceptor.fromServer(bytes),
    takeAnswers: () => interceptor.takeAnswers(),
    dispose: () => waiting.dispose(),
  };
}
