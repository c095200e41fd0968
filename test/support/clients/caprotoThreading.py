"""Reads PVs with caproto's threading client, all searched for at once, and prints one JSON object a
line.

usage: caprotoThreading.py TIMEOUT_SECONDS NAME...
"""

import json
import sys

from caproto.threading.client import Context

timeout = float(sys.argv[1])
for pv in Context().get_pvs(*sys.argv[2:]):
    try:
        pv.wait_for_connection(timeout=timeout)
        [value] = pv.read(timeout=timeout).data
        print(json.dumps({"name": pv.name, "ok": True, "value": float(value)}))
    except Exception as error:
        what = str(error) or type(error).__name__
        print(json.dumps({"name": pv.name, "ok": False, "error": what}))
