import type { Disposable } from '../../base/disposable';
import type { PvProtocol } from '../../model/snapshot';
import { CaRelayInterceptor } from '../../protocol/ca';
import { PvaRelayInterceptor, type SearchRequest } from '../../protocol/pva';
import type { CircuitInterceptor, NamePlace } from '../host/connection';
import { PendingLookups } from './pendingLookups';

/** For the answer "not found", in which GUID and address mean nothing. */
const NO_GUID = '0'.repeat(24);

/** Who searches over a circuit; as NameRequester. */
export interface PlaceRequester {
  readonly client: PendingLookups<number>;
  found(place: NamePlace): void;
  absent(): void;
  dropped(): void;
}

/** Knows where names are, for the clients of one listener. */
export interface CircuitNames {
  /** As NameService.ask. */
  ask(name: string, requester: PlaceRequester): Disposable;
  /** All servers, in order of preference; they arrive at once or later, or never. */
  servers(found: (places: readonly NamePlace[]) => void): void;
}

/** The interceptor for one client's circuit, whose searches are answered from `names`. */
export function createInterceptor(
  protocol: PvProtocol,
  names: CircuitNames,
  onAnswer: () => void,
): CircuitInterceptor {
  return protocol === 'ca' ? createCa(names, onAnswer) : createPva(names, onAnswer);
}

function createCa(names: CircuitNames, onAnswer: () => void): CircuitInterceptor {
  const waiting = new PendingLookups<number>();
  const interceptor: CaRelayInterceptor = new CaRelayInterceptor((question) => {
    waiting.begin(question.cid, (settle) =>
      names.ask(question.name, {
        client: waiting,
        found({ endpoint: { host, port } }) {
          settle();
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

function createPva(names: CircuitNames, onAnswer: () => void): CircuitInterceptor {
  const waiting = new PendingLookups<number>();
  const ask = (question: SearchRequest): void => {
    // Whoever does not read need not be told all of it.
    if (question.names.length === 0 && interceptor.hasRoom) {
      names.servers((places) => {
        for (const { endpoint, guid } of places) {
          interceptor.server(question, guid, endpoint.host, endpoint.port);
        }
        onAnswer();
      });
    }
    let leftCount = question.names.length;
    for (const { id, name } of question.names) {
      waiting.begin(id, (settle) =>
        names.ask(name, {
          client: waiting,
          found({ endpoint: { host, port }, guid }) {
            settle();
            interceptor.found(question, id, guid, host, port);
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
