import {
  isChannelName,
  isSuccess,
  PvaClientConnection,
  type PvaClientHandler,
} from '../../protocol/pva';
import { demandAccepted } from './demandAccepted';
import { type ChannelDialect, type DialectEvents, MAX_HELD_CHANNELS } from './reachabilityWatcher';
import type { ReachabilityInput } from './reachability';

/** Names in one search, which the server answers as a whole. */
const NAMES_PER_SEARCH = 1000;

/** pvAccess in the words of ReachabilityWatcher; the connection gives out cids, we map them. */
export function createPvaDialect(
  input: Pick<ReachabilityInput, 'names' | 'clientName' | 'hostName' | 'log'>,
  events: DialectEvents,
): ChannelDialect {
  let indexOfCid = new Uint32Array(16);
  let isReady = false;
  let answersSearches = false;
  /** Indexes to be searched for with the next output, and those under way by sequenceId. */
  let toSearch: number[] = [];
  const searched = new Map<number, readonly number[]>();

  const handler: PvaClientHandler = {
    onValidated(status) {
      demandAccepted(status);
      // pvxs answers both, in this order, the others the echo only.
      connection.search([], { mustReply: true, isDirect: true });
      connection.echo();
    },
    onEcho() {
      if (isReady) return;
      isReady = true;
      events.ready();
    },
    onChannelCreated(cid, status) {
      const index = indexOfCid[cid] ?? 0;
      if (isSuccess(status)) {
        events.reached(index);
        return;
      }
      // A refusal does not say why. Servers that search over TCP are asked; the others stay silent
      // or answer by UDP, which does not reach us: then "not found" is the likely reason.
      events.failed(index, 'not-found');
      connection.search([{ id: index, name: input.names.name(index) }], { isDirect: true });
    },
    onSearchResponse({ isFound, ids, sequenceId }) {
      if (!isReady) {
        answersSearches = true;
        return;
      }
      const indexes = searched.get(sequenceId);
      if (!indexes) {
        if (isFound) for (const index of ids) events.failed(index, 'create-refused');
        return;
      }
      searched.delete(sequenceId);
      const found = new Set(isFound ? ids : []);
      for (const index of indexes) {
        if (found.has(index)) events.reached(index);
        else events.failed(index, 'not-found');
      }
    },
    onChannelDestroyed: (cid) => events.lost(indexOfCid[cid] ?? 0),
    onServerMessage: (_ioid, type, message) => {
      input.log('info', 'pva', `server says (${type}): ${message}`);
    },
  };
  const connection = new PvaClientConnection(handler, {
    identity: { user: input.clientName, host: input.hostName },
  });
  const sendSearch = (): void => {
    if (toSearch.length === 0) return;
    const names = toSearch.map((index) => ({ id: index, name: input.names.name(index) }));
    searched.set(connection.search(names, { mustReply: true, isDirect: true }), toSearch);
    toSearch = [];
  };
  return {
    receive: (chunk) => connection.receive(chunk),
    takeOutput() {
      sendSearch();
      return connection.takeOutput();
    },
    canAsk: isChannelName,
    ask(index, name) {
      if (answersSearches && connection.channelCount >= MAX_HELD_CHANNELS) {
        toSearch.push(index);
        if (toSearch.length >= NAMES_PER_SEARCH) sendSearch();
        return;
      }
      const cid = connection.createChannel(name);
      if (cid >= indexOfCid.length) {
        const grown = new Uint32Array(Math.max(cid + 1, indexOfCid.length * 2));
        grown.set(indexOfCid);
        indexOfCid = grown;
      }
      indexOfCid[cid] = index;
    },
    ping: () => connection.echo(),
  };
}
