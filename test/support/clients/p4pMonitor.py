"""Watches PVs with p4p (PVXS): one JSON object for each change, also of connection, until stdin ends.

usage: p4pMonitor.py NAME...
"""

import json
import sys

from p4p.client.thread import Context


def watch(context, name):
    def show(value):
        if isinstance(value, Exception):
            line = {"name": name, "ok": False, "error": type(value).__name__}
        else:
            plain = value.todict().get("value")
            plain = plain.tolist() if hasattr(plain, "tolist") else plain
            line = {"name": name, "ok": True, "value": plain}
        # One write: several PVs report from several threads.
        sys.stdout.write(json.dumps(line, default=str) + "\n")
        sys.stdout.flush()

    return context.monitor(name, show, notify_disconnect=True)


with Context("pva", nt=False) as context:
    subscriptions = [watch(context, name) for name in sys.argv[1:]]
    sys.stdin.read()
    for subscription in subscriptions:
        subscription.close()
