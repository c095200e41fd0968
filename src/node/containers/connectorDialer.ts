/**
 * The last resort: one program of the container per connection, with its stdin and stdout as the
 * connection. It costs an exec each time, and ends are carried as well as the engine carries them.
 */
import { isIPv4 } from 'node:net';
import { ContainerError, DisposedError } from '../../base/errors';
import { onAbort, withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { type Endpoint, isUnspecified } from '../../model/endpoint';
import type { EngineApi, ExecSession } from '../engines/engineApi';
import { loopbackFor } from './directDialers';
import type { Dialer } from './dialledRoute';

interface Connector {
  readonly name: string;
  /** A command that exits with 0 when the container has everything needed. */
  readonly check: readonly string[];
  readonly argv: (target: Endpoint) => readonly string[];
}

/**
 * Each ends when its input does, or the circuit in the IOC would outlive its client, and when the
 * IOC closes, or the client would not notice. The target is a numeric host and a number, so nothing
 * in it means anything to a shell.
 */
const CONNECTORS: readonly Connector[] = [
  {
    name: 'socat',
    check: ['socat', '-V'],
    // Its buffer of 8 KiB is what makes socat slow over an exec.
    argv: ({ host, port }) => {
      const address = host.includes(':') ? `TCP6:[${host}]:${port}` : `TCP4:${host}:${port}`;
      return ['socat', '-b131072', '-t1', '-', address];
    },
  },
  {
    name: 'nc',
    check: ['sh', '-c', 'command -v nc'],
    // busybox and nmap pass on the end of the input; the BSD and the traditional one must be told
    // to.
    argv: ({ host, port }) => [
      'sh',
      '-c',
      'case "$(nc -h 2>&1)" in *"-q "*) exec nc -q 1 "$1" "$2";; esac; exec nc "$1" "$2"',
      'connect',
      host,
      String(port),
    ],
  },
  {
    name: 'bash',
    check: ['bash', '-c', 'command -v cat && enable wait'],
    // Without descriptor 4 the second copy would read /dev/null, as background jobs do.
    argv: ({ host, port }) => [
      'bash',
      '-c',
      'exec 4<&0 3<>"/dev/tcp/$1/$2" || exit 1; cat <&3 & r=$!; cat <&4 >&3 & w=$!; ' +
        'wait -n; kill $r $w 2>/dev/null',
      'connect',
      host,
      String(port),
    ],
  },
];

/** Checking for a program takes as long as starting it. */
const CHECK_TIMEOUT_MS = 10_000;

/**
 * Connects with socat, nc or bash in the container. `findAddresses`: the container's own addresses
 * as the engine knows them; for some networks it knows none.
 */
export function connectorDialer(
  api: EngineApi,
  containerId: string,
  clock: Clock,
  findAddresses: (signal: AbortSignal) => Promise<readonly string[]>,
): Dialer {
  const ending = new AbortController();
  let chosen: Promise<Connector> | undefined;
  return {
    kind: 'exec-connector',
    label: `socat, nc or bash over ${api.kind} exec`,
    async connect(target, signal) {
      if (ending.signal.aborted) throw new DisposedError('the connector');
      chosen ??= choose(api, containerId, clock, ending.signal);
      const connector = await chosen.catch((error: unknown) => {
        chosen = undefined;
        throw error;
      });
      // Whether it has connected cannot be known: a refusal shows as an end without a byte.
      const argv = connector.argv(await placeOf(target, findAddresses, signal));
      const session = await api.exec(containerId, argv, { signal });
      session.stdio.pause();
      return { stream: session.stdio, usesOnread: false };
    },
    dispose: () => ending.abort(),
  };
}

/**
 * The one place to connect to, because a refusal would not show. The container's own address, so
 * that the IOC does not take every client for a program of the container; loopback if no address is
 * known, or the server listens on loopback only.
 */
async function placeOf(
  target: Endpoint,
  findAddresses: (signal: AbortSignal) => Promise<readonly string[]>,
  signal: AbortSignal,
): Promise<Endpoint> {
  const addresses = isUnspecified(target.host) ? await findAddresses(signal) : [];
  const own = addresses.find((address) => isIPv4(address));
  return own === undefined ? loopbackFor(target)[0] : { host: own, port: target.port };
}

/** The first connector that the container has. */
async function choose(
  api: EngineApi,
  containerId: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<Connector> {
  for (const connector of CONNECTORS) {
    const session = await api.exec(containerId, connector.check, { signal });
    const what = `${connector.name} in the container did not end within ${CHECK_TIMEOUT_MS / 1000} s`;
    const code = await withDeadline(clock, CHECK_TIMEOUT_MS, what, signal, (inner) =>
      finish(session, inner),
    );
    if (code === 0) return connector;
  }
  throw new ContainerError('the container has none of socat, nc (with sh), bash (with cat)');
}

/** Runs a program to its end without input; resolves to its exit code. */
function finish(session: ExecSession, signal: AbortSignal): Promise<number | undefined> {
  const { stdio } = session;
  return new Promise((resolve, reject) => {
    const abortion = onAbort(signal, () => stdio.destroy());
    stdio.on('error', reject);
    stdio.on('close', () => {
      abortion.dispose();
      resolve(signal.aborted ? undefined : session.exitCode());
    });
    stdio.resume();
    stdio.end();
  });
}
