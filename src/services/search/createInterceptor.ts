import type { Endpoint } from '../../model/endpoint';
import type { PvProtocol } from '../../model/snapshot';
import { CaRelayInterceptor } from '../../protocol/ca';
import { PvaRelayInterceptor, type SearchRequest } from '../../protocol/pva';
import type { CircuitInterceptor } from '../host/connection';
import { answerEndpoint, type CircuitPath } from './answerEndpoint';
import type { NameLocation, NameService } from './nameService';
import { PendingLookups } from './pendingLookups';

/** For the answer "not found", in which GUID and address mean nothing. */
const NO_GUID = '0'.repeat(24);

/**
 * The interceptor for one client's circuit to a listener of that kind: its searches are answered by
 * the name service.
 */
export function createInterceptor(
  protocol: PvProtocol,
  by: CircuitPath,
  names: NameService,
  onAnswer: () => void,
): CircuitInterceptor {
  const place = (location: NameLocation): Endpoint =>
    answerEndpoint(location, by) ?? location.endpoint;
  return protocol === 'ca' ? createCa(names, place, onAnswer) : createPva(names, place, onAnswer);
}

type PlaceOf = (location: NameLocation) => Endpoint;

function createCa(names: NameService, placeOf: PlaceOf, onAnswer: () => void): CircuitInterceptor {
  const waiting = new PendingLookups<number>();
  const interceptor: CaRelayInterceptor = new CaRelayInterceptor((question) => {
    waiting.begin(question.cid, (settle) =>
      names.ask(question.name, {
        client: waiting,
        found(location) {
          settle();
          const { host, port } = placeOf(location);
          interceptor.found(question, host, port);
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

function createPva(names: NameService, placeOf: PlaceOf, onAnswer: () => void): CircuitInterceptor {
  const waiting = new PendingLookups<number>();
  const ask = (question: SearchRequest): void => {
    if (question.names.length === 0) {
      for (const location of names.servers) {
        const { host, port } = placeOf(location);
        interceptor.server(question, location.guid, host, port);
      }
      onAnswer();
    }
    let leftCount = question.names.length;
    for (const { id, name } of question.names) {
      waiting.begin(id, (settle) =>
        names.ask(name, {
          client: waiting,
          found(location) {
            settle();
            const { host, port } = placeOf(location);
            interceptor.found(question, id, location.guid, host, port);
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
    noteClient: (from) => (waiting.origin = { transport: 'tcp', endpoint: from }),
    dispose: () => waiting.dispose(),
  };
}
