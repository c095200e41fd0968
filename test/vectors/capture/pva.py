"""Records pvAccess conversations of real clients with real servers into test/vectors/pva.

usage (as root, Linux): python pva.py [core-pva.jar]

with p4p, pvxslibs, epicscorelibs and pvapy installed (test/interop/requirements.txt). It runs in a
network namespace of its own that has nothing but a loopback interface, and reads the TCP packets of
that interface, so no client or server needs to know of it. Only reading operations are recorded.
"""

import base64
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from importlib.metadata import version

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
OUT = os.path.join(ROOT, "test", "vectors", "pva")

DATABASE = """
record(ai, "t:ai") { field(VAL, "12.5") field(EGU, "mA") field(PREC, "3") field(HOPR, "100")
  field(LOPR, "-100") field(HIGH, "10") field(HSV, "MINOR") field(PINI, "YES") }
record(mbbi, "t:mbbi") { field(ZRST, "off") field(ONST, "on") field(TWST, "wait") field(VAL, "2")
  field(PINI, "YES") }
record(stringin, "t:string") { field(VAL, "hello") field(PINI, "YES") }
record(longin, "t:long") { field(VAL, "-7") field(PINI, "YES") }
record(waveform, "t:wave") { field(FTVL, "LONG") field(NELM, "8")
  field(INP, {const: [1, -2, 3]}) field(PINI, "YES") }
"""
IOC_NAMES = ["t:ai", "t:mbbi", "t:string", "t:long", "t:wave"]

P4P_SERVER = """
import time
from p4p import Type, Value
from p4p.nt import NTEnum, NTScalar
from p4p.server import Server
from p4p.server.thread import SharedPV

def any_value(code, value):
    return Value(Type([('value', code)]), {'value': value})

point = Type([('x', 'd'), ('label', 's')], id='point_t')
zoo = Type([
    ('flag', '?'), ('i8', 'b'), ('i16', 'h'), ('i32', 'i'), ('i64', 'l'),
    ('u8', 'B'), ('u16', 'H'), ('u32', 'I'), ('u64', 'L'), ('f32', 'f'), ('f64', 'd'), ('text', 's'),
    ('flags', 'a?'), ('ai8', 'ab'), ('ai16', 'ah'), ('ai32', 'ai'), ('ai64', 'al'),
    ('au8', 'aB'), ('au16', 'aH'), ('au32', 'aI'), ('au64', 'aL'), ('af32', 'af'), ('af64', 'ad'),
    ('texts', 'as'),
    ('choice', ('U', 'choice_t', [('number', 'd'), ('word', 's')])),
    ('empty', ('U', None, [('number', 'd')])),
    ('any', 'v'), ('nothing', 'v'),
    ('inner', ('S', 'inner_t', [('a', 'i'), ('deeper', ('S', None, [('b', 's')]))])),
    ('points', ('aS', 'point_t', [('x', 'd'), ('label', 's')])),
], id='zoo_t')
value = Value(zoo, dict(
    flag=True, i8=-8, i16=-1600, i32=-320000, i64=-2**40, u8=200, u16=60000, u32=4000000000,
    u64=2**63, f32=0.5, f64=-1e300, text='gr\\u00fc\\u00df',
    flags=[True, False], ai8=[-1, 2], ai16=[-300, 300], ai32=[-70000, 70000], ai64=[-2**40, 1],
    au8=[0, 255], au16=[65535], au32=[4294967295], au64=[2**64 - 1], af32=[1.5, -2.5],
    af64=[3.25], texts=['one', '', 'three'], choice=('word', 'two'), any=42,
    inner=dict(a=5, deeper=dict(b='below')), points=[dict(x=1, label='p'), dict(x=2, label='q')]))
pvs = {
    't:double': SharedPV(nt=NTScalar('d', display=True, control=True), initial=3.5),
    't:enum': SharedPV(nt=NTEnum(), initial={'index': 1, 'choices': ['a', 'b']}),
    't:long text': SharedPV(nt=NTScalar('s'), initial='x' * 300),
    't:zoo': SharedPV(initial=value),
}
with Server(providers=[pvs]):
    print('ready', flush=True)
    time.sleep(600)
"""
P4P_NAMES = ["t:double", "t:enum", "t:long text", "t:zoo"]

