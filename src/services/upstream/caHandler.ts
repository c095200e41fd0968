import type { CaClientHandler } from '../../protocol/ca';

const nothing = (): void => undefined;

/** Completes a handler for a circuit of which only some events matter. */
export function caHandler(interesting: Partial<CaClientHandler>): CaClientHandler {
  return {
    version: nothing,
    searchFound: nothing,
    searchNotFound: nothing,
    accessRights: nothing,
    channelCreated: nothing,
    channelFailed: nothing,
    channelLost: nothing,
    channelCleared: nothing,
    readDone: nothing,
    event: nothing,
    subscriptionCancelled: nothing,
    echo: nothing,
    serverError: nothing,
    ignored: nothing,
    ...interesting,
  };
}
