/**
 * Our Channel Access server side against real clients: libca (aioca), given nothing but our address
 * as its name server, and caproto's circuit, which checks every message against its own rules.
 */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import {
  CaServerCircuit,
  dbrType,
  dbrName,
  type CaPvProvider,
  type CaServedPv,
} from '../../src/protocol/ca';
import { skip } from '../support/skip';
import { servedPvs, TestPv } from '../unit/protocol/ca/servedPvs';

const python = resolve(process.env['EPICS_EXPOSE_TEST_PYTHON'] ?? '.cache/venv/bin/python');

/** Prints one JSON object. Reading demo:step makes demo:count count. */
const libcaScript = `
import asyncio, json
import aioca
async def main():
    temperature = await aioca.caget('demo:temperature', format=aioca.FORMAT_CTRL)
    timed = await aioca.caget('demo:temperature', format=aioca.FORMAT_TIME)
    state = await aioca.caget('demo:state', format=aioca.FORMAT_CTRL)
    state_text = await aioca.caget('demo:state', datatype=aioca.DBR_ENUM_STR)
    wave = await aioca.caget('demo:wave')
    part = await aioca.caget('demo:wave', count=3)
    text = await aioca.caget('demo:text')
    absent = await aioca.caget('demo:absent', timeout=0.5, throw=False)
    put = await aioca.caput('demo:temperature', 1.0, throw=False)
    info = await aioca.cainfo('demo:wave')
    updates = asyncio.Queue()
    subscription = aioca.camonitor('demo:count', updates.put)
    first = await asyncio.wait_for(updates.get(), 5)
    await aioca.caget('demo:step')
    seen = first
    while seen != 3:
        await aioca.caget('demo:step')
        seen = await asyncio.wait_for(updates.get(), 5)
    subscription.close()
    many = await aioca.caget(['demo:many:%d' % i for i in range(500)])
    print(json.dumps(dict(
        temperature=float(temperature), units=temperature.units, precision=temperature.precision,
        upper=temperature.upper_ctrl_limit, severity=timed.severity, raw=list(timed.raw_stamp),
        state=int(state), enums=list(state.enums), state_text=str(state_text),
        wave=[len(wave), int(wave[0]), int(wave[-1])], part=[int(i) for i in part], text=str(text),
        absent=absent.ok, put=str(put), count=info.count, write=info.write,
        first=int(first), many=sum(many))))
asyncio.run(main())
`;

/** Reads every type that a PV can be read as, and prints what caproto makes of each. */
const caprotoScript = `
import json, socket, sys
import caproto as ca
sock = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
circuit = ca.VirtualCircuit(ca.CLIENT, ('127.0.0.1', int(sys.argv[1])), 0)
channel = ca.ClientChannel('demo:temperature', circuit)
def send(*commands):
    sock.sendall(b''.join(bytes(b) for b in circuit.send(*commands)))
def wait(kind):
    while True:
        commands, _ = circuit.recv(sock.recv(65536))
        for command in commands:
            if command is ca.DISCONNECTED: raise SystemExit('disconnected')
            circuit.process_command(command)
        for command in commands:
            if isinstance(command, kind): return command
send(ca.VersionRequest(0, 13), channel.host_name('here'), channel.client_name('me'), channel.create())
wait(ca.CreateChanResponse)
values = {}
for kind in range(35):
    send(channel.read(data_type=kind, data_count=1))
    reply = wait(ca.ReadNotifyResponse)
    value = reply.data[0]
    values[kind] = value.decode() if isinstance(value, bytes) else float(value)
send(channel.subscribe(data_type=20, data_count=1))
event = wait(ca.EventAddResponse)
send(channel.unsubscribe(event.subscriptionid))
wait(ca.EventAddResponse)  # what caproto takes the confirmation for, from rsrv too
send(ca.EchoRequest())
wait(ca.EchoResponse)
send(channel.clear())
wait(ca.ClearChannelResponse)
print(json.dumps(dict(values=values, event=float(event.data[0]), states=str(channel.states[ca.CLIENT]))))
`;