PVAPY_SERVER = """
import time
import pvaccess as pva
server = pva.PvaServer()
server.addRecord('t:double', pva.PvObject(
    {'value': pva.DOUBLE, 'alarm': {'severity': pva.INT, 'status': pva.INT, 'message': pva.STRING},
     'display': {'units': pva.STRING}},
    {'value': 21.5, 'display': {'units': 'C'}}, 'epics:nt/NTScalar:1.0'))
server.addRecord('t:table', pva.PvObject(
    {'labels': [pva.STRING], 'rows': [{'x': pva.INT, 'y': pva.STRING}], 'any': ()},
    {'labels': ['x', 'y'], 'rows': [{'x': 1, 'y': 'one'}, {'x': 2, 'y': 'two'}]}))
# Longer than a send buffer, and of strings, which are not sent directly: comes in segments.
server.addRecord('t:big', pva.PvObject({'value': [pva.STRING]}, {'value': ['word %d' % i for i in range(2000)]}))
server.start()
print('ready', flush=True)
time.sleep(600)
"""
PVAPY_NAMES = ["t:double", "t:table", "t:big"]

P4P_CLIENT = """
import queue, sys
from p4p.client.thread import Context
with Context('pva', nt=False) as context:
    for name in sys.argv[1:]:
        context.get(name, timeout=10)
        updates = queue.Queue()
        # A pipelined monitor is never answered by core-pva, whose demo server has this one name.
        request = None if name == 'demo' else 'record[pipeline=true,queueSize=4]field()'
        subscription = context.monitor(name, updates.put, request=request)
        updates.get(timeout=10)
        subscription.close()
    context.get(sys.argv[1], request='field(value,alarm)', timeout=10)
"""

PVAPY_CLIENT = """
import sys, time
import pvaccess as pva
for name in sys.argv[1:]:
    channel = pva.Channel(name)
    channel.setTimeout(10)
    channel.get('field()')
    if name not in ('t:zoo', 't:table'):  # have no field called value
        channel.get('field(value)')
    channel.subscribe('s', lambda value: None)
    channel.startMonitor('')
    time.sleep(1)
    channel.stopMonitor()
"""


class Sniffer(threading.Thread):
    """Collects the TCP payloads of the loopback interface by flow."""

    def __init__(self):
        super().__init__(daemon=True)
        self.flows = {}
        self.order = []
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 26)
        self.socket.bind(("lo", 0))

    def run(self):
        while True:
            packet, address = self.socket.recvfrom(1 << 17)
            # The loopback interface shows each packet twice: sent (4) and received.
            if address[2] == 4 or len(packet) < 54 or packet[12:14] != b"\x08\x00" or packet[23] != 6:
                continue
            ip = packet[14:]
            header = (ip[0] & 15) * 4
            tcp = ip[header : struct.unpack(">H", ip[2:4])[0]]
            source, target, sequence = struct.unpack(">HHI", tcp[:8])
            flow = self.flows.setdefault((source, target), {"start": None, "parts": {}})
            if tcp[13] & 2:
                flow["start"] = (sequence + 1) & 0xFFFFFFFF
                if not tcp[13] & 16:
                    self.order.append((source, target))
            data = tcp[(tcp[12] >> 4) * 4 :]
            if data:
                flow["parts"][sequence] = data

    def stream(self, source, target):
        flow = self.flows.get((source, target))
        if flow is None or flow["start"] is None:
            return b""
        start = flow["start"]
        parts = sorted(((seq - start) & 0xFFFFFFFF, data) for seq, data in flow["parts"].items())
        stream = b""
        for offset, data in parts:
            if offset <= len(stream) < offset + len(data):
                stream += data[len(stream) - offset :]
        return stream

    def biggest(self, port, known):
        """The newest conversation with a server's port, as (from client, from server)."""
        found = [
            (self.stream(*flow), self.stream(flow[1], flow[0]))
            for flow in self.order[known:]
            if flow[1] == port
        ]
        return max(found, key=lambda pair: len(pair[0]) + len(pair[1]), default=(b"", b""))


def environment(port):
    result = {name: value for name, value in os.environ.items() if not name.startswith("EPICS_")}
    result.update(
        {
            "EPICS_PVA_SERVER_PORT": str(port),
            "EPICS_PVAS_SERVER_PORT": str(port),
            "EPICS_PVA_BROADCAST_PORT": str(port + 1),
            "EPICS_PVAS_BROADCAST_PORT": str(port + 1),
            "EPICS_PVA_ADDR_LIST": "127.0.0.1",
            "EPICS_PVA_AUTO_ADDR_LIST": "NO",
            "EPICS_PVAS_INTF_ADDR_LIST": "127.0.0.1",
            "EPICS_PVAS_BEACON_ADDR_LIST": "127.0.0.1",
            "EPICS_PVAS_AUTO_BEACON_ADDR_LIST": "NO",
            "EPICS_CA_SERVER_PORT": str(port + 2),
            "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
            "EPICS_CA_ADDR_LIST": "127.0.0.1",
            "EPICS_CA_AUTO_ADDR_LIST": "NO",
        }
    )
    return result


