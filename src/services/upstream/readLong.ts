import type { PvReading } from '../../model/reading';
import { encodeUtf8 } from '../../protocol/bytes';
import type { Channel, ProtocolAdapter } from './protocolAdapter';

/** Bytes of a DBR_STRING without its NUL. IOCs read fields as such, also for pvAccess. */
const MAX_STRING_BYTES = 39;
/** Servers of IOCs, which have a string of any length under another name, and answer if not. */
const WITH_LONG_STRINGS = ['rsrv', 'pvxs', 'pvAccessCPP'];

/** Whether a value is a string as long as a DBR_STRING can be, so that it may be cut. */
export function isMaybeCut(value: unknown): boolean {
  return typeof value === 'string' && encodeUtf8(value).length === MAX_STRING_BYTES;
}

/**
 * The name under which IOCs have a string of any length, as an array of characters. Undefined if
 * there is none.
 */
export function longStringName(name: string): string | undefined {
  if (name.endsWith('$') || name.includes('{')) return undefined;
  return name.includes('.') ? `${name}$` : `${name}.VAL$`;
}

/**
 * Reads a string again under its other name if it may be cut and the server may have that.
 * `onResult` is called once, with the same reading if not, unless the circuit ends before.
 */
export function readLong(
  adapter: ProtocolAdapter,
  software: string | undefined,
  name: string,
  reading: PvReading,
  onResult: (reading: PvReading) => void,
): void {
  const longName = isMaybeCut(reading.value) ? longStringName(name) : undefined;
  const mayHave = software !== undefined && WITH_LONG_STRINGS.includes(software);
  if (longName === undefined || !mayHave || !adapter.canAsk(longName)) {
    onResult(reading);
    return;
  }
  const { isMaybeCut: _, ...whole } = reading;
  const channel: Channel = adapter.openChannel(longName, {
    opened: () =>
      channel.read((result) => {
        channel.close();
        const isRead = !(result instanceof Error) && typeof result.value === 'string';
        onResult(isRead ? { ...whole, value: result.value } : reading);
      }),
    refused: () => onResult(reading),
    // A read on it has failed already.
    lost: () => undefined,
  });
}
