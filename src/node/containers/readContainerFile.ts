import { onAbort, withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { CancelledError, isErrorCode } from '../../base/errors';
import type { EngineApi } from '../engines/engineApi';

/** Reading may never end if it is not a file on a disk, or the disk hangs. */
const CAT_TIMEOUT_MS = 10_000;

/**
 * Prints a file, and ends when its input does: a program started by an exec outlives the exec's
 * connection, so a waiting `cat` would stay as long as the container. Only regular files are read;
 * a pipe may have no writer.
 */
const GUARDED_CAT = `
[ -f "$1" ] || exit 1
exec 3<&0
cat -- "$1" </dev/null 3<&- & cat=$!
{ while read -r x; do :; done; kill -9 $cat; } <&3 >/dev/null 2>&1 & guard=$!
wait $cat; code=$?
kill -9 $guard 2>/dev/null
exit $code
`;

/**
 * Reads a file of a container. First by the engine's archive call, which needs no program in the
 * container but does not see what was mounted there since (tmpfs); if that finds nothing, with the
 * container's own `cat`, started by its shell. Not through /proc/PID/root: a symbolic link in the
 * container would lead to files of this machine.
 */
export async function readContainerFile(
  api: EngineApi,
  containerId: string,
  path: string,
  maxBytes: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Uint8Array> {
  try {
    return await api.readFile(containerId, path, maxBytes, signal);
  } catch (error) {
    if (!isErrorCode(error, 'container')) throw error;
    // Only the first failure knows the reason; the second merely found nothing either.
    const what = `${path} was not read within ${CAT_TIMEOUT_MS / 1000} s`;
    const bytes = await withDeadline(clock, CAT_TIMEOUT_MS, what, signal, (inner) =>
      readWithCat(api, containerId, path, maxBytes, inner),
    );
    if (bytes === undefined) throw error;
    return bytes;
  }
}

/** Undefined when there is no shell or `cat`, it fails, or the file is too large. */
async function readWithCat(
  api: EngineApi,
  containerId: string,
  path: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const session = await api.exec(containerId, ['sh', '-c', GUARDED_CAT, 'cat', path], { signal });
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
  });
  if (signal.aborted) throw new CancelledError();
  if (lengthBytes > maxBytes || (await session.exitCode()) !== 0) return undefined;
  return Uint8Array.from(Buffer.concat(chunks));
}
