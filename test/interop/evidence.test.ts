/**
 * IOCs on any port, with any program and script name, started by whatever starts programs: all of
 * them are found by what they do; the other servers of the container get no connection.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IocJson } from '../../src/cli/snapshotJson';
import { epicsHome, missingForJava } from '../support/lab/image';
import type { LabContainer } from '../support/lab/container';
import { needsEngine } from '../support/lab/needs';
import { isListened } from '../support/lab/process';
import { measured } from '../support/measured';
import { Scene } from '../support/scene';
import { skip } from '../support/skip';
import { until } from '../support/until';

const cache = join(epicsHome, '..');
const python = join(cache, 'venv/bin/python');
/** The programs of this machine, in a container. */
const MACHINE = ['/usr', '/lib64', '/etc'];
const SUPERVISORS = ['procServ', 'screen', 'supervisord', 'gdb'];

const record = (name: string): string => `record(ai, "${name}:A") { field(PINI, "YES") }\n`;
const script = (port: number, name: string): string =>
  `epicsEnvSet("EPICS_CA_SERVER_PORT","${port}")\nepicsEnvSet("EPICS_CAS_SERVER_PORT","${port}")\ndbLoadRecords("${name}.db")\n`;

/** A server that notes every connection it gets. */
const NEIGHBOUR = `
import socket, sys, threading
name, tcp, udp = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if udp:
    answers = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    answers.bind(("0.0.0.0", udp))
listener = socket.create_server(("0.0.0.0", tcp))
while True:
    connection, peer = listener.accept()
    with open("/work/" + name + ".connections", "a") as log:
        log.write(str(peer) + "\\n")
    connection.close()
`;

const CAPROTO = `
import os
os.environ["EPICS_CA_SERVER_PORT"] = os.environ["EPICS_CAS_SERVER_PORT"] = "7310"
from caproto.server import PVGroup, pvproperty, run
class Group(PVGroup):
    a = pvproperty(name="A", value=1)
run(Group(prefix="CAPROTO:").pvdb, interfaces=["0.0.0.0"], log_pv_names=False)
`;

const SOFTIOC = `
import os, threading
os.environ["EPICS_CA_SERVER_PORT"] = os.environ["EPICS_CAS_SERVER_PORT"] = "7320"
os.environ["EPICS_PVAS_SERVER_PORT"] = "7321"
os.environ["EPICS_PVAS_BROADCAST_PORT"] = "7322"
from softioc import asyncio_dispatcher, builder, softioc
builder.SetDeviceName("SOFTIOC")
builder.aIn("A", initial_value=1)
builder.LoadDatabase()
softioc.iocInit(asyncio_dispatcher.AsyncioDispatcher())
threading.Event().wait()
`;

/**
 * A portable Channel Access server, as CA gateways are. What is started shows nothing of it: neither
 * the server nor its port.
 */
const PCASPY = `
import os
port = os.environ["EPICS_CA_SERVER_PORT"] = os.environ["EPICS_CAS_SERVER_PORT"] = str(7000 + 350)
from pcaspy import Driver, SimpleServer
def serve():
    server = SimpleServer()
    server.createPV("PCAS:", {"A": {"value": 1}})
    driver = Driver()
    while True:
        server.process(0.1)
`;

const P4P = `
import threading
from p4p.nt import NTScalar
from p4p.server import Server, StaticProvider
from p4p.server.thread import SharedPV
provider = StaticProvider("x")
provider.add("P4P:A", SharedPV(nt=NTScalar("d"), initial=1.0))
conf = {"EPICS_PVAS_SERVER_PORT": "7331", "EPICS_PVAS_BROADCAST_PORT": "7332", "EPICS_PVAS_AUTO_BEACON_ADDR_LIST": "NO"}
with Server(providers=[provider], conf=conf, useenv=False):
    threading.Event().wait()
`;

const SUPERVISOR = `[supervisord]
nodaemon=true
user=root
logfile=/dev/null
logfile_maxbytes=0
pidfile=/tmp/supervisord.pid
[program:anything]
command=/opt/site/bin/plcd /work/supervised.cmd
directory=/work
`;

