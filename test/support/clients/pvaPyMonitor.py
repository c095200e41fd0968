"""Watches PVs with pvaPy (pvAccessCPP): one JSON object for each change, also of connection, until
stdin ends.

usage: pvaPyMonitor.py NAME...
"""

import json
import sys

import pvaccess


def show(line):
    # One write: several PVs report from several threads.
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()


def watch(name):
    def connection(is_connected):
        if not is_connected:
            show({"name": name, "ok": False, "error": "Disconnected"})

    def value(structure):
        show({"name": name, "ok": True, "value": structure.toDict().get("value")})

    channel = pvaccess.Channel(name)
    channel.setConnectionCallback(connection)
    channel.monitor(value, "field(value)")
    return channel


channels = [watch(name) for name in sys.argv[1:]]
sys.stdin.read()
for channel in channels:
    channel.stopMonitor()
