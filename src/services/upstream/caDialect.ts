import { CaClientCircuit, MAX_NAME_LENGTH as MAX_CA_NAME } from '../../protocol/ca';
import { caHandler } from './caHandler';
import { type ChannelDialect, type DialectEvents, MAX_HELD_CHANNELS } from './reachabilityWatcher';
import type { ReachabilityInput } from './reachability';

/**
 * Searched for to see whether the server answers searches on a circuit, which some of those do not
 * that are new enough to: they answer the echo behind it first.
 */
const NOBODYS_NAME = 'epics-expose:is-search-answered';
const NOBODYS_CID = 0;

/** Channel Access in the words of ReachabilityWatcher: cid = index of the name, plus 1. */
export function createCaDialect(
  input: Pick<ReachabilityInput, 'names' | 'onSearchPort' | 'clientName' | 'hostName' | 'log'>,
  events: DialectEvents,
): ChannelDialect {
  let isReady = false;
  let isSearchTried = false;
  let answersSearches = false;
  let heldCount = 0;
  let echoesToCome = 0;
  /** The one channel whose search reply tells rsrv from PCAS. */
  let portCid: number | undefined;
  /** Indexes of refused channels that are searched for, for the reason. */
  const refused = new Set<number>();
  /** Of those the ones that were found and asked for once more: a gateway looks only when searched. */
  const askedTwice = new Set<number>();

  /** Channels whose rights do not include reading, by cid; they come before the channel does. */
  const unreadable = new Set<number>();

  const ready = (): void => {
    if (isReady) return;
    isReady = true;
    events.ready();
  };
  const echo = (): void => {
    echoesToCome++;
    circuit.echo();
  };
  const onFound = (cid: number, isFound: boolean): void => {
    if (cid === NOBODYS_CID) {
      answersSearches = true;
      return;
    }
    const index = cid - 1;
    const wasRefused = refused.delete(index);
    if (isFound && wasRefused && !askedTwice.has(index)) {
      askedTwice.add(index);
      create(index, input.names.name(index));
      return;
    }
    askedTwice.delete(index);
    if (!isFound) events.failed(index, 'not-found');
    else if (wasRefused) events.failed(index, 'create-refused');
    else events.reached(index);
  };
  const create = (index: number, name: string): void => {
    heldCount++;
    circuit.createChannel(index + 1, name);
  };
  const circuit = new CaClientCircuit(
    caHandler({
      version() {
        if (isReady || isSearchTried) return;
        isSearchTried = true;
        if (!circuit.canSearch) {
          ready();
          return;
        }
        circuit.search(NOBODYS_CID, NOBODYS_NAME);
        echo();
      },
      // Servers that do not answer VERSION answer ECHO.
      echo() {
        echoesToCome--;
        if (echoesToCome === 0) ready();
      },
      // Before the channel's creation, and whenever the server's rules give another answer.
      accessRights(cid, isReadable) {
        if (isReadable) unreadable.delete(cid);
        else unreadable.add(cid);
        events.rightsChanged(cid - 1, isReadable);
      },
      channelCreated(cid) {
        askedTwice.delete(cid - 1);
        events.reached(cid - 1, !unreadable.has(cid));
        if (portCid !== undefined || !input.onSearchPort || !circuit.canSearch) return;
        portCid = cid;
        circuit.search(cid, input.names.name(cid - 1));
      },
      // A refused create does not say why; the search tells "not here" from "you may not".
      channelFailed(cid) {
        heldCount--;
        unreadable.delete(cid);
        const index = cid - 1;
        if (circuit.canSearch) {
          refused.add(index);
          circuit.search(cid, input.names.name(index));
        } else events.failed(index, 'not-found');
      },
      searchFound(cid, port) {
        if (cid === portCid) input.onSearchPort?.(port);
        else onFound(cid, true);
      },
      searchNotFound(cid) {
        if (cid !== portCid) onFound(cid, false);
      },
      channelLost(cid) {
        heldCount--;
        unreadable.delete(cid);
        events.lost(cid - 1);
      },
      serverError: (_eca, _about, text) => input.log('info', 'ca', `server says: ${text}`),
      ignored: (reason) => input.log('debug', 'ca', `ignored ${reason}`),
    }),
    { peer: 'the CA server' },
  );
  circuit.handshake({ clientName: input.clientName, hostName: input.hostName });
  // The mark: what this server has is asked for, not what our relay finds elsewhere.
  echoesToCome++;
  circuit.echoMirror();
  return {
    receive: (chunk) => circuit.receive(chunk),
    takeOutput: () => circuit.takeOutput(),
    canAsk: (name) => name.length > 0 && name.length <= MAX_CA_NAME,
    ask(index, name) {
      if (answersSearches && heldCount >= MAX_HELD_CHANNELS) {
        circuit.search(index + 1, name);
        return;
      }
      create(index, name);
    },
    ping: echo,
  };
}
