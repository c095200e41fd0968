import { CaClientCircuit, MAX_NAME_LENGTH as MAX_CA_NAME } from '../../protocol/ca';
import { caHandler } from './caHandler';
import type { AskingDialect, AskingEvents, AskingIdentity } from './askingDialect';

/**
 * An answer that comes after its question was given up must not be taken for the answer to another
 * name, so a cid is used again only after all others.
 */
const CID_COUNT = 32 * 1024;
/** A search costs rsrv some microseconds. */
const SEARCHES_PER_SECOND = 5000;
/** Servers too old for searches on a circuit have to make a channel of each question. */
const CREATES_PER_SECOND = 500;

/** Searches with "reply either way"; PCAS says nothing about names that it does not have. */
export function createCaAsking(identity: AskingIdentity, events: AskingEvents): AskingDialect {
  const keyOfCid = new Map<number, number>();
  const cidOfKey = new Map<number, number>();
  let nextCid = 0;
  let isReady = false;

  const answered = (cid: number, hasName: boolean): void => {
    const key = keyOfCid.get(cid);
    if (key === undefined) return;
    forget(key);
    events.answered(key, hasName);
  };
  const forget = (key: number): void => {
    const cid = cidOfKey.get(key);
    if (cid === undefined) return;
    cidOfKey.delete(key);
    keyOfCid.delete(cid);
  };
  const circuit = new CaClientCircuit(
    caHandler({
      echo() {
        if (isReady) return;
        isReady = true;
        events.ready();
      },
      searchFound: (cid) => answered(cid, true),
      searchNotFound: (cid) => answered(cid, false),
      channelCreated(cid) {
        circuit.clearChannel(cid);
        answered(cid, true);
      },
      channelFailed: (cid) => answered(cid, false),
    }),
    { peer: 'the CA server' },
  );
  circuit.handshake(identity);
  // The mark: it is this server that is asked, should a relay of ours be in between.
  circuit.echoMirror();

  return {
    receive: (chunk) => circuit.receive(chunk),
    takeOutput: () => circuit.takeOutput(),
    get questionsPerSecond() {
      return circuit.canSearch ? SEARCHES_PER_SECOND : CREATES_PER_SECOND;
    },
    canAsk: (name) => name.length > 0 && name.length <= MAX_CA_NAME,
    ask(key, name) {
      const cid = nextCid;
      if (keyOfCid.has(cid)) return false;
      nextCid = (nextCid + 1) % CID_COUNT;
      keyOfCid.set(cid, key);
      cidOfKey.set(key, cid);
      if (circuit.canSearch) circuit.search(cid, name);
      else circuit.createChannel(cid, name);
      return true;
    },
    forget,
    ping: () => circuit.echo(),
  };
}
