#!/usr/bin/env python3
"""Makes the vectors in test/vectors/ca: real bytes of other people's Channel Access programs.

Run with a Python that has softioc, epicscorelibs, pyepics and caproto. For PCAS name a second one
that has pcaspy, for CAJ the classes of github.com/epics-base/jca. All of it in a network namespace,
since a CAJ server binds every address:

    PYTHON_PCASPY=/path/to/python CAJ_CLASSES=/path/to/classes unshare -n sh -c \
      'ip link set lo up; .cache/venv/bin/python test/vectors/capture/ca.py'

Each file holds one direction of one conversation, cut into messages. What each message means is
written down by caproto's decoder, not by ours.
"""
import json, os, pathlib, select, socket, subprocess, sys, tempfile, threading, time

OUT = pathlib.Path(__file__).resolve().parent.parent / "ca"
PCASPY = os.environ.get("PYTHON_PCASPY", "")
CAJ_CLASSES = os.environ.get("CAJ_CLASSES", "")
SOFTIOC_PORT, CAPROTO_PORT, PCAS_PORT, PROXY_PORT, CAJ_PORT = 17064, 17164, 17264, 17364, 17664
REPEATER_PORT, UDP_SINK_PORT = 17465, 17564

os.environ.update(
    EPICS_CA_ADDR_LIST="", EPICS_CA_AUTO_ADDR_LIST="NO", EPICS_CA_REPEATER_PORT=str(REPEATER_PORT),
    EPICS_CAS_INTF_ADDR_LIST="127.0.0.1", EPICS_CAS_BEACON_ADDR_LIST="127.0.0.1",
    EPICS_CAS_AUTO_BEACON_ADDR_LIST="NO", EPICS_CAS_BEACON_PORT=str(REPEATER_PORT),
    EPICS_PVAS_INTF_ADDR_LIST="127.0.0.1", EPICS_PVAS_SERVER_PORT="17575", PVXS_QSRV_ENABLE="NO",
    USER="operator", LOGNAME="operator", EPICS_CA_HOST="console",
)

import caproto as ca  # noqa: E402
from caproto import _commands, _dbr  # noqa: E402

SOFTIOC = r'''
import sys, numpy as np
from softioc import softioc, builder, asyncio_dispatcher
d = asyncio_dispatcher.AsyncioDispatcher()
builder.SetDeviceName("V")
builder.aOut("DOUBLE", initial_value=8.5, EGU="mm", PREC=3, LOPR=-10, HOPR=10, HIHI=9, HIGH=8,
             LOW=-8, LOLO=-9, HSV="MINOR", HHSV="MAJOR", LSV="MINOR", LLSV="MAJOR", DRVL=-5, DRVH=12)
builder.longOut("LONG", initial_value=-42, EGU="\u00b5A", LOPR=-100, HOPR=100, DRVL=-90, DRVH=90)
builder.boolOut("BINARY", "off", "on", initial_value=1)
builder.mbbOut("STATE", "idle", "running", "fault", initial_value=2)
builder.stringOut("STRING", initial_value="hello")
builder.WaveformOut("SHORTS", initial_value=np.array([1, -2, 3], dtype=np.int16))
builder.WaveformOut("CHARS", initial_value=np.array([0, 200, 255], dtype=np.uint8))
builder.WaveformOut("FLOATS", initial_value=np.array([0.5, -1.5], dtype=np.float32))
builder.records.waveform("ROOMY", FTVL="DOUBLE", NELM=100000, INP="[1, 2, 3]")
builder.LoadDatabase(); softioc.iocInit(d)
print("UP", flush=True); sys.stdin.read()
'''

CAPROTO = r'''
import sys
from caproto.server import PVGroup, pvproperty, run
from caproto import ChannelType
class Ioc(PVGroup):
    DOUBLE = pvproperty(value=8.5, precision=3, units="mm", upper_disp_limit=10.0, lower_disp_limit=-10.0,
        upper_alarm_limit=9.0, upper_warning_limit=8.0, lower_warning_limit=-8.0, lower_alarm_limit=-9.0,
        upper_ctrl_limit=12.0, lower_ctrl_limit=-5.0)
    LONG = pvproperty(value=-42, units="cnt")
    STATE = pvproperty(value="fault", enum_strings=["idle", "running", "fault"], dtype=ChannelType.ENUM)
    STRING = pvproperty(value="hello", dtype=ChannelType.STRING)
    CHARS = pvproperty(value=b"abc", dtype=ChannelType.CHAR, max_length=20)
    FLOATS = pvproperty(value=[0.5, -1.5], dtype=ChannelType.FLOAT)
    SHORTS = pvproperty(value=[1, -2, 3], dtype=ChannelType.INT)
print("UP", flush=True)
run(Ioc(prefix="V:").pvdb, interfaces=["127.0.0.1"])
'''

