"""PostgreSQL's disk full, under load: what clients are told, what /readyz, metrics and logs say, that it ends by itself, and
that nothing is lost or done twice. On stacks of their own, whose PostgreSQL has a small disk."""

import json
import os
import re
import sys
import time

import proxied
import smalldisk
from kafkacase import KafkaCase
from waiting import let_time_pass, run, wait_until

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "crash"))

import judge  # noqa: E402
from load import Load  # noqa: E402

PART = "disk of postgresql"
FULL = "usher_postgresql_disk_full"
LOGS = ("ingest", "worker")
QUIET_S = 20
MOST_LINES = 3  # a second, of all programs
CLIENTS = 8


class Full(KafkaCase):
    folder, megabytes = "data", 200

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stack.stop()
        cls.disk = (smalldisk.Mounted(cls.stack, cls.folder, cls.megabytes) if smalldisk.may_mount()
                    else smalldisk.Refused(cls.stack))
        cls.stack.start()

    @classmethod
    def remove_stack(cls):
        """Unmounted in any case: before the folder is removed, or with what failed."""
        cls.stack.stop()
        if hasattr(cls, "disk"):
            cls.disk.close()
        super().remove_stack()

    def setUp(self):
        self.load = Load(self.stack, [self.stack.url], clients=CLIENTS)
        self.addCleanup(self.load.stop)
        self.addCleanup(self.disk.empty)
        self.load.start()
        self.load.works(60)

    def missing(self):
        status, text = self.ingest_ready()
        return text if status == 503 else ""

    def lines(self):
        """Of the programs; an answer's own line comes with its request, however many clients send."""
        return sum(1 for name in LOGS for line in self.log_lines("", name) if "event=request" not in line)

    def goes_on(self):
        """By itself, and with everything that was promised."""
        wait_until(lambda: self.ingest_ready()[0] == 200, "the ingest to be ready", silence=120)
        wait_until(lambda: self.worker_ready()[0] == 200, "the worker to be ready", silence=120)
        self.load.works(60)
        self.load.stop()
        self.none_wrong(judge.judge(self.stack, self.load))


class Tables(Full):
    def test_no_table_can_grow(self):
        pids = [self.stack.pid(p) for p in ("INGEST", "WORKER", "POSTGRES")]
        refused = self.load.count("deadline")
        self.disk.fill()
        wait_until(lambda: PART in self.missing(), "/readyz to say what is missing", self.load.answered)
        self.assertEqual(proxied.metric(self.stack.url, FULL), 1)
        wait_until(lambda: self.load.count("deadline") > refused + 4 * CLIENTS, "changes to be refused", self.load.answered)
        client = self.ws.open()
        self.addCleanup(client.close)
        began = time.monotonic()
        answer = self.expect(client.post("/Users", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "x"}), 503)
        self.assertLess(time.monotonic() - began, 3)  # at once, and not at the deadline
        self.assertEqual(answer.json["detail"], "The service has no room left; nothing was changed")
        self.assertRegex(answer.headers["retry-after"], r"^\d+$")
        self.assertIn(client.get("/Users?count=1").status, (200, 503))  # the units of its key take room, too

        before, since = self.lines(), time.monotonic()
        let_time_pass(QUIET_S, "lines of the log are counted for so long")
        rate = (self.lines() - before) / (time.monotonic() - since)
        self.assertLess(rate, MOST_LINES, "lines a second")
        self.assertIn(PART, self.missing())

        self.disk.empty()
        self.goes_on()
        self.assertEqual(proxied.metric(self.stack.url, FULL), 0)
        told = re.findall(r"event=postgresql-disk full=(\w+)", "".join(self.log_lines("event=postgresql-disk", "ingest")))
        self.assertEqual((told[:1], told[-1:]), (["yes"], ["no"]))
        self.assertLess(len(told), 5)
        self.assertEqual([self.stack.pid(p) for p in ("INGEST", "WORKER", "POSTGRES")], pids)
        self.assertTrue(all(self.stack.alive(p) for p in ("INGEST", "WORKER", "POSTGRES")))

    def test_the_doctor_sees_it_come(self):
        """Where the disk can be seen: nearly full, and full."""
        self.load.stop()
        for free, due in ((0.5, "ok"), (0.1, "warn"), (0, "bad")):
            if not self.disk.is_mounted:
                free, due = 0, "ok"  # the disk itself has room, and the doctor asks it alone
            self.disk.fill(free)
            done = run([os.path.join(self.stack.env["USHER_BIN"], "usherctl"), "doctor", "--json"], env={**os.environ, **self.stack.env},
                       capture_output=True, text=True)
            self.disk.empty()
            seen = [(c["state"], c["says"]) for c in json.loads(done.stdout)["checks"] if (c["area"], c["what"]) == ("disk", "PostgreSQL")]
            self.assertEqual([state for state, _ in seen], [due], seen)
            self.assertRegex(seen[0][1], r"^the database has \d+ MB; \d+ % of its disk is free$")

    def test_without_load_it_is_seen_too(self):
        """Before a client has to find out."""
        self.load.stop()
        self.disk.fill()
        wait_until(lambda: PART in self.missing(), "/readyz to say what is missing", silence=60)
        self.disk.empty()
        wait_until(lambda: not self.missing(), "it to be ready by itself", silence=60)
