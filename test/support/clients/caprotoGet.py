"""Reads PVs with caproto (Channel Access in pure Python) and prints one JSON object a line.

usage: caprotoGet.py TIMEOUT_SECONDS NAME...
"""

import json
import sys

from caproto.sync.client import read


def plain(values):
    values = [v.decode("latin-1") if isinstance(v, bytes) else v for v in list(values)]
    values = [v.item() if hasattr(v, "item") else v for v in values]
    return values[0] if len(values) == 1 else values


def described(name, timeout):
    try:
        # Its repeater would outlive us.
        response = read(name, timeout=timeout, data_type="control", repeater=False)
    except Exception as error:
        return {"name": name, "ok": False, "error": str(error) or type(error).__name__}
    result = {"name": name, "ok": True, "value": plain(response.data)}
    units = getattr(response.metadata, "units", b"")
    if units:
        result["units"] = units.decode("latin-1")
    choices = getattr(response.metadata, "enum_strings", ())
    if choices:
        result["choices"] = [choice.decode("latin-1") for choice in choices]
    return result


for name in sys.argv[2:]:
    print(json.dumps(described(name, float(sys.argv[1]))))
