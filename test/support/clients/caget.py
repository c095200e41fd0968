"""Reads PVs with libca and prints one JSON object a line, in the order asked.

usage: caget.py TIMEOUT_SECONDS NAME...
"""

import asyncio
import json
import sys

import aioca

from plain import plain


async def main(timeout, names):
    values = await aioca.caget(
        names, timeout=timeout, throw=False, format=aioca.FORMAT_CTRL
    )
    for name, value in zip(names, values):
        print(json.dumps(described(name, value)))


def described(name, value):
    if not value.ok:
        return {"name": name, "ok": False, "error": str(value)}
    result = {"name": name, "ok": True, "value": plain(value)}
    if getattr(value, "units", ""):
        result["units"] = str(value.units)
    if hasattr(value, "enums"):
        result["choices"] = list(value.enums)
        result["value"] = int(value)
    return result


asyncio.run(main(float(sys.argv[1]), sys.argv[2:]))
