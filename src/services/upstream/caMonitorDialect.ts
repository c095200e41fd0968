import {
  CaClientCircuit,
  DBE_ALARM,
  DBE_VALUE,
  dbrLayout,
  type DbrData,
  decodeDbr,
  Eca,
  ecaName,
  wrapDbrType,
} from '../../protocol/ca';
import { caHandler } from './caHandler';
import type { MonitorDialect, MonitorEvents, MonitorIdentity } from './monitorDialect';
import { readingOfCa } from './readPv';

interface Watched {
  readonly name: string;
  type: number;
  count: number;
  /** Units, precision and state names, read once before the first update. */
  control?: DbrData;
  isCreated: boolean;
  isSubscribed: boolean;
}

/** Channel Access subscriptions; cid, ioid and subscription id are the watch's id. */
export function createCaMonitorDialect(
  identity: MonitorIdentity,
  events: MonitorEvents,
): MonitorDialect {
  const watched = new Map<number, Watched>();
  let isReady = false;
  /** The channel is of no more use; one that is still being created is cleared when it is. */
  const end = (id: number): Watched | undefined => {
    const one = watched.get(id);
    watched.delete(id);
    if (one?.isCreated === true) circuit.clearChannel(id);
    return one;
  };
  const fail = (id: number, reason: string): void => {
    if (end(id)) events.failed(id, reason);
  };
  const subscribe = (id: number, one: Watched): void => {
    one.isSubscribed = true;
    const count = circuit.canAskForAllElements ? 0 : one.count;
    circuit.subscribe(id, id, wrapDbrType('TIME', one.type), count, DBE_VALUE | DBE_ALARM);
  };
  const circuit = new CaClientCircuit(
    caHandler({
      // Servers that do not answer VERSION answer ECHO.
      echo() {
        if (isReady) return;
        isReady = true;
        events.ready();
      },
      channelCreated(id, type, count) {
        const one = watched.get(id);
        if (!one) {
          circuit.clearChannel(id);
          return;
        }
        one.isCreated = true;
        if (dbrLayout(type) === undefined) {
          fail(id, `the server names a native type ${type}, which does not exist`);
        } else {
          Object.assign(one, { type, count });
          circuit.readNotify(id, id, wrapDbrType('CTRL', type), 1);
        }
      },
      channelFailed: (id) => fail(id, 'the IOC does not have it, or refuses it'),
      channelLost(id) {
        if (watched.delete(id)) events.failed(id, 'the IOC ended the channel');
      },
      readDone(id, eca, dbrType, count, payload) {
        const one = watched.get(id);
        if (!one) return;
        if (eca === Eca.ECA_NORMAL) {
          one.control = decodeDbr(dbrType, count, payload);
          subscribe(id, one);
        } else fail(id, `the IOC refused the read: ${ecaName(eca)}`);
      },
      event(id, eca, dbrType, count, payload) {
        const one = watched.get(id);
        if (!one?.control) return;
        if (eca === Eca.ECA_NORMAL) {
          const time = decodeDbr(dbrType, count, payload);
          events.value(id, readingOfCa({ time, control: one.control }));
        } else if (eca === Eca.ECA_BADCOUNT && !circuit.canAskForAllElements) {
          subscribe(id, one); // CAJ refuses "all elements" although its version has it
        } else if (eca === Eca.ECA_BADCOUNT || eca === Eca.ECA_BADTYPE) {
          fail(id, `the IOC refused the subscription: ${ecaName(eca)}`);
        } else events.stalled(id, `the IOC sends no value: ${ecaName(eca)}`);
      },
    }),
    { peer: 'the CA server' },
  );
  circuit.handshake(identity);
  circuit.echo();
  return {
    receive: (chunk) => circuit.receive(chunk),
    takeOutput: () => circuit.takeOutput(),
    watch(id, name) {
      watched.set(id, { name, type: 0, count: 1, isCreated: false, isSubscribed: false });
      circuit.createChannel(id, name);
    },
    unwatch(id) {
      if (watched.get(id)?.isSubscribed === true) circuit.cancelSubscription(id);
      end(id);
    },
    ping: () => circuit.echo(),
  };
}
