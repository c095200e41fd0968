/** How many TCP connections hovers cost a server. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { DEMO_PVS } from '../../src/demo/demoPvs';
import type { Endpoint } from '../../src/model/endpoint';
import { Brokers, DEMO, localOf, settled } from '../support/brokers';
import { skip } from '../support/skip';

const never = new AbortController().signal;
const LISTEN = '0A';

describe('hovers over the PVs of a server', function () {
  this.timeout(40_000);
  let brokers: Brokers;
  beforeEach(function () {
    if (process.platform !== 'linux') skip(this, 'needs Linux: /proc/net/tcp', 'platform');
    brokers = new Brokers();
  });
  afterEach(() => brokers.end());

  it('read values over the circuit that is there, over each protocol', async () => {
    const frontEnd = await brokers.connect();
    await frontEnd.setRequest(DEMO);
    await settled(frontEnd);
    const servers = [localOf(frontEnd, 'ca'), localOf(frontEnd, 'pva')];
    const before = servers.map((server) => connectionsTo(server));
    const names = DEMO_PVS.flatMap(({ name }) => [name, `${name}.DESC`]);
    for (const name of names) {
      const { paths } = await frontEnd.describePv({ name, maxWaitMs: 5000 }, never);
      assert.deepEqual(
        paths.map(({ reading, readProblem }) => [reading !== undefined, readProblem]),
        [
          [true, undefined],
          [true, undefined],
        ],
      );
    }
    servers.forEach((server, at) => {
      const opened = connectionsTo(server).filter((port) => before[at]?.includes(port) === false);
      // One each would be twenty-four; a few may be of other programs that ask who has the port.
      assert.ok(opened.length <= 4, `${opened.length} connections were opened`);
    });
  });
});

/** Ports at the other end of its connections, also of those that have just ended. */
function connectionsTo({ host, port }: Endpoint): string[] {
  const address = host.split('.').reverse().map(Number).map(hex(2)).join('');
  const server = `${address}:${hex(4)(port)}`;
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1);
  const ports = lines.flatMap((line) => {
    const [, local = '', remote = '', state] = line.trim().split(/\s+/);
    if (state === LISTEN) return [];
    if (local === server) return [remote];
    return remote === server ? [local] : [];
  });
  return [...new Set(ports)];
}

function hex(digits: number): (number: number) => string {
  return (number) => number.toString(16).toUpperCase().padStart(digits, '0');
}
