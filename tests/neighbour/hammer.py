#!/usr/bin/python3
"""One attack at full speed, in a process of its own with the lowest priority: attackers do not sit on the server.

    hammer.py ATTACK GROUND OUT      until it gets SIGTERM; at the end {"answers": {status: count}, …} in OUT

GROUND is the JSON that ground.py has written: addresses, tokens, ids, sizes."""

import collections
import json
import os
import signal
import socket
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import attacks  # noqa: E402
from scimhttp import Broken, Reader  # noqa: E402

PATIENCE = 30  # seconds for an answer


class Hammer:
    """What the threads of an attack share."""

    def __init__(self, ground):
        self.ground, self.stopping = ground, threading.Event()
        self.answers, self.lock = collections.Counter(), threading.Lock()

    def count(self, what):
        with self.lock:
            self.answers[str(what)] += 1

    def connect(self, source=None):
        sock = socket.create_connection((self.ground["host"], self.ground["port"]), PATIENCE,
                                        (source, 0) if source else None)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def repeat(self, requests, source=None):
        """One request after the other on one connection, a new one whenever the server has closed it."""
        sock = reader = None
        for method, wire in requests:
            if self.stopping.is_set():
                break
            try:
                if sock is None:
                    sock = self.connect(source)
                    reader = Reader(sock)
                sock.sendall(wire)
                answer = reader.answer(method)
                self.count(answer.status)
                if answer.headers.get("connection", "").lower() != "close":
                    continue
            except (Broken, OSError):
                self.count("closed")
            if sock is not None:
                sock.close()
            sock = None


def main():
    name, ground, out = sys.argv[1:]
    os.nice(19)
    with open(ground) as f:
        hammer = Hammer(json.load(f))
    signal.signal(signal.SIGTERM, lambda *_: hammer.stopping.set())
    attack = attacks.ATTACKS[name]
    threads = [threading.Thread(target=attack.thread, args=(hammer, number), daemon=True)
               for number in range(attack.width)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    with open(out, "w") as f:
        json.dump({"answers": hammer.answers}, f)


if __name__ == "__main__":
    main()
