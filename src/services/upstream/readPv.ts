import { ContainerError } from '../../base/errors';
import type { PvReading } from '../../model/reading';
import type { Channel, ProtocolAdapter } from './protocolAdapter';

/**
 * Reads a PV once over a circuit that is ready: on a channel that is open, else on one of its own, which
 * it closes. `onResult` is called once, unless the circuit ends before; it is told errors as sentences for
 * a person. Returns what gives the read up: true when nothing is to come any more, false when the answer
 * is still on its way. Throws for a name that nobody can be asked for.
 */
export function readPv(
  adapter: ProtocolAdapter,
  name: string,
  openChannel: Channel | undefined,
  onResult: (result: PvReading | Error) => void,
): () => boolean {
  if (openChannel) {
    openChannel.read(onResult);
    return () => false;
  }
  let isAsked = false;
  const channel = adapter.openChannel(name, {
    opened() {
      isAsked = true;
      channel.read((result) => {
        channel.close();
        onResult(result);
      });
    },
    refused(_refusal, message) {
      const why = message === '' ? '' : `: ${message}`;
      onResult(new ContainerError(`the IOC has no PV ${name}, or refuses it${why}`));
    },
    // What was being read on it has failed.
    lost: () => undefined,
  });
  return () => {
    // core-pva never answers for a name that it does not have.
    if (!isAsked) channel.close();
    return !isAsked;
  };
}
