import { onAbort } from '../../base/abort';
import { CancelledError, isErrorCode } from '../../base/errors';
import type { EngineApi } from '../engines/engineApi';

/**
 * A file of a container: by the engine's archive call, which needs no program in the container but
 * does not see what was mounted there since (tmpfs); so, when that finds nothing, with the
 * container's own `cat`. Not through /proc/PID/root: a symbolic link in the container would lead
 * to files of this machine.
 */
export async function readContainerFile(
  api: EngineApi,
  containerId: string,
  path: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  try {
    return await api.readFile(containerId, path, maxBytes, signal);
  } catch (error) {
    if (!isErrorCode(error, 'container')) throw error;
    // Only the first failure knows the reason; the other merely did not find more.
    const bytes = await readWithCat(api, containerId, path, maxBytes, signal);
    if (bytes === undefined) throw error;
    return bytes;
  }
}

/** Undefined when there is no `cat`, or it fails, or the file is too large. */
async function readWithCat(
  api: EngineApi,
  containerId: string,
  path: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const session = await api.exec(containerId, ['cat', '--', path], { signal });
  const { stdio } = session;
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  await new Promise<void>((resolve) => {
    const abortion = onAbort(signal, () => stdio.destroy());
    stdio.on('data', (bytes: Buffer) => {
      chunks.push(bytes);
      lengthBytes += bytes.length;
      if (lengthBytes > maxBytes) stdio.destroy();
    });
    stdio.on('error', () => undefined);
    stdio.on('close', () => {
      abortion.dispose();
      resolve();
    });
    stdio.end();
  });
  if (signal.aborted) throw new CancelledError();
  if (lengthBytes > maxBytes || (await session.exitCode()) !== 0) return undefined;
  return Uint8Array.from(Buffer.concat(chunks));
}
