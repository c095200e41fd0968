import { NoReadAccessError, RemoteProtocolError } from '../../base/errors';
import {
  CaClientCircuit,
  dbrLayout,
  decodeDbr,
  type DbrData,
  Eca,
  ecaName,
  wrapDbrType,
} from '../../protocol/ca';
import type { Connection } from '../host/connection';
import { caHandler } from './caHandler';
import { converse } from './converse';
import { identityText } from './identityText';

interface Identity {
  readonly clientName: string;
  readonly hostName: string;
}

/** Value with time stamp, and the same channel's units, limits and state names. */
export interface CaValues {
  readonly time: DbrData;
  readonly control: DbrData;
}

function refusal(eca: number, identity: Identity): Error {
  return eca === Eca.ECA_NORDACCESS
    ? new NoReadAccessError(`its access security denies reading to ${identityText(identity)}`)
    : new RemoteProtocolError(`the IOC refused the read: ${ecaName(eca)}`);
}

/**
 * Reads PVs once over one circuit, each as TIME and CTRL of its own type. The result has an entry
 * per name, undefined for one that could not be read. Closes the connection.
 */
export function readCaValues(
  connection: Connection,
  names: readonly string[],
  identity: Identity,
  signal: AbortSignal,
): Promise<(CaValues | undefined)[]> {
  return converse<(CaValues | undefined)[]>(connection, signal, (settle, fail) => {
    const results: (Partial<CaValues> | undefined)[] = names.map(() => ({}));
    let open = names.length;
    const done = (): void => {
      if (--open === 0)
        settle(results.map((r) => (r?.time && r.control ? (r as CaValues) : undefined)));
    };
    const give = (cid: number): void => {
      if (results[cid] === undefined) return;
      results[cid] = undefined;
      done();
    };
    const natives: { type: number; count: number }[] = [];
    const readTime = (cid: number): void => {
      const { type = 0, count = 1 } = natives[cid] ?? {};
      const wanted = circuit.canAskForAllElements ? 0 : count;
      circuit.readNotify(cid * 2, cid, wrapDbrType('TIME', type), wanted);
    };
    const circuit = new CaClientCircuit(
      caHandler({
        channelFailed: give,
        channelLost: give,
        channelCreated(cid, nativeType, count) {
          if (dbrLayout(nativeType) === undefined) {
            fail(
              new RemoteProtocolError(
                `the server names a native type ${nativeType}, which does not exist`,
              ),
            );
            return;
          }
          natives[cid] = { type: nativeType, count };
          readTime(cid);
          circuit.readNotify(cid * 2 + 1, cid, wrapDbrType('CTRL', nativeType), 1);
        },
        readDone(ioid, eca, dbrType, count, payload) {
          const cid = ioid >> 1;
          const result = results[cid];
          if (!result) return;
          const asksForAll = (ioid & 1) === 0 && count === 0;
          // CAJ refuses "all elements" although its version has it; the circuit notes that.
          if (eca === Eca.ECA_BADCOUNT && asksForAll && !circuit.canAskForAllElements) {
            readTime(cid);
            return;
          }
          if (eca !== Eca.ECA_NORMAL) {
            if (names.length === 1) fail(refusal(eca, identity));
            else give(cid);
            return;
          }
          results[cid] = {
            ...result,
            [ioid & 1 ? 'control' : 'time']: decodeDbr(dbrType, count, payload),
          };
          if (results[cid]?.time && results[cid]?.control) done();
        },
      }),
      { peer: 'the CA server' },
    );
    circuit.handshake(identity);
    names.forEach((name, cid) => circuit.createChannel(cid, name));
    if (names.length === 0) fail(new RemoteProtocolError('no PV to read'));
    return circuit;
  });
}
