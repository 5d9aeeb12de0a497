"""Suites about what goes wrong below usher, each on a stack of its own, which they may spoil; with real Kafka, unless a
suite says that it does not matter."""

import os
import subprocess

import proxied
from case import Case, Followers
from scimhttp import Client
from stack import ROOT, remove, temporary
from waiting import run

ADMIN = os.path.join("build", "release", "tests", "integration", "kafka_admin")


class KafkaCase(Case):
    kafka = "real"
    settings = {}  # further variables of usher-local

    @classmethod
    def setUpClass(cls):
        subprocess.run(["make", "-s", "-C", ROOT, ADMIN], check=True, stdout=subprocess.DEVNULL)
        cls.real = cls.kafka == "real"
        cls.stack = temporary(cls.kafka, os.environ.get("FLAVOUR", "asan"), cls.__name__.lower(), **cls.settings)
        cls.addClassCleanup(cls.remove_stack)
        cls.stack.start()
        cls.followers = Followers(cls.stack)
        cls.addClassCleanup(cls.followers.close)
        cls.ws = cls.stack.workspace("ws")
        cls.http = cls.ws.client

    @classmethod
    def remove_stack(cls):
        cls.stack.stop()
        if not os.environ.get("KEEP"):
            remove(cls.stack)

    def admin(self, *words):
        """kafka_admin; gives what it prints."""
        done = run([os.path.join(ROOT, ADMIN), self.stack.kafka, *map(str, words)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def produce(self, topic, partition, key, path):
        """One record with what the file holds."""
        run(["kcat", "-P", "-b", self.stack.kafka, "-t", topic, "-p", str(partition), "-k", key,
             "-X", "message.max.bytes=16777216", path], check=True)

    def ready(self, url):
        """(status, text) of /readyz."""
        http = Client(url, prefix="", check=False)
        answer = http.get("/readyz")
        http.close()
        return answer.status, answer.body.decode().strip()

    def worker_ready(self):
        return self.ready(self.stack.env["USHER_URL_WORKER"])

    def ingest_ready(self):
        return self.ready(self.stack.url)

    def metric(self, name):
        """Of the worker."""
        return proxied.metric(self.stack.env["USHER_URL_WORKER"], name)

    def logged(self, text, name="worker"):
        return self.log_lines(text, name) != []

    def log_lines(self, text, name="worker"):
        """The lines of a program's log that hold the text."""
        with open(os.path.join(self.stack.run_dir, "log", name + ".log"), errors="replace") as f:
            return [line for line in f if text in line]


__all__ = ["KafkaCase"]