PCAS = r'''
import sys, threading
from pcaspy import SimpleServer, Driver
db = {"DOUBLE": dict(type="float", prec=3, unit="mm", value=8.5, hihi=9, high=8, low=-8, lolo=-9, hilim=10, lolim=-10),
      "LONG": dict(type="int", value=-42, unit="cnt"),
      "STATE": dict(type="enum", enums=["idle", "running", "fault"], value=2),
      "STRING": dict(type="string", value="hello"),
      "CHARS": dict(type="char", count=20, value=[97, 98, 99]),
      "FLOATS": dict(type="float", count=2, value=[0.5, -1.5])}
s = SimpleServer(); s.createPV("V:", db)
class D(Driver): pass
d = D(); print("UP", flush=True)
while True: s.process(0.1)
'''


# ---- cutting and describing ---------------------------------------------------------------------

def cut(data):
    """The messages of a stream, by their headers alone."""
    while data:
        size, head = int.from_bytes(data[2:4], "big"), 16
        if size == 0xFFFF:
            size, head = int.from_bytes(data[16:20], "big"), 24
        yield data[: head + size]
        data = data[head + size:]


def number(value):
    if isinstance(value, bytes):
        return value[0]
    value = getattr(value, "item", lambda: value)()
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value


def text(raw):
    raw = bytes(raw).split(b"\0")[0]
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def describe_value(message):
    """The value in a reply as plain data, from caproto's metadata structure and array."""
    kind = _dbr.DBR_TYPES[int(message.data_type)]
    meta = message.metadata
    out = {}
    for name in ("status", "severity", "secondsSinceEpoch", "nanoSeconds", "precision", "no_str",
                 "upper_disp_limit", "lower_disp_limit", "upper_alarm_limit", "upper_warning_limit",
                 "lower_warning_limit", "lower_alarm_limit", "upper_ctrl_limit", "lower_ctrl_limit"):
        if hasattr(meta, name) and hasattr(kind, name):
            out[name] = number(getattr(meta, name))
    for name in ("ackt", "acks"):
        if hasattr(meta, name):
            out[name] = number(getattr(meta, name))
    if hasattr(meta, "units"):
        out["units"] = text(meta.units)
    if hasattr(meta, "strs"):
        out["enumStrings"] = [text(s) for s in list(meta.strs)[: meta.no_str]]
    if int(message.data_type) in (37, 38):
        out["value"] = [text(bytes(meta.value))]
    elif int(message.data_type) % 7 == 0:
        raw = bytes(message.buffers[-1]) if message.buffers else b""
        out["value"] = [text(raw[i * 40:(i + 1) * 40]) for i in range(message.data_count)]
    else:
        out["value"] = [number(v) for v in message.data]
    return out


def describe(raw, role, is_datagram):
    """What caproto makes of one message: its class, its header, its own names for the fields."""
    header = raw[:24] if raw[2:4] == b"\xff\xff" else raw[:16]
    out = {"hex": raw.hex()}
    try:
        if is_datagram:
            message = _commands.read_datagram(raw, ("127.0.0.1", 1), role)[0]
        else:
            message = _commands.read_from_bytestream(bytearray(raw), role)[1]
    except Exception as error:  # a command that caproto does not know
        out["caproto"] = f"{type(error).__name__}"
        return out
    out["caproto"] = type(message).__name__
    fields = {}
    for name in ("version", "priority", "name", "cid", "sid", "ioid", "subscriptionid", "mask",
                 "data_type", "data_count", "access_rights", "reply", "port", "status",
                 "server_port", "beacon_id", "error_message", "original_request"):
        try:
            value = getattr(message, name)
        except Exception:
            continue
        if callable(value):
            continue
        if isinstance(value, bytes):
            value = text(value)
        if hasattr(value, "code_with_severity"):
            value = int(value.code_with_severity)
        if name == "original_request":
            value = {"command": int(value.command), "parameter1": int(value.parameter1),
                     "parameter2": int(value.parameter2)}
        elif name in ("data_type", "access_rights"):
            value = int(value)
        fields[name] = value
    out["fields"] = fields
    if type(message).__name__ in ("ReadNotifyResponse", "EventAddResponse", "ReadResponse") and len(raw) > len(header):
        try:
            out["data"] = describe_value(message)
        except Exception as error:
            print("no data of", out["caproto"], fields, repr(error), file=sys.stderr)
    return out


