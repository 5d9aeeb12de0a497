"""Programs of either version, one after the other in the same place, with the settings that the release has written."""

import http.client
import os
import re
import signal
import subprocess

from stack import free_port
from waiting import SILENCE, run, wait_for_end, wait_until

DRAIN_SECONDS = 2


class Program:
    kind = None

    def __init__(self, stack, name):
        self.stack, self.name, self.port, self.process, self.bin = stack, name, free_port(), None, None
        self.log = os.path.join(stack.run_dir, "log", "%s-%s.log" % (self.kind, name))

    def knows(self, setting, folder=None):
        """Does the program that runs have that setting, or that of the folder?"""
        told = run([os.path.join(folder or self.bin, "usher-" + self.kind), "--help"], capture_output=True, text=True)
        return re.search(r"^\s+%s\s" % re.escape(setting), told.stdout, re.M) is not None

    def words(self):
        raise NotImplementedError

    def start(self, folder, wait=True):
        self.bin = folder
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(folder, "usher-" + self.kind), "--config",
                 os.path.join(self.stack.run_dir, "conf", self.kind), *self.words()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": os.environ["PATH"]})
        if wait:
            self.until_ready()

    def until_ready(self):
        wait_until(lambda: self.ready(self.port) or self.ended(), "%s %s to be ready" % (self.kind, self.name),
                   self.stack.progress)

    def ended(self):
        if self.process.poll() is None:
            return False
        with open(self.log, errors="replace") as f:
            raise AssertionError("%s %s ended with %s: %s" % (self.kind, self.name, self.process.returncode,
                                                              f.read()[-1500:]))

    @staticmethod
    def ready(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SILENCE)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self, wait=True):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        if wait:
            self.gone()

    def gone(self):
        if self.process is not None:
            wait_for_end(self.process, "%s %s" % (self.kind, self.name))


class Worker(Program):
    kind = "worker"

    def words(self):
        more = ["--audit-key", os.path.join(self.stack.run_dir, "audit.pem")] if self.knows("audit-key") else []
        return ["--metrics-listen", "127.0.0.1:%d" % self.port, *more]


class Ingest(Program):
    kind = "ingest"

    def drains(self, folder=None):
        """Does it say that it will stop, and does it open its socket only when it is ready?"""
        return self.knows("drain-seconds", folder)

    def words(self):
        # What does not drain is 0.3.0, whose workers do not leave their group either: writes wait for up to 6 s then.
        more = ["--drain-seconds", str(DRAIN_SECONDS)] if self.drains() else ["--deadline-ms", "15000"]
        return ["--listen", "127.0.0.1:%d" % self.port, *more]