def wait_for(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            time.sleep(1)
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("nothing listens on port %d" % port)


def record(jar):
    subprocess.check_call(["ip", "link", "set", "lo", "up"])
    # pvAccessCPP sends in segments what does not fit into a buffer as large as the socket's own.
    with open("/proc/sys/net/ipv4/tcp_wmem", "w") as file:
        file.write("4096 8192 8192")
    sniffer = Sniffer()
    sniffer.start()
    database = tempfile.NamedTemporaryFile("w", suffix=".db")
    database.write(DATABASE)
    database.flush()
    python = sys.executable
    versions = {name: version(name) for name in ("p4p", "pvapy", "epicscorelibs", "pvxslibs")}
    servers = [
        ("p4p", versions["p4p"], "pvxs", 25075, [python, "-c", P4P_SERVER], P4P_NAMES),
        ("qsrv2", "pvxslibs " + versions["pvxslibs"], "pvxs", 25175,
         [python, "-m", "pvxslibs.ioc", "-d", database.name], IOC_NAMES),
        ("qsrv1", "epicscorelibs " + versions["epicscorelibs"], "pvAccessCPP", 25275,
         [python, "-m", "epicscorelibs.ioc", "-d", database.name], IOC_NAMES),
        ("pvapy", versions["pvapy"], "pvAccessCPP", 25375, [python, "-c", PVAPY_SERVER], PVAPY_NAMES),
    ]  # fmt: skip
    java = []
    if jar is not None:
        jar_version = re.search(r"core-pva-(.*)\.jar", jar).group(1)
        servers.append(("core-pva", jar_version, "core-pva", 25475,
                        ["java", "-cp", jar, "org.epics.pva.server.ServerDemo"], ["demo"]))  # fmt: skip
        java = [("core-pva", jar_version, lambda port, names: ["java", "-cp", jar,
                 "org.epics.pva.client.PVAClientMain", "get", *names])]  # fmt: skip
    tsx = os.path.join(ROOT, "node_modules", ".bin", "tsx")
    clients = [
        ("p4p", versions["p4p"], lambda port, names: [python, "-c", P4P_CLIENT, *names]),
        ("pvapy", versions["pvapy"], lambda port, names: [python, "-c", PVAPY_CLIENT, *names]),
        ("epics-expose", "scenario", lambda port, names: [
            tsx, os.path.join(HERE, "pvaScenario.ts"), str(port), *names, "t:missing"]),
        *java,
    ]  # fmt: skip
    os.makedirs(OUT, exist_ok=True)
    for server, server_version, implementation, port, command, names in servers:
        process = subprocess.Popen(
            command, env=environment(port), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd=HERE)  # fmt: skip
        try:
            wait_for(port)
            for client, client_version, make in clients:
                known = len(sniffer.order)
                run = subprocess.run(make(port, names), env=environment(port), cwd=tempfile.gettempdir(),
                                     capture_output=True, timeout=60)  # fmt: skip
                time.sleep(0.5)
                from_client, from_server = sniffer.biggest(port, known)
                print(client, server, run.returncode, len(from_client), len(from_server), flush=True)
                if run.returncode != 0:
                    print(run.stderr.decode()[-500:])
                if not from_client or not from_server:
                    continue
                vector = {
                    "client": client, "clientVersion": client_version, "server": server,
                    "serverVersion": server_version, "implementation": implementation, "names": names,
                    "fromClient": from_client.hex(),
                }  # fmt: skip
                # As hex to be read by people, unless it is long.
                if len(from_server) < 20000:
                    vector["fromServer"] = from_server.hex()
                else:
                    deflated = zlib.compress(from_server, 9)
                    vector["fromServerDeflated"] = base64.b64encode(deflated).decode()
                with open(os.path.join(OUT, "%s-%s.json" % (client, server)), "w") as file:
                    json.dump(vector, file, indent=1)
                    file.write("\n")
        finally:
            process.kill()
            process.wait()


if __name__ == "__main__":
    if os.environ.get("PVA_CAPTURE_INSIDE") != "1":
        os.environ["PVA_CAPTURE_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, os.path.abspath(__file__), *sys.argv[1:]])
    record(os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else None)
