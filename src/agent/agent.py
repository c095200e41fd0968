"""
What python3 (3.6 or later, standard library only) runs in a container's network namespace to carry
connections: the twin of agent.ts for containers without Node. Started by an engine's exec as
`python3 -c SCRIPT`; speaks the frames of src/protocol/agent/frames.ts over stdin and stdout, and
must follow every change there. One thread, one selector. It ends when its input ends, or when it
heard nothing for 30 seconds, and writes nothing anywhere.
"""
import errno
import fcntl
import glob
import os
import selectors
import socket
import struct
import sys
import time

MAGIC = b"\0epics-expose-agent/1\n"
HEADER = struct.Struct(">BII")
HELLO, OPEN, OPENED, FAIL, DATA, EOF, RESET, CREDIT, TICK, LOOK, REPORT = range(1, 12)
WINDOW_BYTES = 2 << 20
CREDIT_STEP_BYTES = WINDOW_BYTES // 8
MAX_PAYLOAD_BYTES = 1 << 20
READ_BYTES = 256 << 10
# With more unsent output than this, no connection is read: the engine is slower than all of them.
OUTPUT_LIMIT_BYTES = 1 << 20
CONNECT_TIMEOUT_S = 10
OWN_TIMEOUT_S = 2
MAX_OWN = 3
SILENT_PERIOD_S = 5
SILENT_PERIODS = 6
IN_PROGRESS = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN)


class Connection:
    """A socket in the namespace. States: connecting, open, gone."""

    def __init__(self, agent, number, addresses):
        self.agent = agent
        self.number = number
        self.addresses = addresses
        self.socket = None
        self.is_open = False
        self.deadline = 0
        self.failures = []
        self.pending = []  # received frames' payloads, to be sent to the socket
        self.pending_bytes = 0
        self.uncredited = 0
        self.window = WINDOW_BYTES
        self.has_peer_ended = False  # EOF came from the other side
        self.has_ended = False  # the socket has ended, and we passed that on
        self.has_shut_down = False
        self.mask = 0

    def connect_next(self, failure):
        self.forget_socket()
        if failure:
            self.failures.append(failure)
        if not self.addresses:
            self.agent.send(FAIL, self.number, ", ".join(self.failures).encode())
            self.agent.connections.pop(self.number, None)
            return
        family, kind, protocol, _, address = self.addresses.pop(0)
        timeout = OWN_TIMEOUT_S if self.addresses else CONNECT_TIMEOUT_S
        self.deadline = time.monotonic() + timeout
        try:
            self.socket = socket.socket(family, kind, protocol)
            self.socket.setblocking(False)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            code = self.socket.connect_ex(address)
        except OSError as error:
            code = error.errno
        self.where = "%s:%d" % (address[0], address[1])
        if code == 0:
            self.opened()
        elif code in IN_PROGRESS:
            self.watch(selectors.EVENT_WRITE)
        else:
            self.connect_next(self.explain(code))

    def explain(self, code):
        if code == errno.ECONNREFUSED:
            return "nothing listens on " + self.where
        return "%s: %s" % (self.where, os.strerror(code or 0))

    def opened(self):
        self.is_open = True
        self.agent.send(OPENED, self.number)
        self.update()

    def watch(self, mask):
        if mask == self.mask:
            return
        selector = self.agent.selector
        if self.mask == 0:
            selector.register(self.socket, mask, self)
        elif mask == 0:
            selector.unregister(self.socket)
        else:
            selector.modify(self.socket, mask, self)
        self.mask = mask

    def update(self):
        """Waits only for what this connection can use now."""
        if not self.is_open:
            return
        if self.has_ended and self.has_shut_down:
            self.close()
            return
        mask = selectors.EVENT_WRITE if self.pending else 0
        if not self.has_ended and self.window > 0 and not self.agent.is_output_full:
            mask |= selectors.EVENT_READ
        self.watch(mask)

    def ready(self, mask):
        if not self.is_open:
            code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                self.connect_next(self.explain(code))
            else:
                self.opened()
            return
        try:
            if mask & selectors.EVENT_WRITE:
                self.flush()
            if mask & selectors.EVENT_READ and self.is_open:
                self.receive()
        except OSError as error:
            if error.errno not in IN_PROGRESS:
                self.broken()
                return
        self.update()

    def receive(self):
        data = self.socket.recv(min(READ_BYTES, self.window))
        if data:
            self.window -= len(data)
            self.agent.send(DATA, self.number, data)
        else:
            self.has_ended = True
            self.agent.send(EOF, self.number)

    def deliver(self, data):
        self.pending.append(data)
        self.pending_bytes += len(data)

    def flush(self):
        while self.pending:
            sent = self.socket.send(self.pending[0])
            self.pending_bytes -= sent
            self.uncredited += sent
            if sent < len(self.pending[0]):
                self.pending[0] = self.pending[0][sent:]
                break
            self.pending.pop(0)
        if self.uncredited >= CREDIT_STEP_BYTES:
            self.agent.send(CREDIT, self.number, struct.pack(">I", self.uncredited))
            self.uncredited = 0
        if self.has_peer_ended and not self.pending and not self.has_shut_down:
            self.has_shut_down = True
            self.socket.shutdown(socket.SHUT_WR)

    def broken(self):
        """A peer that closed after its end answers our bytes with a reset: then nothing is missing."""
        if self.has_ended:
            self.has_shut_down = True
            self.pending = []
            self.watch(0)
            if self.has_peer_ended:
                self.close()
        else:
            self.agent.send(RESET, self.number)
            self.close()

    def reset(self):
        """The other side broke, so this one ends with a reset instead of an orderly end."""
        if self.socket:
            try:
                linger = struct.pack("ii", 1, 0)
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            except OSError:
                pass
        self.close()

    def forget_socket(self):
        if self.socket:
            self.watch(0)
            self.socket.close()
            self.socket = None

    def close(self):
        self.is_open = False
        self.forget_socket()
        self.agent.connections.pop(self.number, None)


