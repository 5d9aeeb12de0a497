"""The readers of schemas/readers as a voice server has them: started as programs, and judged by what they print.

Told folds the lines of one: what a voice server would hold that does what each line says. It finds by itself what
breaks the promise: a number that comes twice, or one that is left out without a word."""

import json
import os
import subprocess
import threading

from stack import ROOT
from waiting import wait_for_end, wait_until

FLAVOUR = os.environ.get("FLAVOUR", "asan")
C_READER = os.path.join("build", FLAVOUR, "schemas", "readers", "reader")
KINDS = {"C": [os.path.join(ROOT, C_READER)],
         "Python": ["/usr/bin/python3", "-B", os.path.join(ROOT, "schemas", "readers", "reader.py")]}


def build():
    subprocess.run(["make", "-s", "-C", ROOT, C_READER], check=True, stdout=subprocess.DEVNULL)


class Told:
    def __init__(self):
        self.workspaces, self.numbers, self.wrong, self.lines = {}, {}, [], []
        # Somebody may leave a room that the snapshot had no more, because its record gave way to a later one. That one
        # must come.
        self.unknown = {}

    def take(self, line):
        self.lines.append(line)
        do, workspace = line["do"], line.get("workspace")
        if do == "start":
            self.workspaces, self.numbers = {}, {}
        elif do == "whole":
            # Of a workspace that it was told to end over, before it had read its state, it holds nothing.
            told = self.workspaces.get(workspace, {}), self.numbers.get(workspace, [1, 0])
            if line["why"] == "end" and told != (line["rooms"], [line["epoch"], line["seq"]]):
                self.wrong.append("what it holds of %s at the end is not what it has told" % workspace)
            self.workspaces[workspace], self.numbers[workspace] = line["rooms"], [line["epoch"], line["seq"]]
        elif do == "end":
            self.wrong += self.unknown.values()
        elif do.startswith("usher."):
            self._change(do, workspace, line)

    def _change(self, do, workspace, line):
        held, last = self.workspaces.setdefault(workspace, {}), self.numbers.get(workspace, [1, 0])
        if [line["epoch"], line["seq"]] != [last[0], last[1] + 1]:
            self.wrong.append("%s: %s after %s" % (workspace, [line["epoch"], line["seq"]], last))
        self.numbers[workspace] = [line["epoch"], line["seq"]]
        room, user = line["room"]["id"], line.get("user", {}).get("id")
        if user is None:
            self.unknown.pop((workspace, room), None)
        if do == "usher.room.deleted":
            held.pop(room, None)
        elif user is None:
            held.setdefault(room, {"name": None, "members": {}})["name"] = line["room"]["name"]
        elif do == "usher.member.removed":
            if room not in held:
                self.unknown[workspace, room] = "%s left the room %s, which is not there, at %d" % (user, room, line["seq"])
            held.get(room, {"members": {}})["members"].pop(user, None)
        else:
            held.setdefault(room, {"name": None, "members": {}})["members"][user] = line["transmit"]


class Reader:
    """One of them, running. wait_… go on while it prints, or usher moves (progress)."""

    def __init__(self, kind, kafka, progress, topics="usher"):
        self.kind, self.told, self._progress, self._lock = kind, Told(), progress, threading.Lock()
        self.process = subprocess.Popen(KINDS[kind] + ["-b", kafka, "-t", topics, "-s"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._complaints = []
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._listen)]
        for thread in self._threads:
            thread.start()
        self.wait(lambda told: self.lines("ready"), "the snapshot")

    def _read(self):
        for line in self.process.stdout:
            with self._lock:
                self.told.take(json.loads(line))

    def _listen(self):
        self._complaints += self.process.stderr

    def lines(self, do, **more):
        """What it has said: the lines of that kind with these members."""
        return [line for line in list(self.told.lines)
                if line["do"] == do and all(line.get(name) == value for name, value in more.items())]

    def wait(self, condition, what):
        def look():
            with self._lock:
                done = condition(self.told)
            if not done and self.process.poll() is not None:
                raise AssertionError("the reader in %s has ended: %s" % (self.kind, "".join(self._complaints)[-2000:]))
            return done

        return wait_until(look, "%s, of the reader in %s" % (what, self.kind),
                          lambda: (len(self.told.lines), self._progress()))

    def wait_for(self, workspace, number):
        """Until it is there: [epoch, seq]."""
        self.wait(lambda told: told.numbers.get(workspace, [1, 0]) >= number, "number %s" % number)

    def end(self):
        """Tells it to end, as an operator does; gives its exit code."""
        self.process.terminate()
        code = wait_for_end(self.process, "the reader in " + self.kind)
        for thread in self._threads:
            thread.join()
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


__all__ = ["KINDS", "Reader", "Told", "build"]
