import { RemoteProtocolError } from '../../base/errors';
import { isChannelName, isSuccess, PvaClientConnection } from '../../protocol/pva';
import { demandAccepted } from './demandAccepted';
import type { AskingDialect, AskingEvents, AskingIdentity } from './askingDialect';

const SEARCHES_PER_SECOND = 5000;
/** Each costs the server a channel for a moment. */
const CREATES_PER_SECOND = 500;
/** Creates that core-pva never answered; then the circuit is begun anew. */
const MAX_ABANDONED = 5000;
const NAMES_PER_SEARCH = 500;

/**
 * Asks by search and by creating a channel at once: pvAccessCPP answers searches by UDP, so that only
 * the create tells; core-pva says no to neither. pvxs answers every search over TCP, which it shows by
 * answering one for nothing, and is only searched.
 */
export function createPvaAsking(identity: AskingIdentity, events: AskingEvents): AskingDialect {
  let isReady = false;
  let answersSearches = false;
  let toSearch: { id: number; name: string }[] = [];
  /** Keys of a search under way, by its sequence id: pvxs says no by leaving ids out. */
  const searched = new Map<number, number[]>();
  const isOpen = new Set<number>();
  const keyOfCid = new Map<number, number>();
  const cidOfKey = new Map<number, number>();

  const forget = (key: number): void => {
    isOpen.delete(key);
    const cid = cidOfKey.get(key);
    if (cid === undefined) return;
    cidOfKey.delete(key);
    keyOfCid.delete(cid);
    connection.destroyChannel(cid);
  };
  const answered = (key: number, hasName: boolean): void => {
    if (!isOpen.has(key)) return;
    forget(key);
    events.answered(key, hasName);
  };
  const connection = new PvaClientConnection(
    {
      onValidated(status) {
        demandAccepted(status);
        connection.search([], { mustReply: true, isDirect: true });
        connection.echo();
      },
      onEcho() {
        if (isReady) return;
        isReady = true;
        events.ready();
      },
      onSearchResponse({ isFound, ids, sequenceId }) {
        if (!isReady) {
          answersSearches = true;
          return;
        }
        const keys = searched.get(sequenceId) ?? [];
        searched.delete(sequenceId);
        if (isFound) for (const id of ids) answered(id, true);
        if (answersSearches) for (const key of keys) answered(key, false);
      },
      onChannelCreated(cid, status) {
        const key = keyOfCid.get(cid);
        if (key === undefined) return;
        if (!isSuccess(status)) {
          // The cid is free already.
          cidOfKey.delete(key);
          keyOfCid.delete(cid);
        }
        answered(key, isSuccess(status));
      },
    },
    { identity: { user: identity.clientName, host: identity.hostName } },
  );
  const sendSearch = (): void => {
    if (toSearch.length === 0) return;
    const sequenceId = connection.search(toSearch, {
      mustReply: answersSearches,
      isDirect: true,
    });
    if (answersSearches) {
      const keys = toSearch.map(({ id }) => id);
      searched.set(sequenceId, keys);
    }
    toSearch = [];
  };

  return {
    receive: (chunk) => connection.receive(chunk),
    takeOutput() {
      sendSearch();
      return connection.takeOutput();
    },
    get questionsPerSecond() {
      return answersSearches ? SEARCHES_PER_SECOND : CREATES_PER_SECOND;
    },
    canAsk: isChannelName,
    ask(key, name) {
      if (connection.channelCount > MAX_ABANDONED) {
        throw new RemoteProtocolError('the server left too many questions without an answer');
      }
      isOpen.add(key);
      toSearch.push({ id: key, name });
      if (toSearch.length >= NAMES_PER_SEARCH) sendSearch();
      if (answersSearches) return true;
      const cid = connection.createChannel(name);
      keyOfCid.set(cid, key);
      cidOfKey.set(key, cid);
      return true;
    },
    forget(key) {
      forget(key);
      if (isOpen.size === 0) searched.clear();
    },
    ping: () => connection.echo(),
  };
}
