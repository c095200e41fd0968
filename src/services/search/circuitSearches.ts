import type { PvProtocol } from '../../model/snapshot';
import type { CircuitSearches, NamePlace } from '../host/connection';
import { answerEndpoint, type CircuitPath } from './answerEndpoint';
import { type CircuitNames, createInterceptor } from './createInterceptor';
import type { NameLocation, NameService } from './nameService';
import { PendingLookups } from './pendingLookups';

/** Answers searches over circuits to a listener of that kind by the name service. */
export function circuitSearches(
  protocol: PvProtocol,
  by: CircuitPath,
  service: NameService,
): CircuitSearches {
  const placeOf = (location: NameLocation): NamePlace => ({
    endpoint: answerEndpoint(location, by) ?? location.endpoint,
    guid: location.guid,
  });
  const names: CircuitNames = {
    ask: (name, requester) =>
      service.ask(name, {
        client: requester.client,
        found: (location) => requester.found(placeOf(location)),
        absent: () => requester.absent(),
        dropped: () => requester.dropped(),
      }),
    servers: (found) => found(service.servers.map(placeOf)),
  };
  return {
    protocol,
    intercept: (onAnswer) => createInterceptor(protocol, names, onAnswer),
    answer(client, reply) {
      const waiting = new PendingLookups<number>();
      if (client) waiting.origin = { transport: 'tcp', endpoint: client };
      return {
        ask(question) {
          const { kind, id } = question;
          switch (kind) {
            case 'servers':
              names.servers((places) => reply({ kind, id, places }));
              return;
            case 'drop':
              waiting.end(id);
              return;
            case 'name':
              waiting.begin(id, (settle) =>
                names.ask(question.name, {
                  client: waiting,
                  found(place) {
                    settle();
                    reply({ kind: 'found', id, place });
                  },
                  absent: () => reply({ kind: 'absent', id }),
                  dropped() {
                    settle();
                    reply({ kind: 'dropped', id });
                  },
                }),
              );
          }
        },
        dispose: () => waiting.dispose(),
      };
    },
  };
}
