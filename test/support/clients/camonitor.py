"""Watches PVs with libca: one JSON object for each change, also of connection, until stdin ends.

usage: camonitor.py NAME...
"""

import asyncio
import json
import sys

import aioca

from plain import plain


def show(update, index):
    names = sys.argv[1:]
    if update.ok:
        print(json.dumps({"name": names[index], "ok": True, "value": plain(update)}), flush=True)
    else:
        print(json.dumps({"name": names[index], "ok": False, "error": str(update)}), flush=True)


async def main():
    aioca.camonitor(sys.argv[1:], show, all_updates=True, notify_disconnect=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