/** How each is started, in /work, and what is seen of it. */
const STARTS: {
  name: string;
  port: number;
  command: string[];
  user?: string;
  expected?: string;
  protocol?: 'pva';
}[] = [
  { name: 'plain', port: 7301, command: ['/opt/site/bin/plcd', 'plain.cmd'] },
  {
    name: 'procserv',
    port: 7302,
    command: [
      'procServ',
      '-q',
      '-f',
      '-i',
      '^D^C',
      'unix:/tmp/procserv.sock',
      '/opt/site/bin/plcd',
      'procserv.cmd',
    ],
  },
  {
    name: 'screened',
    port: 7303,
    command: ['screen', '-D', '-m', '/opt/site/bin/plcd', 'screened.cmd'],
  },
  { name: 'supervised', port: 7304, command: ['supervisord', '-c', '/work/supervisor.conf'] },
  {
    name: 'debugged',
    port: 7305,
    command: ['gdb', '-q', '-batch', '-ex', 'run', '--args', '/opt/site/bin/plcd', 'debugged.cmd'],
  },
  { name: 'users', port: 7306, command: ['/opt/site/bin/plcd', 'users.cmd'], user: '1234' },
  { name: 'controller', port: 7310, command: [python, '/work/controller.py'] },
  { name: 'beamsim', port: 7320, command: [python, '/work/beamsim.py'] },
  { name: 'pump', port: 7350, command: [python, '/work/pump.py'] },
  { name: 'viewer', port: 7331, command: [python, '/work/viewer.py'], protocol: 'pva' },
  {
    name: 'java',
    port: 7341,
    command: [
      `${cache}/java/jre/bin/java`,
      '-DEPICS_PVA_SERVER_PORT=7341',
      '-DEPICS_PVA_BROADCAST_PORT=7342',
      '-DEPICS_PVA_ENABLE_IPV6=NO',
      '-DEPICS_PVAS_INTF_ADDR_LIST=0.0.0.0 224.0.0.128,1@127.0.0.1',
      ...['-cp', `${cache}/java/core-pva/*:${cache}/java/core-pva/classes`, 'CorePvaServer', 'J:'],
    ],
    expected: 'site',
    protocol: 'pva',
  },
];

const NEIGHBOURS = [
  ['web', '8000', '0'],
  ['dns', '8053', '8053'],
  ['database', '5432', '41234'],
] as const;

describe('evidence of IOCs: docker', () => {
  let scene: Scene;
  let box: LabContainer;
  let folder: string;

  before(async function () {
    this.timeout(180_000);
    const lab = await needsEngine(this, 'docker');
    const lacks = SUPERVISORS.find((name) => !existsSync(`/usr/bin/${name}`));
    if (lacks !== undefined) skip(this, `needs ${lacks}`, 'engines');
    const noJava = missingForJava();
    if (noJava !== undefined) skip(this, noJava, 'java');
    folder = mkdtempSync(join(tmpdir(), 'ee-evidence-'));
    chmodSync(folder, 0o777);
    const files: Record<string, string> = {
      ...{ 'controller.py': CAPROTO, 'beamsim.py': SOFTIOC, 'viewer.py': P4P, 'valves.py': PCASPY },
      'pump.py': 'import valves\nvalves.serve()\n',
      ...{ 'supervisor.conf': SUPERVISOR, 'neighbour.py': NEIGHBOUR },
    };
    for (const { name, port } of STARTS) {
      files[`${name}.cmd`] = script(port, name);
      files[`${name}.db`] = record(name);
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    scene = new Scene(lab);
    const binds = [...MACHINE, cache].map((path) => `${path}:${path}:ro`);
    box = await scene.keeper({
      name: 'site',
      hostname: 'site',
      env: { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin' },
      binds: [
        ...binds,
        `${folder}:/work`,
        `${join(epicsHome, 'bin/softIocCa')}:/opt/site/bin/plcd:ro`,
        ...['dbd', 'lib'].map((name) => `${join(epicsHome, name)}:/opt/site/${name}:ro`),
      ],
    });
  });
  afterEach(() => scene?.end());
  after(() => {
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it('are all found within a second of listening, and nothing else is touched', async function () {
    this.timeout(120_000);
    const exposed = scene.expose([box]);
    for (const [name, tcp, udp] of NEIGHBOURS) {
      await box.spawn([python, '/work/neighbour.py', name, tcp, udp], '/work');
    }
    const find = (port: number): IocJson | undefined =>
      exposed
        .iocs()
        .find(({ servers }) => servers.some(({ listening }) => listening.port === port));
    const pid = await box.pid();
    // One after another: each alone is to be shown within a second of listening.
    for (const { name, port, command, user, protocol = 'ca' } of STARTS) {
      const isThere = (): boolean =>
        find(port)?.servers.some(
          (server) => server.protocol === protocol && server.status === 'exposed',
        ) === true;
      await box.spawn(command, '/work', user);
      await until(() => isListened(pid, port), 60_000, `${name} to listen`);
      await measured(`${name} listens, and is shown`, () =>
        exposed.until(isThere, 1000, `${name} on ${port}: ${JSON.stringify(exposed.iocs())}`),
      );
    }
    assert.deepEqual(
      STARTS.map(({ port }) => find(port)?.name),
      STARTS.map(({ name, expected }) => expected ?? name),
    );
    assert.equal(exposed.iocs().length, STARTS.length);
    await exposed.until(() => exposed.snapshot.isSettled, 60_000, 'settled');
    for (const [name] of NEIGHBOURS) {
      const log = join(folder, `${name}.connections`);
      assert.equal(
        existsSync(log) ? readFileSync(log, 'utf8') : '',
        '',
        `${name} was connected to`,
      );
    }
  });
});
