"""How long p4p (PVXS) takes to reach PVs, seconds on standard output.

usage: p4pGet.py PREFIX COUNT        with EPICS_PVA_NAME_SERVERS set

One get of all of them, which brings the values too: p4p has no way to ask for no more than connected
channels, as pvxsConnect.cpp does. Whether monitors would be quicker was not measured.
"""

import os
import sys
import time

from p4p.client.thread import Context

prefix, count = sys.argv[1], int(sys.argv[2])
names = [f"{prefix}{index}" for index in range(count)]

start = time.perf_counter()
context = Context("pva", nt=False)
context.get(names, timeout=300)
print(time.perf_counter() - start, flush=True)
os._exit(0)
