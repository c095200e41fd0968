import type { CaClientHandler } from '../../../../src/protocol/ca';

export type CaClientCall = readonly [name: keyof CaClientHandler, ...args: unknown[]];

/** A handler that writes down every call (payloads copied) and then asks `react`. */
export function recordingHandler(
  react: Partial<CaClientHandler> = {},
): CaClientHandler & { readonly calls: CaClientCall[] } {
  const calls: CaClientCall[] = [];
  const method =
    <K extends keyof CaClientHandler>(name: K) =>
    (...args: unknown[]): void => {
      calls.push([
        name,
        ...args.map((argument) =>
          argument instanceof Uint8Array ? Uint8Array.from(argument) : argument,
        ),
      ]);
      (react[name] as ((...args: unknown[]) => void) | undefined)?.(...args);
    };
  return {
    calls,
    version: method('version'),
    searchFound: method('searchFound'),
    searchNotFound: method('searchNotFound'),
    accessRights: method('accessRights'),
    channelCreated: method('channelCreated'),
    channelFailed: method('channelFailed'),
    channelLost: method('channelLost'),
    channelCleared: method('channelCleared'),
    readDone: method('readDone'),
    event: method('event'),
    subscriptionCancelled: method('subscriptionCancelled'),
    echo: method('echo'),
    serverError: method('serverError'),
    ignored: method('ignored'),
  };
}
