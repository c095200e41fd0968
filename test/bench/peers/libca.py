"""How long libca takes to connect channels, seconds on standard output.

usage: libca.py PREFIX COUNT        with EPICS_CA_NAME_SERVERS set

The library itself by ctypes, as fast as it goes: channels without callbacks, and one ca_pend_io,
which returns when the last of them is connected.
"""

import ctypes
import os
import sys
import time

import epicscorelibs.path

folder = epicscorelibs.path.lib_path
libca = ctypes.CDLL(
    os.path.join(folder, next(f for f in sorted(os.listdir(folder)) if f.startswith("libca.so")))
)
libca.ca_pend_io.argtypes = [ctypes.c_double]
libca.ca_create_channel.argtypes = [
    ctypes.c_char_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_uint,
    ctypes.c_void_p,
]
ECA_NORMAL = 1
DISABLE_PREEMPTIVE, ENABLE_PREEMPTIVE = 0, 1

prefix, count = sys.argv[1], int(sys.argv[2])
names = [f"{prefix}{index}".encode() for index in range(count)]
channels = (ctypes.c_void_p * count)()

start = time.perf_counter()
assert libca.ca_context_create(ENABLE_PREEMPTIVE) == ECA_NORMAL
for index in range(count):
    address = ctypes.addressof(channels) + index * ctypes.sizeof(ctypes.c_void_p)
    status = libca.ca_create_channel(names[index], None, None, 0, address)
    assert status == ECA_NORMAL, status
assert libca.ca_pend_io(300.0) == ECA_NORMAL, "not all channels connected"
print(time.perf_counter() - start, flush=True)
os._exit(0)
