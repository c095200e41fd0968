"""Reads PVs with p4p (PVXS) and prints one JSON object a line, in the order asked.

usage: p4pGet.py TIMEOUT_SECONDS NAME...
"""

import json
import sys

from p4p.client.thread import Context


def described(name, value):
    if isinstance(value, Exception):
        return {"name": name, "ok": False, "error": str(value) or type(value).__name__}
    structure = value.todict()
    plain = structure.get("value")
    result = {"name": name, "ok": True, "id": value.getID()}
    if isinstance(plain, dict) and "choices" in plain:
        result["choices"] = list(plain["choices"])
        plain = plain["index"]
    result["value"] = plain.tolist() if hasattr(plain, "tolist") else plain
    units = structure.get("display", {}).get("units")
    if units:
        result["units"] = units
    return result


names = sys.argv[2:]
with Context("pva", nt=False) as context:
    values = context.get(names, timeout=float(sys.argv[1]), throw=False)
for name, value in zip(names, values):
    print(json.dumps(described(name, value), default=str))
