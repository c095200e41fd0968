/**
 * The HTTP agents of an engine's client: no idle connections, and an end to what one answer may hold.
 * docker-modem keeps a whole answer in memory, however long it is.
 */
import { Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { EngineError } from '../../base/errors';

const MIB = 1024 * 1024;
/** Bytes of one answer. A list of 1,000 containers has some 5 MiB. */
export const ENGINE_ANSWER_CAP_BYTES = 64 * MIB;

/** Read piece by piece by who asked, who has a limit of his own. */
const streams = /^(\/v[\d.]+)?\/(events\?|containers\/[^/]+\/archive\?)/;

/** A connection that the engine closes while we send on it would fail for no good reason. */
const noIdle = { keepAlive: false };

export function engineAgent(tls?: Record<string, unknown>): Agent {
  const agent = tls ? new TlsAgent({ ...noIdle, ...tls }) : new Agent(noIdle);
  const { addRequest } = agent as unknown as Requests;
  // Node's own name for where a request meets its agent; libraries of agents build on it, too.
  (agent as unknown as Requests).addRequest = (request, ...rest) => {
    request.once('response', (response) => {
      limit(request, response);
    });
    addRequest.call(agent, request, ...rest);
  };
  return agent;
}

interface Requests {
  addRequest: (request: ClientRequest, ...rest: unknown[]) => void;
}

/** docker-modem listens for the bytes in the same turn, so none is lost to this listener. */
function limit({ path }: ClientRequest, response: IncomingMessage): void {
  const isRefusal = (response.statusCode ?? 0) >= 400;
  if (streams.test(path) && !isRefusal) return;
  let byteCount = 0;
  response.on('data', ({ length }: Buffer) => {
    byteCount += length;
    if (byteCount <= ENGINE_ANSWER_CAP_BYTES) return;
    const what = path.replace(/\?.*/, '');
    const most = `${ENGINE_ANSWER_CAP_BYTES / MIB} MiB`;
    response.destroy(new EngineError(`it answered ${what} with more than ${most}`));
  });
}
