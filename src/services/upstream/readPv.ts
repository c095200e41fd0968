import { ContainerError } from '../../base/errors';
import type { PvReading } from '../../model/reading';
import type { Channel, ProtocolAdapter } from './protocolAdapter';

/** The server refused the channel: it does not have the PV, or hides it. */
export class NoChannelError extends ContainerError {}

/** How to read. */
export interface ReadOptions {
  /** The server is a gateway, which looks for a PV only when it is searched for it. */
  readonly isGateway?: boolean;
  /** The path of a part of the structure to read alone, over pvAccess. */
  readonly part?: readonly string[];
}

/**
 * Reads a PV once over a circuit that is ready: on a channel that is open, otherwise on one of its
 * own, which it closes. `onResult` is called once, unless the circuit ends before; its errors are
 * sentences for the user, NoChannelError if the server refuses the channel. Returns a function that
 * gives the read up: it returns true if nothing more will arrive, false if the answer is still on
 * its way. Throws for a name that cannot be asked for.
 */
export function readPv(
  adapter: ProtocolAdapter,
  name: string,
  openChannel: Channel | undefined,
  onResult: (result: PvReading | Error) => void,
  { isGateway = false, part }: ReadOptions = {},
): () => boolean {
  if (openChannel) {
    openChannel.read(onResult, part);
    return () => false;
  }
  let isAsked = false;
  let isRefused = false;
  const channel = adapter.openChannel(name, {
    wantsReason: isGateway,
    opened() {
      isAsked = true;
      channel.read((result) => {
        channel.close();
        onResult(result);
      }, part);
    },
    refused(_refusal, message) {
      if (isRefused) return; // the reason, which does not matter here
      isRefused = true;
      const why = message === '' ? '' : `: ${message}`;
      onResult(new NoChannelError(`the IOC has no PV ${name}, or refuses it${why}`));
    },
    // A read on it has failed already.
    lost: () => undefined,
  });
  return () => {
    // core-pva never answers for a name that it does not have.
    if (!isAsked) channel.close();
    return !isAsked;
  };
}
