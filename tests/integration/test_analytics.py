"""usher.audit in DuckDB (schemas/readers/analytics/audit_duckdb.py), on real Kafka: killed between its records and the
end of its transaction, and behind that end, while changes come and a worker dies. At the end the file holds what the
topic holds, once."""

import collections
import itertools
import json
import os
import signal
import subprocess

import pinned
import stream
from ledger import ANALYTICS, LedgerCase, install
from waiting import run

# The program as it is, but with small transactions, and with a death at the end of the third.
DIES = """
import os, signal, sys
sys.path.insert(0, sys.argv.pop(1))
import audit_duckdb
moment, opened = sys.argv.pop(1), audit_duckdb.open_file
class Base:
    def __init__(self, base):
        self.base, self.ends = base, 0
    def execute(self, words, *more):
        self.ends += words == "COMMIT"
        dies = words == "COMMIT" and self.ends == 3
        if dies and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        found = self.base.execute(words, *more)
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return found
    def close(self):
        self.base.close()
audit_duckdb.BATCH, audit_duckdb.open_file = 40, lambda path: Base(opened(path))
audit_duckdb.main()
"""
ASK = """
import json, sys, duckdb
base = duckdb.connect(sys.argv[1])
for words in sys.argv[2:]:
    rows = base.execute(words).fetchall()
print(json.dumps(rows, default=str))
"""


class DuckDb(LedgerCase):
    @classmethod
    def setUpClass(cls):
        cls.python = os.path.join(install("analytics", pinned.python, "duckdb", ANALYTICS), "python")
        super().setUpClass()

    def setUp(self):
        self.file = os.path.join(self.stack.run_dir, "%s.duckdb" % self.id().rpartition(".")[2])

    def load(self, *words):
        return run([self.python, "-B", os.path.join(ANALYTICS, "audit_duckdb.py"), "-b", self.stack.kafka, self.file,
                    *words], capture_output=True, text=True)

    def loaded(self):
        done = self.load()
        self.assertEqual(done.returncode, 0, done.stderr)
        return sum(map(int, done.stdout.split()))

    def ask(self, *words):
        """The rows of the last of the statements."""
        done = run([self.python, "-B", "-c", ASK, self.file, *words], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def complete(self, *first):
        """What complete.sql finds, after other statements."""
        with open(os.path.join(ANALYTICS, "complete.sql")) as f:
            return self.ask(*first, f.read())

    def die(self, moment):
        done = run([self.python, "-B", "-c", DIES, ANALYTICS, moment, "-b", self.stack.kafka, self.file],
                   capture_output=True, text=True)
        self.assertEqual(done.returncode, -signal.SIGKILL, done.stderr)

    def test_seven_deaths_lose_nothing_and_double_nothing(self):
        running = self.changing()
        for turn, moment in enumerate(itertools.islice(itertools.cycle(("before", "after")), 7)):
            self.go_on(running, 80, "changes to load")
            self.die(moment)
            if turn == 3:
                self.kill_worker()
        for one in running:
            one.end()
        topic = self.topic()
        self.loaded()
        rows = collections.Counter(value for (value,) in self.ask("SELECT value::VARCHAR FROM audit"))
        self.assertEqual(rows, topic)
        self.assertEqual(max(topic.values()), 1)
        self.assertEqual(self.complete(), [])
        self.assertEqual(self.loaded(), 0)
        all_written = stream.read_topic(self.stack.kafka, stream.AUDIT, stream.UNCOMMITTED)
        self.assertGreater(len(all_written), sum(topic.values()), "the dead worker has left nothing behind")

    def test_columns_say_what_the_records_say(self):
        user = self.user("columns")["id"]
        self.expect(self.http.get("/Users/" + user), 200)
        self.expect(self.http.get("/Users/nobody"), 404)
        self.followers.settle(self.ws.id)
        self.loaded()
        made = "action = 'user.created' AND target = '%s'" % user
        asked = "SELECT actor, target, outcome, seat FROM changes WHERE " + made
        self.assertEqual(self.ask(asked), [[self.ws.key_id, user, "applied", "taken"]])
        # As versions up to 0.3.0 told of a seat.
        old = "INSERT INTO audit SELECT * REPLACE ('seat.freed' AS action, '{}'::JSON AS value) FROM audit WHERE " + made
        self.assertEqual(self.ask("BEGIN", old, "SELECT seat FROM changes WHERE target = '%s' ORDER BY seat" % user),
                         [["freed"], ["taken"]])
        asked = ("SELECT method, status, actor FROM requests WHERE path LIKE '%%/Users/%s' OR path LIKE "
                 "'%%/Users/nobody' ORDER BY n" % user)
        self.assertEqual(self.ask(asked), [["GET", 200, self.ws.key_id], ["GET", 404, self.ws.key_id]])

    def test_complete_finds_what_is_missing_and_what_is_double(self):
        for i in range(3):
            self.user("whole-%d" % i)
        self.followers.settle(self.ws.id)
        self.loaded()
        self.assertEqual(self.complete(), [])
        of = "workspace = '%s' AND kind = 'change'" % self.ws.id
        one = "(SELECT seq FROM audit WHERE %s ORDER BY seq OFFSET 1 LIMIT 1)" % of
        double = "INSERT INTO audit SELECT * FROM audit WHERE %s AND seq = %s" % (of, one)
        self.assertEqual([row[:2] for row in self.complete("BEGIN", double)], [["change", self.ws.id]])
        gone = "DELETE FROM audit WHERE %s AND seq = %s" % (of, one)
        self.assertEqual([row[:2] for row in self.complete("BEGIN", gone)], [["change", self.ws.id]])
        request = "DELETE FROM audit WHERE kind = 'request' AND n = 2"
        self.assertEqual([row[0] for row in self.complete("BEGIN", request)], ["request"])
        self.assertEqual(self.complete(), [])

    def test_what_the_topic_no_longer_holds_is_an_error(self):
        self.user("first")
        self.followers.settle(self.ws.id)
        self.loaded()
        self.user("second")
        self.user("third")
        self.followers.settle(self.ws.id)
        before = self.ask("SELECT count(*) FROM audit")
        partition = stream.murmur2(self.ws.id.encode()) % 12
        end = int(self.admin("ends", stream.AUDIT, partition).split()[1])
        self.admin("delete-records", stream.AUDIT, partition, end)
        done = self.load()
        self.assertEqual(done.returncode, 1)
        self.assertIn("partition %d: the next record is" % partition, done.stderr)
        self.assertEqual(self.ask("SELECT count(*) FROM audit"), before)

    def test_it_follows_and_ends_when_told(self):
        following = subprocess.Popen([self.python, "-B", os.path.join(ANALYTICS, "audit_duckdb.py"), "-b",
                                      self.stack.kafka, self.file, "--follow"], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, text=True)
        self.addCleanup(following.stdout.close)
        self.user("followed")
        self.assertGreater(int(following.stdout.readline()), 0)
        following.terminate()
        following.stdout.read()
        self.assertEqual(following.wait(), 0)
        self.assertGreater(self.ask("SELECT count(*) FROM audit")[0][0], 0)
