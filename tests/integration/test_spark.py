"""usher.audit in Parquet by Spark (schemas/readers/analytics/audit_spark.py), on real Kafka: killed in the middle of
batches while changes come and a worker dies. At the end the folder holds what the topic holds, once. Runs only when it
is named (`make analytics`): Spark is large."""

import collections
import glob
import json
import os
import signal
import subprocess

import pinned
from ledger import ANALYTICS, LedgerCase, install
from waiting import run, wait_until

PROGRAM = os.path.join(ANALYTICS, "audit_spark.py")
READ = """
import json, sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.config("spark.ui.enabled", "false").getOrCreate()
json.dump([row[0] for row in spark.read.parquet(sys.argv[1]).select("value").collect()], open(sys.argv[2], "w"))
"""


class Spark(LedgerCase):
    @classmethod
    def setUpClass(cls):
        cls.python = os.path.join(install("spark", pinned.python, "spark", ANALYTICS), "python")
        cls.jars = install("spark", pinned.jars, ANALYTICS)
        super().setUpClass()
        cls.folder = os.path.join(cls.stack.run_dir, "lake")
        cls.env = dict(os.environ, SPARK_LOCAL_IP="127.0.0.1", PYSPARK_PYTHON=cls.python,
                       PYSPARK_SUBMIT_ARGS="--master local[1] --driver-memory 1g pyspark-shell")

    def command(self, *words):
        return [self.python, "-B", PROGRAM, "-b", self.stack.kafka, "--jars", self.jars, "--batch", "150", self.folder,
                *words]

    def load(self, *words):
        return run(self.command(*words), env=self.env, capture_output=True, text=True)

    def count(self, kind):
        """How many batches are begun (offsets) or done (commits)."""
        return len(glob.glob(os.path.join(self.folder, "places", kind, "[0-9]*")))

    def die(self):
        """In the middle of a batch."""
        with open(os.path.join(self.stack.run_dir, "log", "spark.log"), "ab") as log:
            running = subprocess.Popen(self.command(), env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
            done = self.count("commits")
            wait_until(lambda: self.count("commits") > done and self.count("offsets") > self.count("commits"),
                       "a batch to be under way", lambda: (self.count("offsets"), running.poll()), silence=180)
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()

    def test_two_deaths_lose_nothing_and_double_nothing(self):
        running = self.changing(pause=0.3)  # the topic must not grow faster than Spark reads
        self.go_on(running, 90, "changes to load")
        self.die()
        self.kill_worker()
        self.go_on(running, 90, "more of them")
        self.die()
        for one in running:
            one.end()
        topic = self.topic()
        done = self.load()
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        there = os.path.join(self.stack.run_dir, "values.json")
        read = run([self.python, "-B", "-c", READ, os.path.join(self.folder, "audit"), there], env=self.env,
                   capture_output=True, text=True)
        self.assertEqual(read.returncode, 0, read.stderr[-3000:])
        with open(there) as f:
            self.assertEqual(collections.Counter(json.load(f)), topic)
        check = self.load("--check")
        self.assertEqual((check.returncode, check.stdout), (0, ""), check.stderr[-3000:])
