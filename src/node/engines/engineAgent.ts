import { Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { inspect } from 'node:util';
import { EngineError } from '../../base/errors';

const MIB = 1024 * 1024;
/**
 * Bytes of one answer: docker-modem keeps a whole answer in memory, however long it is. A list of
 * 1,000 containers has some 5 MiB.
 */
export const ENGINE_ANSWER_CAP_BYTES = 64 * MIB;

/** Answers that their reader takes piece by piece, within a limit of its own. */
const streams = /^(\/v[\d.]+)?\/(events\?|containers\/[^/]+\/archive\?)/;

/** An idle connection that the engine closes while we send on it would fail for no good reason. */
const noIdle = { keepAlive: false };

/** The HTTP agent of an engine's client: no idle connections, and a limit on each answer. */
export function engineAgent(tls?: Record<string, unknown>): Agent {
  const agent = tls ? new TlsAgent({ ...noIdle, ...tls }) : new Agent(noIdle);
  const { addRequest } = agent as unknown as Requests;
  // docker-modem describes each request, with all sockets of its agent, to a log that nobody reads:
  // a sixth of all our time with 50 containers.
  Object.assign(agent, { [inspect.custom]: () => 'Agent' });
  // Node's own name for where a request meets its agent; agent libraries use it, too.
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

/** docker-modem listens for the bytes in the same turn, so that this listener loses none. */
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