/** A PV that runs `onRead` whenever a client reads it, so that a client can say "now". */
function triggerPv(onRead: () => void): CaServedPv {
  const pv = new TestPv({ element: 'LONG', value: Int32Array.of(0) });
  return {
    element: pv.element,
    maxCount: 1,
    read: () => (onRead(), pv.read()),
    subscribe: (onChange) => pv.subscribe(onChange),
  };
}

function provider(): CaPvProvider {
  const { pvs } = servedPvs();
  const count = new TestPv({ element: 'LONG', value: Int32Array.of(0) });
  let counted = 0;
  const step = triggerPv(() => count.set(Int32Array.of(Math.min(++counted, 3))));
  pvs['demo:count'] = count;
  for (let i = 0; i < 500; i++) {
    pvs[`demo:many:${i}`] = new TestPv({ element: 'LONG', value: Int32Array.of(i) });
  }
  return { find: (name) => (name === 'demo:step' ? step : pvs[name]) };
}

function serve(pvs: CaPvProvider, sockets: Set<Socket>): Promise<Server> {
  return new Promise((done, fail) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      sockets.add(socket);
      const send = (): void => {
        if (socket.writableNeedDrain) return;
        const bytes = circuit.takeOutput();
        if (bytes.length > 0) socket.write(bytes);
      };
      const circuit = new CaServerCircuit(pvs, {
        peer: 'the client',
        port: (server.address() as AddressInfo).port,
        onOutput: () => setImmediate(send),
      });
      socket.on('drain', send);
      socket.on('data', (chunk) => {
        circuit.receive(chunk);
        send();
      });
      socket.on('close', () => {
        circuit.dispose();
        sockets.delete(socket);
      });
      send();
    });
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => done(server));
  });
}

describe('CA server role', function () {
  this.timeout(30_000);
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;

  before(async function () {
    if (spawnSync(python, ['-c', 'import aioca, caproto']).status !== 0) {
      skip(this, `no Python with aioca and caproto at ${python}`, 'iocs');
    }
    server = await serve(provider(), sockets);
    port = (server.address() as AddressInfo).port;
  });
  after((done) => {
    for (const socket of sockets) socket.destroy();
    if (server) server.close(done);
    else done();
  });

  const run = async (script: string): Promise<Record<string, unknown>> => {
    const { stdout } = await promisify(execFile)(python, ['-c', script, String(port)], {
      timeout: 20_000,
      env: {
        ...process.env,
        EPICS_CA_NAME_SERVERS: `127.0.0.1:${port}`,
        EPICS_CA_AUTO_ADDR_LIST: 'NO',
        EPICS_CA_ADDR_LIST: '',
      },
    });
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  it('serves libca: caget, cainfo, camonitor, and refuses caput', async () => {
    const { put, ...seen } = await run(libcaScript);
    assert.deepEqual(seen, {
      temperature: 21.5,
      units: '°C',
      precision: 2,
      upper: 7,
      severity: 2,
      raw: [1_000_000_000 + 631_152_000, 5],
      state: 1,
      enums: ['off', 'on'],
      state_text: 'on',
      wave: [20_000, 0, 19_999],
      part: [0, 1, 2],
      text: 'hello',
      absent: false,
      count: 20_000,
      write: false,
      first: 0,
      many: (499 * 500) / 2,
    });
    assert.match(String(put), /write access/i);
  });

  it("obeys caproto's rules, for every DBR type", async () => {
    const seen = await run(caprotoScript);
    const values = seen['values'] as Record<string, unknown>;
    const stringTypes = ['PLAIN', 'STS', 'TIME', 'GR'].map((wrapping) =>
      dbrType(wrapping as 'PLAIN', 'STRING'),
    );
    for (let type = 0; type < 35; type++) {
      // caproto reads DBR_CTRL_STRING as DBR_TIME_STRING.
      if (type === dbrType('CTRL', 'STRING')) continue;
      const isFloat = type % 7 === 2 || type % 7 === 6;
      const expected = stringTypes.includes(type) ? '21.50' : isFloat ? 21.5 : 21;
      assert.equal(values[type], expected, dbrName(type));
    }
    assert.equal(seen['event'], 21.5);
    assert.match(String(seen['states']), /CLOSED/);
  });
});
