import assert from 'node:assert/strict';
import { awaitIoc } from '../../../src/ui/awaitIoc';
import { FakeClock } from '../../support/fakeClock';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n';
const socket = (local: string, state: string): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 7 1\n`;
const never = new AbortController().signal;

describe('awaitIoc', () => {
  const start = (tables: Record<string, string | undefined>, signal = never) => {
    const clock = new FakeClock();
    let outcome: string | undefined;
    let reads = 0;
    const readText = (path: string): Promise<string> => {
      reads++;
      const text = tables[path];
      return text === undefined ? Promise.reject(new Error('none')) : Promise.resolve(text);
    };
    awaitIoc({ readText, clock }, signal).then(
      (how) => (outcome = how),
      () => (outcome = 'aborted'),
    );
    return { clock, outcome: () => outcome, reads: () => reads };
  };

  it('waits until something listens where IOCs do', async () => {
    // A connection to an IOC elsewhere, and a web server.
    const others = HEAD + socket('0100007F:13C8', '01') + socket('00000000:1F90', '0A');
    const tables: Record<string, string | undefined> = { '/proc/net/tcp': others };
    const { clock, outcome } = start(tables);
    await clock.advance(60_000);
    assert.equal(outcome(), undefined);
    tables['/proc/net/tcp'] = others + socket('00000000:13C8', '0A');
    await clock.advance(3000);
    assert.equal(outcome(), 'listens');
    assert.equal(clock.pendingCount, 0);
  });

  it('sees an IOC with pvAccess alone, and one that listens on IPv6', async () => {
    const any = '00000000000000000000000000000000';
    const tables = { '/proc/net/tcp6': HEAD + socket(`${any}:13D3`, '0A') };
    const { clock, outcome } = start(tables);
    await clock.advance(0);
    assert.equal(outcome(), 'listens');
  });

  it('gives up where no table can be read', async () => {
    const { clock, outcome, reads } = start({});
    await clock.advance(600_000);
    assert.equal(outcome(), 'unknown');
    assert.equal(reads(), 6);
  });

  it('ends when aborted', async () => {
    const abort = new AbortController();
    const { clock, outcome } = start({ '/proc/net/tcp': HEAD }, abort.signal);
    await clock.advance(10_000);
    abort.abort();
    await clock.advance(0);
    assert.equal(outcome(), 'aborted');
    assert.equal(clock.pendingCount, 0);
  });
});