class Agent:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.connections = {}
        self.input = bytearray()
        self.output = []
        self.output_bytes = 0
        self.is_output_full = False
        self.is_output_watched = False

    def run(self):
        for descriptor in (0, 1):
            os.set_blocking(descriptor, False)
            try:
                fcntl.fcntl(descriptor, 1031, 1 << 20)  # F_SETPIPE_SZ: fewer, larger pieces
            except OSError:
                pass
        self.selector.register(0, selectors.EVENT_READ)
        self.output.append(MAGIC)
        self.output_bytes = len(MAGIC)
        self.send(HELLO, 0, ("python %d.%d.%d" % sys.version_info[:3]).encode())
        silent_periods = 0
        period_end = time.monotonic() + SILENT_PERIOD_S
        # Count periods, not time: after a pause of the container the clock has jumped, and ticks wait unread.
        while silent_periods < SILENT_PERIODS:
            self.flush()
            now = time.monotonic()
            for key, mask in self.selector.select(max(0, period_end - now)):
                if key.fd == 0:
                    silent_periods = 0
                    if not self.read_input():
                        return
                elif key.data:
                    key.data.ready(mask)
            now = time.monotonic()
            if now >= period_end:
                silent_periods += 1
                period_end = now + SILENT_PERIOD_S
                self.end_slow_connects(now)

    def end_slow_connects(self, now):
        for connection in list(self.connections.values()):
            if not connection.is_open and connection.socket and now > connection.deadline:
                connection.connect_next(connection.where + " does not answer")

    def send(self, kind, number, payload=b""):
        self.output.append(HEADER.pack(kind, number, len(payload)))
        if payload:
            self.output.append(payload)
        self.output_bytes += HEADER.size + len(payload)

    def flush(self):
        try:
            while self.output:
                sent = os.writev(1, self.output[:64])
                self.output_bytes -= sent
                while self.output and sent >= len(self.output[0]):
                    sent -= len(self.output.pop(0))
                if sent:
                    self.output[0] = memoryview(self.output[0])[sent:]
        except BlockingIOError:
            pass
        if bool(self.output) != self.is_output_watched:
            self.is_output_watched = bool(self.output)
            if self.is_output_watched:
                self.selector.register(1, selectors.EVENT_WRITE)
            else:
                self.selector.unregister(1)
        is_full = self.output_bytes > OUTPUT_LIMIT_BYTES
        if is_full != self.is_output_full:
            self.is_output_full = is_full
            for connection in list(self.connections.values()):
                connection.update()

    def read_input(self):
        """False at the end of the input."""
        try:
            chunk = os.read(0, READ_BYTES)
        except BlockingIOError:
            return True
        if not chunk:
            return False
        self.input += chunk
        at = 0
        while len(self.input) - at >= HEADER.size:
            kind, number, length = HEADER.unpack_from(self.input, at)
            if length > MAX_PAYLOAD_BYTES:
                sys.exit("frame of %d bytes" % length)
            end = at + HEADER.size + length
            if len(self.input) < end:
                break
            self.receive(kind, number, bytes(self.input[at + HEADER.size : end]))
            at = end
        del self.input[:at]
        return True

    def receive(self, kind, number, payload):
        if kind == OPEN:
            self.open(number, payload)
            return
        if kind == LOOK:
            answer = look(payload.decode())
            for at in range(0, len(answer), MAX_PAYLOAD_BYTES):
                self.send(REPORT, number, answer[at : at + MAX_PAYLOAD_BYTES])
            self.send(REPORT, number)
            return
        connection = self.connections.get(number)
        if not connection:
            return
        if kind == RESET:
            connection.reset()
            return
        if kind == DATA:
            if connection.has_shut_down:  # nobody reads it any more; let the sender come to its end
                self.send(CREDIT, number, struct.pack(">I", len(payload)))
                return
            connection.deliver(payload)
        elif kind == EOF:
            connection.has_peer_ended = True
        elif kind == CREDIT:
            connection.window += struct.unpack(">I", payload)[0]
        if connection.is_open:
            connection.ready(0 if kind == CREDIT else selectors.EVENT_WRITE)

    def open(self, number, payload):
        port, host = struct.unpack_from(">H", payload)[0], payload[2:].decode()
        addresses = []
        try:
            flags = socket.AI_NUMERICHOST
            for place in places_of(host):
                addresses += socket.getaddrinfo(place, port, 0, socket.SOCK_STREAM, 0, flags)
        except (OSError, UnicodeError) as error:
            self.send(FAIL, number, ("%s: %s" % (host, error)).encode())
            return
        connection = self.connections[number] = Connection(self, number, addresses)
        connection.connect_next("")


