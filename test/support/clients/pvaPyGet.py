"""Reads PVs with pvaPy (pvAccessCPP) and prints one JSON object a line, in the order asked.

usage: pvaPyGet.py TIMEOUT_SECONDS NAME...
"""

import json
import sys

import pvaccess


def described(name, timeout):
    channel = pvaccess.Channel(name)
    channel.setTimeout(timeout)
    try:
        structure = channel.get("field()").toDict()
    except pvaccess.PvaException as error:
        return {"name": name, "ok": False, "error": str(error)}
    value = structure.get("value")
    result = {"name": name, "ok": True}
    if isinstance(value, dict) and "choices" in value:
        result["choices"] = list(value["choices"])
        value = value["index"]
    result["value"] = value.tolist() if hasattr(value, "tolist") else value
    units = structure.get("display", {}).get("units")
    if units:
        result["units"] = units
    return result


for name in sys.argv[2:]:
    print(json.dumps(described(name, float(sys.argv[1])), default=str))
