/**
 * The agent that Node runs in a container's network namespace to carry connections, bundled into
 * one script. It is started in one of two ways, and in both it ends when whoever started it is
 * gone:
 *
 * - by an engine's exec, as `node -e SCRIPT`: frames over stdin and stdout;
 * - entered from the engine's machine, as `nsenter ... node agent.js` with an IPC channel: then
 *   every connected socket itself is handed over, and no byte of it passes through here.
 *
 * It must run on the old versions of Node that containers have (14 and later), and writes nothing
 * to disk.
 */
import { Socket } from 'node:net';
import { messageOf } from '../base/errors';
import {
  FrameType,
  MAGIC,
  MAX_PAYLOAD_BYTES,
  decodeOpen,
  encodeFrame,
  TICK_PERIOD_MS,
} from '../protocol/agent/frames';
import { decodeUtf8, encodeUtf8 } from '../protocol/bytes';
import { pipeBoth } from '../node/relay/pipeBoth';
import { MuxLink, type LinkFrame } from '../node/relay/muxLink';
import type { EnteredReply, EnteredRequest } from '../protocol/agent/enteredMessages';
import { connectInside } from './connectInside';
import { answerLook } from './answerLook';

if (process.send) serveParent(process.send.bind(process));
else serveStreams();

function serveParent(send: NonNullable<typeof process.send>): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (request: EnteredRequest) => {
    connectInside({ host: request.host, port: request.port }).then(
      (socket) => send({ id: request.id } satisfies EnteredReply, socket),
      (error: Error) => send({ id: request.id, failure: messageOf(error) } satisfies EnteredReply),
    );
  });
  send({ id: 0 } satisfies EnteredReply);
}

function serveStreams(): void {
  // Not process.stdout, whose writes block until the engine has read them.
  const input = new Socket({ fd: 0, readable: true, writable: false });
  const output = new Socket({ fd: 1, readable: false, writable: true });
  output.write(MAGIC);
  output.write(encodeFrame(FrameType.HELLO, 0, encodeUtf8(`node ${process.version}`)));
  const link = new MuxLink(input, output, false);
  let silentPeriods = 0;
  link.onFrame((frame) => {
    silentPeriods = 0;
    if (frame.type === FrameType.OPEN) open(link, frame);
    else if (frame.type === FrameType.LOOK) look(link, frame);
  });
  link.onDidClose(() => process.exit(0));
  // Count periods, not time: after a pause of the container the clock has jumped, and TICKs wait
  // unread.
  setInterval(() => {
    if (++silentPeriods >= 6) process.exit(0);
  }, TICK_PERIOD_MS);
}

function open(link: MuxLink, { connection, payload }: LinkFrame): void {
  connectInside(decodeOpen(payload)).then(
    (socket) => {
      link.send(FrameType.OPENED, connection);
      pipeBoth(socket, link.attach(connection), undefined);
    },
    (error: Error) => link.send(FrameType.FAIL, connection, encodeUtf8(messageOf(error))),
  );
}

function look(link: MuxLink, { connection, payload }: LinkFrame): void {
  const answer = encodeUtf8(answerLook(decodeUtf8(payload)));
  for (let at = 0; at < answer.byteLength; at += MAX_PAYLOAD_BYTES) {
    link.send(FrameType.REPORT, connection, answer.subarray(at, at + MAX_PAYLOAD_BYTES));
  }
  link.send(FrameType.REPORT, connection);
}
