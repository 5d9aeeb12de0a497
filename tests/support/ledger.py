"""Suites about readers that load usher.audit elsewhere (schemas/readers/analytics): changes to load, and what the topic
holds of them."""

import collections
import os
import subprocess
import threading

import pinned
import stream
from kafkacase import KafkaCase
from scimhttp import Broken, patch_op
from stack import ROOT
from waiting import wait_until

ANALYTICS = os.path.join(ROOT, "schemas", "readers", "analytics")


def install(group, get, *words):
    """get(*words) of pinned.py, once the Debian packages of the group are there. Without the registry that fails, as a
    missing Kafka does, and says why."""
    done = subprocess.run([os.path.join(ROOT, "ops", "local", "deps.sh"), group], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stdout)
    try:
        return get(*words)
    except pinned.Unreachable as why:
        raise AssertionError(str(why)) from why


class Changes(threading.Thread):
    """One client that changes a user, whatever the answers, until end(); with a pause of so many seconds in between."""

    def __init__(self, case, number, pause):
        super().__init__(daemon=True)
        self.http, self.done, self.ending, self.pause = case.ws.open(check=False), 0, threading.Event(), pause
        self.user = case.user("ledger-%s-%d" % (case.id().rpartition(".")[2], number))["id"]

    def run(self):
        while not self.ending.wait(self.pause):
            try:
                self.http.patch("/Users/" + self.user, patch_op(
                    {"op": "replace", "path": "active", "value": self.done % 2 == 1}))
                self.http.get("/Users/" + self.user)
            except (Broken, OSError):
                continue
            self.done += 1

    def end(self):
        self.ending.set()
        self.join()
        self.http.close()


class LedgerCase(KafkaCase):
    """A stack of its own, clients that change things, and a worker that was killed in a Kafka transaction, so that the
    topic holds what a reader must not count."""

    def changing(self, clients=3, pause=0.0):
        running = [Changes(self, i, pause) for i in range(clients)]
        for one in running:
            one.start()
            self.addCleanup(one.end)
        return running

    def go_on(self, running, turns, what):
        due = sum(one.done for one in running) + turns
        wait_until(lambda: sum(one.done for one in running) >= due, what, self.stack.progress)

    def kill_worker(self):
        """In the middle of a Kafka transaction of which Kafka has records: they stay there and never count."""
        self.stack.local("stop", "worker")
        self.stack.local("start", check=False, USHER_FAILPOINT_WORKER="emit.before_commit=sleep:600000@8")
        self.stack.reload()
        decided = [-1]

        def changes(isolation):
            """Those of workers. Requests are of ingests, which go on."""
            records = stream.read_topic(self.stack.kafka, stream.AUDIT, isolation)
            return sum(1 for r in records if r.value["kind"] == "change")

        def stands():
            before, decided[0] = decided[0], changes(stream.COMMITTED)
            return before == decided[0] and changes(stream.UNCOMMITTED) > decided[0]

        wait_until(stands, "a transaction that does not end", self.stack.progress)
        self.stack.signal("WORKER", 9)
        wait_until(lambda: not self.stack.alive("WORKER"), "the worker to die", self.stack.progress)
        self.stack.start()

    def topic(self):
        """{value: how often} of usher.audit, for read_committed readers."""
        self.followers.settle(self.ws.id)
        return collections.Counter(r.text for r in stream.read_topic(self.stack.kafka, stream.AUDIT))


__all__ = ["ANALYTICS", "LedgerCase", "install"]
