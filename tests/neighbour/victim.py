#!/usr/bin/python3
"""A tenant that works on while its neighbour does the worst. It reads five times and writes five times a second and
notes how long each answer took, from the moment at which the request was due: so an answer that is late makes the next
one late too, and nothing is hidden by a client that waits.

    victim.py URL TOKEN USER ROOM OUT      until it gets SIGTERM; a line of JSON for each answer"""

import json
import os
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from scimhttp import Broken, Client, patch_op  # noqa: E402

EVERY = 0.2  # seconds between two requests of a kind
BROKEN = 0   # the status of a connection that ended without an answer


class Notes:
    def __init__(self, path):
        self.file, self.lock = open(path, "w"), threading.Lock()

    def add(self, kind, due, status):
        line = json.dumps({"at": due, "kind": kind, "ms": (time.monotonic() - due) * 1000, "status": status})
        with self.lock:
            self.file.write(line + "\n")
            self.file.flush()


def reads(client, user, number):
    if number % 2 == 0:
        return client.get("/Users/" + user)
    return client.find("/Users", 'userName eq "victim"')


def writes(client, user, room, number):
    """A title that changes, and a membership that comes and goes."""
    if number % 2 == 0:
        return client.patch("/Users/" + user, patch_op({"op": "replace", "path": "title", "value": "t%d" % number}))
    if number % 4 == 1:
        return client.patch("/Groups/" + room, patch_op({"op": "add", "path": "members", "value": [{"value": user}]}))
    return client.patch("/Groups/" + room, patch_op({"op": "remove", "path": 'members[value eq "%s"]' % user}))


def work(kind, ask, client, notes, stopping):
    due, number = time.monotonic(), 0
    while not stopping.wait(max(0.0, due - time.monotonic())):
        try:
            status = ask(client, number).status
        except (Broken, OSError):
            client.close()
            status = BROKEN
        notes.add(kind, due, status)
        due += EVERY
        number += 1


def main():
    url, token, user, room, out = sys.argv[1:]
    notes, stopping = Notes(out), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    jobs = (("read", lambda c, n: reads(c, user, n)), ("write", lambda c, n: writes(c, user, room, n)))
    threads = [threading.Thread(target=work, args=(kind, ask, Client(url, token, check=False), notes, stopping))
               for kind, ask in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


if __name__ == "__main__":
    main()
