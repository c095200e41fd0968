import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancelledError, UsageError } from '../../../src/base/errors';
import { readClientSettings } from '../../../src/node/readClientSettings';
import { FakeClock } from '../../support/fakeClock';
import { skip } from '../../support/skip';
import { until } from '../../support/until';

const { signal } = new AbortController();

describe('settings from a pipe', () => {
  let folder: string;
  let pipe: string;
  before(function () {
    if (process.platform === 'win32') skip(this, 'no pipes with names', 'platform');
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ee-pipe-'));
    pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const write = (command: string): unknown =>
    spawn('sh', ['-c', `${command} > "$0"`, pipe], { stdio: 'ignore' });

  it('are read to the end', async () => {
    write('printf "EPICS_CA_ADDR_LIST=x\\nEPICS_CA_NAME_SERVERS=y\\n"');
    const { settings } = await readClientSettings({ envFrom: pipe }, signal);
    assert.deepEqual(
      settings.map(({ value, line }) => [value, line]),
      [
        ['x', 1],
        ['y', 2],
      ],
    );
  });

  it('are no more than of a file', async () => {
    write('yes EPICS');
    await assert.rejects(readClientSettings({ envFrom: pipe }, signal), /is too long for settings/);
  });

  it('are not waited for without end', async () => {
    const clock = new FakeClock();
    const reading = readClientSettings({ envFrom: pipe }, signal, clock);
    const late = assert.rejects(reading, (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, /cannot be read: it was not written to its end/);
      return true;
    });
    await until(() => clock.pendingCount > 0, 5000, 'the wait for the pipe');
    await clock.advance(10_000);
    await late;
    const stop = new AbortController();
    const stopped = readClientSettings({ envFrom: pipe }, stop.signal);
    stop.abort();
    await assert.rejects(stopped, CancelledError);
  });
});
