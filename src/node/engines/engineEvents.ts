import { RemoteProtocolError } from '../../base/errors';

/**
 * Actions that mean that the list of containers is out of date. Podman has `died`, `init` and
 * `remove` for Docker's `die`, `create` and `destroy`; its Docker-compatible stream translates
 * some. Our own execs cause events too (`exec_start`, `exec_died`), which must not make us list
 * again: hence a list of what counts.
 */
const relevantActions = new Set([
  'create',
  'start',
  'restart',
  'die',
  'died',
  'stop',
  'kill',
  'pause',
  'unpause',
  'rename',
  'destroy',
  'remove',
  'cleanup',
  'oom',
  'connect',
  'disconnect',
]);

const lineCapBytes = 1024 * 1024;

/** A container whose state may have changed, or that was created just now. */
export interface ContainerChange {
  readonly id: string;
  readonly isCreated: boolean;
}

/**
 * Reads chunks of an engine's event stream; reports each container whose state may have changed.
 */
export class EngineEventReader {
  readonly #onChange: (containerId: string, isCreated: boolean) => void;
  #rest = '';
  readonly #decoder = new TextDecoder();

  constructor(onChange: (containerId: string, isCreated: boolean) => void) {
    this.#onChange = onChange;
  }

  /** @throws RemoteProtocolError if a line has no end. Lines that are not JSON are skipped. */
  receive(chunk: Uint8Array): void {
    const lines = this.#decoder.decode(chunk, { stream: true }).split('\n');
    lines[0] = this.#rest + (lines[0] ?? '');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > lineCapBytes) {
      throw new RemoteProtocolError('the engine sent an event of more than a megabyte');
    }
    for (const line of lines) {
      const change = changedContainer(line);
      if (change) this.#onChange(change.id, change.isCreated);
    }
  }
}

/** The container that an event of Docker or Podman is about, if the event counts. */
export function changedContainer(line: string): ContainerChange | undefined {
  const event = parse(line);
  if (!event) return undefined;
  const action = text(event['Action']) ?? text(event['status']) ?? '';
  if (!relevantActions.has(action)) return undefined;
  const actor = event['Actor'] as
    { ID?: unknown; Attributes?: Record<string, unknown> } | undefined;
  const type = text(event['Type']) ?? 'container';
  if (type !== 'container' && type !== 'network') return undefined;
  // Docker's network events name the container among the attributes; Podman's are about the
  // container.
  const id =
    type === 'network'
      ? (text(actor?.Attributes?.['container']) ?? text(actor?.ID))
      : (text(actor?.ID) ?? text(event['id']) ?? text(event['ID']));
  if (id === undefined) return undefined;
  return { id, isCreated: type === 'container' && action === 'create' };
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined; // an empty or unknown line: the next refresh is not far away
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