def write(name, sender, receiver, direction, data, transport="tcp", note=""):
    messages = [data] if transport == "udp-one" else list(cut(data))
    role = ca.CLIENT if direction == "client" else ca.SERVER
    doc = {"from": sender, "to": receiver, "sentBy": direction,
           "transport": "udp" if transport.startswith("udp") else "tcp", "note": note,
           "messages": [describe(m, role, transport.startswith("udp")) for m in messages]}
    (OUT / f"{name}.json").write_text(json.dumps(doc, indent=1, default=str) + "\n")
    print(f"{name}.json: {len(messages)} messages, {len(data)} bytes")


# ---- running the others -------------------------------------------------------------------------

def start(python, program, **env):
    path = tempfile.NamedTemporaryFile("w", suffix=".py", delete=False)
    path.write(program); path.close()
    return start_command([python, path.name], **env)


def start_command(command, **env):
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True, env={**os.environ, **env})
    while "UP" not in child.stdout.readline():
        if child.poll() is not None:
            raise SystemExit(f"{command} ended")
    threading.Thread(target=child.stdout.read, daemon=True).start()
    return child


def wait_port(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close(); return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nothing listens on {port}")


class Talk:
    """caproto's client side of one circuit, with every byte kept."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sent, self.got = b"", b""
        self.unprompted = self.read(0.3)

    def read(self, seconds=0.25):
        data = b""
        while select.select([self.sock], [], [], seconds)[0]:
            try:
                piece = self.sock.recv(1 << 16)
            except ConnectionResetError:
                break
            if not piece:
                break
            data += piece
        self.got += data
        return data

    def say(self, *messages):
        data = b"".join(bytes(m) for m in messages)
        try:
            self.sock.sendall(data)
        except OSError:
            return []  # the server ended the circuit (CAJ does, at a cancel)
        self.sent += data
        return list(cut(self.read()))


def full_conversation(port, names, refused_types):
    """Every request a reader can make."""
    talk = Talk(port)
    talk.say(ca.VersionRequest(0, 13), ca.HostNameRequest("console"), ca.ClientNameRequest("operator"))
    talk.say(*[ca.SearchRequest(n, i, 13, reply=ca.DO_REPLY) for i, n in enumerate(names + ["V:ABSENT"])])
    before = len(talk.got)
    for i, name in enumerate(names + ["V:ABSENT"]):
        talk.say(ca.CreateChanRequest(name, i, 13))
    talk.read(1)  # a Java server is slow at first
    sids = {}
    for raw in cut(talk.got[before:]):
        if raw[1] == 18:
            name = names[int.from_bytes(raw[8:12], "big")]
            sids[name] = (int.from_bytes(raw[12:16], "big"), int.from_bytes(raw[4:6], "big"))
    ioid = 100
    for name, (sid, native) in sids.items():
        for kind in list(range(native, 35, 7)) + [0] + ([37, 38] if name == "V:DOUBLE" else []):
            if kind in refused_types:
                continue
            talk.say(ca.ReadNotifyRequest(kind, 0, sid, ioid)); ioid += 1
    sid, native = sids["V:DOUBLE"]
    talk.say(ca.ReadRequest(native, 1, sid, ioid))
    sid, native = sids["V:STRING"]
    talk.say(ca.ReadRequest(native, 1, sid, ioid + 1))
    for i, (name, (sid, native)) in enumerate(sids.items()):
        talk.say(ca.EventAddRequest(14 + native, 0, sid, 500 + i, 0, 0, 0, 5))
    for i, (name, (sid, native)) in enumerate(sids.items()):
        talk.say(ca.EventCancelRequest(14 + native, sid, 500 + i))
    talk.say(ca.EventsOffRequest(), ca.EventsOnRequest())
    talk.say(ca.EchoRequest())
    for i, (name, (sid, native)) in enumerate(sids.items()):
        if name != "V:LONG":
            talk.say(ca.ClearChannelRequest(sid, i))
    return talk


def signs(port):
    """What tells implementations apart (identify.ts)."""
    talk = Talk(port)
    version = talk.say(ca.VersionRequest(0, 13))
    # Not a message of caproto's: an echo whose fields are not zero, to see who sends them back.
    odd = bytes.fromhex("001700000007000365706963" "73000000")
    echo = talk.say(odd)
    found = talk.say(ca.SearchRequest("V:DOUBLE", 0, 13, reply=ca.DO_REPLY))
    absent = talk.say(ca.SearchRequest("V:ABSENT", 1, 13, reply=ca.DO_REPLY)) + list(cut(talk.read(2)))
    told = {"unprompted": talk.unprompted, "afterVersion": b"".join(version), "oddEcho": b"".join(echo),
            "found": b"".join(found), "absent": b"".join(absent)}
    return {"port": port, **{key: value.hex() for key, value in told.items()}}


def refused(port, name, what):
    """One request that a server refuses, and the bytes that say so."""
    talk = Talk(port)
    talk.say(ca.VersionRequest(0, 13), ca.HostNameRequest("console"), ca.ClientNameRequest("operator"))
    raw = [m for m in talk.say(ca.CreateChanRequest(name, 0, 13)) if m[1] == 18][0]
    talk.say(*what(int.from_bytes(raw[12:16], "big")))
    return talk


def tee(target):
    """A relay on PROXY_PORT for one client, keeping both directions."""
    kept = {"client": b"", "server": b""}
    listener = socket.create_server(("127.0.0.1", PROXY_PORT))

    def pump(a, b, key):
        try:
            while piece := a.recv(1 << 16):
                kept[key] += piece
                b.sendall(piece)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def run():
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", target))
        threads = [threading.Thread(target=pump, args=a) for a in
                   ((client, server, "client"), (server, client, "server"))]
        [t.start() for t in threads]; [t.join() for t in threads]
        client.close(); server.close(); listener.close()

    thread = threading.Thread(target=run); thread.start()
    return kept, thread


LIBCA = r'''
import os, sys, time, epics
pvs = [epics.PV(n, auto_monitor=False) for n in sys.argv[1:]]
for pv in pvs:
    assert pv.wait_for_connection(5), pv.pvname
    pv.get(); pv.get_ctrlvars()
seen = []
watched = epics.PV(sys.argv[1], callback=lambda **k: seen.append(1), auto_monitor=5)
watched.wait_for_connection(5); time.sleep(0.5); watched.disconnect()
absent = epics.PV("V:ABSENT"); absent.wait_for_connection(0.5)
for pv in pvs: pv.disconnect()
epics.ca.flush_io(); time.sleep(0.3)
epics.ca.finalize_libca()
'''


def libca_conversation(port, names):
    kept, thread = tee(port)
    path = tempfile.NamedTemporaryFile("w", suffix=".py", delete=False)
    path.write(LIBCA); path.close()
    subprocess.run([sys.executable, path.name, *names], check=True, stderr=subprocess.DEVNULL,
                   env={**os.environ, "EPICS_CA_NAME_SERVERS": f"127.0.0.1:{PROXY_PORT}"})
    thread.join(5)
    return kept


def udp_of_libca():
    """The datagram in which libca searches."""
    search = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); search.bind(("127.0.0.1", UDP_SINK_PORT))
    child = subprocess.Popen(
        [sys.executable, "-c", "import epics,time\np=epics.PV('V:DOUBLE')\nq=epics.PV('V:ABSENT')\ntime.sleep(3)"],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "EPICS_CA_ADDR_LIST": "127.0.0.1", "EPICS_CA_SERVER_PORT": str(UDP_SINK_PORT)})
    search.settimeout(5)
    searched = search.recv(2048)
    child.wait(); search.close()
    return searched


def ask_udp(port, datagram):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); sock.settimeout(2)
    sock.sendto(datagram, ("127.0.0.1", port))
    try:
        return sock.recv(2048)
    except TimeoutError:
        return b""


def next_beacon(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); sock.bind(("127.0.0.1", REPEATER_PORT))
    sock.settimeout(20)
    try:
        while True:
            data = sock.recv(2048)
            if data[1] == 13 and int.from_bytes(data[6:8], "big") == port:
                return data
    except TimeoutError:
        return b""
    finally:
        sock.close()


def main():
    OUT.mkdir(exist_ok=True)
    from importlib.metadata import version
    rsrv = f"rsrv, EPICS Base {version('epicscorelibs')} (epicscorelibs), softioc {version('softioc')}"
    libca = f"libca, epicscorelibs {version('epicscorelibs')}, pyepics {version('pyepics')}"
    caproto = f"caproto {version('caproto')}"
    servers, names = [], ["V:DOUBLE", "V:LONG", "V:STATE", "V:STRING", "V:CHARS", "V:FLOATS"]
    findings = {}
    try:
        servers.append(start(sys.executable, SOFTIOC, EPICS_CAS_SERVER_PORT=str(SOFTIOC_PORT)))
        servers.append(start(sys.executable, CAPROTO, EPICS_CA_SERVER_PORT=str(CAPROTO_PORT),
                             EPICS_CAS_SERVER_PORT=str(CAPROTO_PORT)))
        targets = [("rsrv", rsrv, SOFTIOC_PORT, names + ["V:SHORTS", "V:BINARY", "V:ROOMY"], ()),
                   ("caproto", caproto, CAPROTO_PORT, names + ["V:SHORTS"], ())]
        if PCASPY:
            servers.append(start(PCASPY, PCAS, EPICS_CAS_SERVER_PORT=str(PCAS_PORT)))
            pcaspy = subprocess.check_output(
                [PCASPY, "-c", "from importlib.metadata import version; print(version('pcaspy'))"], text=True).strip()
            # pcaspy ends the circuit on the two special types.
            targets.append(("pcas", f"PCAS, pcaspy {pcaspy}", PCAS_PORT, names, (37, 38)))
        if CAJ_CLASSES:
            prefix = "-Dcom.cosylab.epics.caj.cas.CAJServerContext."
            source = pathlib.Path(__file__).with_name("CajServer.java")
            servers.append(start_command(["java", "-cp", CAJ_CLASSES, f"{prefix}server_port={CAJ_PORT}",
                                          f"{prefix}beacon_addr_list=127.0.0.1", f"{prefix}auto_beacon_addr_list=false",
                                          str(source)]))
            targets.append(("caj", "CAJ 2.4.11 (epics-base/jca HEAD)", CAJ_PORT, names + ["V:SHORTS"], (37, 38)))
        for key, label, port, pvs, without in targets:
            wait_port(port)
            talk = full_conversation(port, pvs, without)
            write(f"{key}-server-to-caproto", label, caproto, "server", talk.got)
            write(f"caproto-client-to-{key}", caproto, label, "client", talk.sent)
            findings[key] = signs(port)
            search, reply = bytes(ca.VersionRequest(1, 13)), b""
            datagram = search[:8] + (7).to_bytes(4, "big") + search[12:] + bytes(ca.SearchRequest("V:DOUBLE", 3, 13))
            reply = ask_udp(port, datagram)
            if reply:
                write(f"{key}-search-reply-udp", label, "a search by the capture script", "server", reply, "udp")
            print(key, findings[key])
        for key, label, port, pvs, _ in targets:
            if key in ("caproto", "caj"):
                continue  # caproto ends the circuit at libca's second VERSION; pyepics fails on CAJ
            kept = libca_conversation(port, pvs)
            write(f"libca-client-to-{key}", libca, label, "client", kept["client"])
            write(f"{key}-server-to-libca", label, libca, "server", kept["server"])
        talk = refused(SOFTIOC_PORT, "V:DOUBLE", lambda sid: [ca.EventCancelRequest(6, sid, 77)])
        write("rsrv-error-unknown-subscription", rsrv, caproto, "server", talk.got)
        talk = refused(SOFTIOC_PORT, "V:DOUBLE", lambda sid: [ca.ReadNotifyRequest(6, 1, sid + 9999, 1)])
        write("rsrv-error-unknown-sid", rsrv, caproto, "server", talk.got)
        write("caproto-writes", caproto, "nobody", "client",
              bytes(ca.WriteRequest([1.5], 6, 1, 7, 8)) + bytes(ca.WriteNotifyRequest([1.5], 6, 1, 7, 9)),
              note="encoded only, never sent")
        write("libca-search-udp", libca, "nobody", "client", udp_of_libca(), "udp")
        write("caproto-repeater-register", caproto, "nobody", "client",
              bytes(ca.RepeaterRegisterRequest("127.0.0.1")), "udp", note="encoded only, never sent")
        write("caproto-repeater-confirm", caproto, "nobody", "server",
              bytes(ca.RepeaterConfirmResponse("127.0.0.1")), "udp", note="encoded only, never sent")
        beacon = next_beacon(SOFTIOC_PORT)
        if beacon:
            write("rsrv-beacon", rsrv, "a repeater", "server", beacon, "udp")
        (OUT / "findings.json").write_text(json.dumps(findings, indent=1) + "\n")
    finally:
        for server in servers:
            server.kill()


if __name__ == "__main__":
    main()
