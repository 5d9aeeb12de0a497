"""The library below: the one that the programs were built with, and the newest that a registry carries."""

import os
import signal
import subprocess
import threading

import stream
from kafkacase import KafkaCase
from scimhttp import USER, patch_op
from stack import ROOT
from waiting import run

FENCED = os.path.join("build", "asan", "tests", "integration", "fenced_producer")


def newest():
    """The folder of the newest librdkafka. No registry and none fetched before: that fails, as a missing Kafka does."""
    done = run([os.path.join(ROOT, "ops", "local", "librdkafka-newest")], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    print(done.stderr, end="")
    return done.stdout.strip()


class Newest(KafkaCase):
    """The programs on it: changes of many at once, a worker that is killed in the middle, and whole streams."""

    @classmethod
    def setUpClass(cls):
        cls.folder = newest()
        cls.settings = {"LD_LIBRARY_PATH": cls.folder}
        super().setUpClass()
        subprocess.run(["make", "-s", "-C", ROOT, FENCED], check=True, stdout=subprocess.DEVNULL)

    def fenced(self, how, folder=""):
        env = dict(os.environ, LD_LIBRARY_PATH=folder)
        return run([os.path.join(ROOT, FENCED), self.stack.kafka, how], env=env, capture_output=True, text=True)

    def uses_it(self, program):
        with open("/proc/%d/maps" % self.stack.pid(program)) as f:
            return {line.split()[-1] for line in f if "librdkafka" in line} == {
                os.path.join(self.folder, "librdkafka.so.1")}

    def change(self, number):
        """A few changes of one sender; gives its user."""
        http = self.ws.open()
        try:
            user = self.user("of-%d" % number, http)["id"]
            room = self.room("Of %d" % number, [user], http)
            for active in (False, True):
                self.expect(http.patch("/Users/" + user, patch_op(
                    {"op": "replace", "path": "active", "value": active})), 200)
            self.assertEqual(self.members(room["id"], http), {user})
        finally:
            http.close()

    def test_the_streams_are_whole_though_a_worker_was_killed(self):
        self.assertTrue(self.uses_it("INGEST") and self.uses_it("WORKER"))
        for number in range(4):
            self.change(number)
        self.stack.signal("WORKER", signal.SIGSTOP)
        waiting = [self.expect(self.http.post("/Users", {"schemas": [USER], "userName": "late-%d" % i},
                                              headers={"Prefer": "respond-async"}), 202) for i in range(40)]
        self.stack.signal("WORKER", signal.SIGCONT)
        self.stack.signal("WORKER", signal.SIGKILL)
        self.stack.start()
        self.assertTrue(self.uses_it("WORKER"))
        threads = [threading.Thread(target=self.change, args=(number,)) for number in range(4, 8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        names = {name for (name,) in self.stack.sql("SELECT user_name FROM users WHERE workspace_id = %s", self.ws.id)}
        self.assertEqual(names, {"of-%d" % i for i in range(8)} | {"late-%d" % i for i in range(len(waiting))})
        self.none_wrong(stream.verify(self.stack.kafka, self.stack.connection, 12, killed={}))

    def test_a_fenced_producer_ends_in_order(self):
        """As the emitter ends it, with both libraries. The library's own way frees a text twice, also the newest's: so
        the test can see it, and what avoids it is still needed."""
        for folder in ("", self.folder):
            done = self.fenced("ended", folder)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("nothing found", done.stdout)
        done = self.fenced("destroyed")
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn("AddressSanitizer", done.stderr)
