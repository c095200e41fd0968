import { onAbort } from '../../base/abort';
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import {
  CancelledError,
  ContainerError,
  DisposedError,
  RemoteProtocolError,
  TransportError,
} from '../../base/errors';
import type { Endpoint } from '../../model/endpoint';
import { FrameType, TICK_PERIOD_MS, encodeOpen } from '../../protocol/agent/frames';
import { decodeUtf8, encodeUtf8 } from '../../protocol/bytes';
import type { ExecSession } from '../engines/engineApi';
import { MAX_LOOK_BYTES } from '../../services/discovery/detect/parseLook';
import { MuxLink, type LinkFrame, type MuxStream } from '../relay/muxLink';

const HELLO_TIMEOUT_MS = 15_000;
/**
 * Frames in a row that nobody asked for. Some are normal: answers to what was given up meanwhile.
 */
const MAX_UNASKED_FRAMES = 1000;

interface Waiting {
  readonly onFrame: (frame: LinkFrame) => void;
  readonly onClose: (error: Error) => void;
}

/** Our end of a link to an agent in a container: connections, looks at /proc, and signs of life. */
export class AgentLink implements Disposable {
  readonly #link: MuxLink;
  readonly #clock: Clock;
  /** Open OPENs and looks by number; both share one sequence of numbers. */
  readonly #waiting = new Map<number, Waiting>();
  #nextNumber = 1;
  #unaskedFrames = 0;
  #tick: Disposable | undefined;

  private constructor(link: MuxLink, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
    link.onFrame((frame) => this.#receive(frame));
    link.onDidClose((error) => {
      this.#tick?.dispose();
      for (const { onClose } of this.#waiting.values()) onClose(error);
      this.#waiting.clear();
    });
    this.#keepAlive();
  }

  /**
   * Starts the link; resolves at the agent's HELLO. Rejects with ContainerError that says what came
   * instead.
   */
  static start(session: ExecSession, clock: Clock, signal: AbortSignal): Promise<AgentLink> {
    const link = new MuxLink(session.stdio, session.stdio, true);
    return new Promise((resolve, reject) => {
      const listeners = [
        link.onFrame(({ type }) => {
          if (type !== FrameType.HELLO) {
            link.close(new ContainerError('its output does not begin as that of our agent'));
            return;
          }
          settle();
          resolve(new AgentLink(link, clock));
        }),
        link.onDidClose((error) => {
          settle();
          void explainEnd(session, error).then(reject);
        }),
        clock.after(HELLO_TIMEOUT_MS, () => link.close(new ContainerError('it does not start'))),
        onAbort(signal, () => link.close(new CancelledError())),
      ];
      const settle = (): void => {
        for (const listener of listeners) listener.dispose();
      };
    });
  }

  get isClosed(): boolean {
    return this.#link.closeReason !== undefined;
  }

  /**
   * Connects to an endpoint in the namespace. Rejects with TransportError (refused),
   * CancelledError, or the error that closed the link.
   */
  connect(target: Endpoint, signal: AbortSignal): Promise<MuxStream> {
    return this.#ask<MuxStream>(
      FrameType.OPEN,
      encodeOpen(target.host, target.port),
      signal,
      ({ type, connection, payload }, settle) => {
        if (type === FrameType.OPENED) settle(this.#link.attach(connection));
        else settle(new TransportError(decodeUtf8(payload)));
      },
    );
  }

  /** Sends a look command (parseLook.ts) and resolves to the answer. */
  look(command: string, signal: AbortSignal): Promise<string> {
    const parts: Uint8Array[] = [];
    let lengthBytes = 0;
    return this.#ask<string>(FrameType.LOOK, encodeUtf8(command), signal, ({ payload }, settle) => {
      lengthBytes += payload.byteLength;
      if (lengthBytes > MAX_LOOK_BYTES) settle(tooMuch());
      else if (payload.byteLength > 0) parts.push(payload);
      else settle(Buffer.concat(parts).toString('utf8'));
    });
  }

  dispose(): void {
    this.#link.close(new DisposedError('the agent'));
  }

  #ask<T>(
    type: typeof FrameType.OPEN | typeof FrameType.LOOK,
    payload: Uint8Array,
    signal: AbortSignal,
    onFrame: (frame: LinkFrame, settle: (result: T | Error) => void) => void,
  ): Promise<T> {
    const { closeReason } = this.#link;
    if (closeReason) return Promise.reject(closeReason);
    if (signal.aborted) return Promise.reject(new CancelledError());
    const number = this.#nextNumber++;
    return new Promise((resolve, reject) => {
      const settle = (result: T | Error): void => {
        abortion.dispose();
        this.#waiting.delete(number);
        if (result instanceof Error) reject(result);
        else resolve(result);
      };
      const abortion = onAbort(signal, () => settle(new CancelledError()));
      this.#waiting.set(number, { onFrame: (frame) => onFrame(frame, settle), onClose: settle });
      this.#link.send(type, number, payload);
    });
  }

  #receive(frame: LinkFrame): void {
    const waiting = this.#waiting.get(frame.connection);
    if (waiting) {
      this.#unaskedFrames = 0;
      waiting.onFrame(frame);
      return;
    }
    if (++this.#unaskedFrames > MAX_UNASKED_FRAMES) {
      this.#link.close(new RemoteProtocolError('the agent sends answers that nobody asked for'));
    }
    // Given up meanwhile: the agent must not keep a connection that nobody uses.
    if (frame.type === FrameType.OPENED) this.#link.send(FrameType.RESET, frame.connection);
  }

  #keepAlive(): void {
    this.#tick = this.#clock.after(TICK_PERIOD_MS, () => {
      this.#link.send(FrameType.TICK, 0);
      this.#keepAlive();
    });
  }
}

/** The answer to a look is much too long. */
export function tooMuch(): ContainerError {
  return new ContainerError(`its answer has more than ${MAX_LOOK_BYTES} bytes`);
}

/** Explains, from what the program or the engine printed, why there was no HELLO. */
async function explainEnd(session: ExecSession, error: Error): Promise<Error> {
  if (error instanceof CancelledError) return error;
  const exitCode = await session.exitCode().catch(() => undefined);
  const said = session.stderrText().trim().split('\n').at(-1) ?? '';
  if (exitCode === 126 || exitCode === 127) return new ContainerError('not in the container');
  const ending = exitCode === undefined ? error.message : `exit code ${exitCode}`;
  return new ContainerError(said === '' ? ending : `${ending}: ${said}`);
}