def places_of(host):
    """Where to reach a listener, as in connectInside.ts: own addresses first, loopback last."""
    if host not in ("0.0.0.0", "::"):
        return [host]
    if host == "0.0.0.0":
        return own_ipv4()[:MAX_OWN] + ["127.0.0.1"]
    return (own_ipv4() + own_ipv6())[:MAX_OWN] + ["127.0.0.1", "::1"]


def own_ipv4():
    """In the kernel's table, lines that say LOCAL follow the line with the address."""
    found = []
    address = ""
    for line in read("/proc/net/fib_trie").decode("ascii", "replace").splitlines():
        words = line.split()
        if words[:1] == ["|--"]:
            address = words[1]
        elif words[:3] == ["/32", "host", "LOCAL"] and not address.startswith("127."):
            if address not in found:
                found.append(address)
    return found


def own_ipv6():
    """Global addresses: the fourth word is the scope."""
    lines = [line.split() for line in read("/proc/net/if_inet6").decode("ascii", "replace").splitlines()]
    packed = [bytes.fromhex(words[0]) for words in lines if len(words) > 3 and words[3] == "00"]
    return [socket.inet_ntop(socket.AF_INET6, address) for address in packed]


def look(command):
    """Answers the look commands of parseLook.ts with copies of files below /proc."""
    marker, letter = command.split()[:2]

    def section(heading, content):
        return ("%s %s\n" % (marker, heading)).encode() + content + b"\n"

    def files(names):
        return b"".join(section(name, read("/proc/net/" + name)) for name in names)

    if letter == "c":
        return files(["sockstat", "sockstat6"])
    if letter == "s":
        return files(["tcp", "tcp6", "udp", "udp6"])
    if letter == "f":
        folders = glob.glob("/proc/[0-9]*/fd")
        stats = [read("/proc/%s/stat" % folder.split("/")[2]) for folder in folders]
        fds = "\n".join(folder + ":\n" + "".join(descriptors(folder)) for folder in folders)
        return section("fds", os.fsencode(fds)) + section("stats", b"".join(stats))
    pids = command.split()[2:]
    if letter == "t":
        return b"".join(section("stat " + pid, read("/proc/%s/stat" % pid)) for pid in pids)
    if letter in "em":
        names = ("stat", "status", "environ" if letter == "e" else "maps")
        return b"".join(section("%s %s" % (name, pids[0]), read("/proc/%s/%s" % (pids[0], name))) for name in names)
    answer = b""
    for pid in pids:
        for name in ("stat", "cmdline", "environ"):
            answer += section("%s %s" % (name, pid), read("/proc/%s/%s" % (pid, name)))
        answer += section("cwd " + pid, os.fsencode(link("/proc/%s/cwd" % pid)))
    return answer


def descriptors(folder):
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        target = link(folder + "/" + name)
        if target:
            yield "%s -> %s\n" % (name, target)


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


try:
    Agent().run()
except (BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
    pass
# Not sys.exit: nothing is left to flush, and nobody would read it.
os._exit(0)
