/** How an engine answers: late, which is not never; or without an end. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log';
import { DockerodeEngine } from '../../src/node/engines/dockerodeEngine';
import { ENGINE_ANSWER_CAP_BYTES } from '../../src/node/engines/engineAgent';
import { parseEngineTarget } from '../../src/node/engines/engineTarget';
import { FakeClock } from '../support/fakeClock';
import { until } from '../support/until';
import { said } from '../support/said';

/** Longer than any deadline on the first words with a local engine, and than the pause after it. */
const LATE_MS = 4000;

describe('an engine that answers', () => {
  let folder: string;
  let server: Server;
  let engine: DockerodeEngine;
  let clock: FakeClock;
  let isAwake: boolean;
  let isEndless: boolean;
  let askedCount: number;
  let sentBytes: number;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'epics-expose-slow-'));
    const path = join(folder, 'engine.sock');
    isAwake = false;
    isEndless = false;
    askedCount = 0;
    sentBytes = 0;
    server = createServer(({ url = '' }, response) => {
      askedCount++;
      if (!isAwake) return;
      if (isEndless && url.includes('/containers/json')) sendForEver(response);
      else answer(url, response);
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    clock = new FakeClock();
    engine = new DockerodeEngine(parseEngineTarget(path), {
      ...{ env: {}, clock, log: silentLog },
      openContainer: () => assert.fail('there is none'),
    });
    engine.start();
    await until(() => askedCount > 0, 5000, 'the first words');
  });
  afterEach(async () => {
    await engine.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  /** Lets the deadline pass, and comes back when it is asked again. */
  async function late(): Promise<void> {
    const before = askedCount;
    await clock.advance(LATE_MS);
    await until(() => askedCount > before, 5000, 'another try');
  }

  it('late once is asked again before anybody hears of it, and is there', async () => {
    await late();
    assert.equal(engine.state.status, 'connecting');
    isAwake = true;
    await clock.advance(LATE_MS);
    await until(
      async () => {
        await clock.advance(100);
        return engine.state.status === 'connected';
      },
      5000,
      'the engine',
    );
  });

  it('late twice is told, and taken back when it answers', async () => {
    await late();
    await late();
    assert.equal(engine.state.status, 'unreachable');
    assert.match(said(engine.state.problem), /does not answer/);
    isAwake = true;
    await until(
      async () => {
        await clock.advance(1000);
        return engine.state.status === 'connected';
      },
      5000,
      'the engine',
    );
    assert.equal(engine.state.problem, undefined);
  });

  it('late on a busy machine has longer', async () => {
    clock.load = 4;
    await late();
    await clock.advance(2 * LATE_MS);
    assert.equal(engine.state.status, 'connecting');
  });

  it('with a list that has no end is cut off, which is said', async () => {
    isEndless = true;
    isAwake = true;
    await late();
    await until(() => engine.state.status === 'unreachable', 30_000, 'an end');
    assert.match(said(engine.state.problem), /answered .*with more than 64 MiB/);
    assert.ok(sentBytes < 2 * ENGINE_ANSWER_CAP_BYTES, `${sentBytes} bytes were taken`);
  });

  function sendForEver(response: ServerResponse): void {
    const piece = Buffer.alloc(1024 * 1024, '[');
    const send = (): void => {
      if (response.destroyed) return;
      sentBytes += piece.length;
      response.write(piece, send);
    };
    send();
  }
});

function answer(url: string, response: ServerResponse): void {
  const path = url.replace(/^\/v[\d.]+/, '').replace(/\?.*/, '');
  const replies: Record<string, unknown> = {
    '/_ping': 'OK',
    '/version': { ApiVersion: '1.41', Version: '20.10' },
    '/info': { ID: 'slow' },
    '/containers/json': [],
  };
  if (path === '/events') {
    response.writeHead(200).flushHeaders();
    return;
  }
  response.end(path === '/_ping' ? 'OK' : JSON.stringify(replies[path] ?? {}));
}
