"""How long single gets of libca take on one channel, one after the other: microseconds on standard
output, in the order measured.

usage: libcaGet.py NAME COUNT [ELEMENTS]       with EPICS_CA_NAME_SERVERS set
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
libca.ca_create_channel.argtypes = [ctypes.c_char_p] + [ctypes.c_void_p] * 2 + [
    ctypes.c_uint,
    ctypes.c_void_p,
]
libca.ca_array_get.argtypes = [ctypes.c_long, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p]
ECA_NORMAL = 1
ENABLE_PREEMPTIVE = 1
DBR_DOUBLE = 6

name, count = sys.argv[1].encode(), int(sys.argv[2])
elements = int(sys.argv[3]) if len(sys.argv) > 3 else 1
channel, value = ctypes.c_void_p(), (ctypes.c_double * elements)()
assert libca.ca_context_create(ENABLE_PREEMPTIVE) == ECA_NORMAL
assert libca.ca_create_channel(name, None, None, 0, ctypes.addressof(channel)) == ECA_NORMAL
assert libca.ca_pend_io(30.0) == ECA_NORMAL, "not connected"
taken = []
for index in range(-count // 10, count):
    start = time.perf_counter()
    libca.ca_array_get(DBR_DOUBLE, elements, channel, ctypes.addressof(value))
    assert libca.ca_pend_io(30.0) == ECA_NORMAL, "no answer"
    if index >= 0:
        taken.append((time.perf_counter() - start) * 1e6)
print(" ".join(f"{one:.1f}" for one in taken), flush=True)
os._exit(0)
