import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { FrameReader, type CaFrame } from '../../../../src/protocol/ca';

/** One message with what caproto says about it (see test/vectors/capture/ca.py). */
export interface Vector {
  readonly hex: string;
  readonly caproto: string;
  readonly fields?: Readonly<Record<string, number | string | Record<string, number>>>;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface VectorFile {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly sentBy: 'client' | 'server';
  readonly transport: 'tcp' | 'udp';
  readonly messages: readonly Vector[];
}

const folder = path.join(import.meta.dirname, '../../../vectors/ca');

export const findings = JSON.parse(
  readFileSync(path.join(folder, 'findings.json'), 'utf8'),
) as Record<
  'rsrv' | 'pcas' | 'caproto' | 'caj',
  Record<'unprompted' | 'afterVersion' | 'oddEcho' | 'found' | 'absent', string>
>;

export const vectorFiles: readonly VectorFile[] = readdirSync(folder)
  .filter((file) => file.endsWith('.json') && file !== 'findings.json')
  .map((file) => ({
    file,
    ...(JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Omit<VectorFile, 'file'>),
  }));

export const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** All messages in a stream of chunks, payloads copied. */
export function cutFrames(chunks: readonly Uint8Array[], maxPayloadBytes = 1 << 26): CaFrame[] {
  const reader = new FrameReader('the peer', () => maxPayloadBytes);
  const frames: CaFrame[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    while (reader.next()) {
      const { command, dataType, count, parameter1, parameter2, payload } = reader;
      frames.push({ command, dataType, count, parameter1, parameter2, payload: payload.slice() });
    }
  }
  return frames;
}

export function cutOne(hex: string): CaFrame {
  const frames = cutFrames([fromHex(hex)]);
  if (frames.length !== 1) throw new Error(`${frames.length} messages in ${hex}`);
  return frames[0]!;
}
