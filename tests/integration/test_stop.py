"""An ingest ends within 30 s of SIGTERM in every state, and its last line in the log says why it ended. (What
hangs around a worker: test_health.) Each test has an ingest of its own. Lets the broker, the worker and PostgreSQL
stand still, so it runs alone."""

import os
import re
import signal
import socket
import threading
import time

from scimhttp import USER, Client
from stack import free_port
from test_changes import Viewer
from test_health import ENDS, Health
from test_outage import Outage
from waiting import wait_until

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def body(name, **more):
    return {"schemas": [USER], "userName": name, **more}


class Stop(Outage):
    children, postgres_stands = Health.children, Health.postgres_stands

    def ingest(self, name):
        """An ingest of its own, and a client of it."""
        self.name = "stop-" + name
        url = self.stack.extra_ingest(self.name, free_port())
        client = self.stack.workspace(self.name).open(url=url)
        self.addCleanup(client.close)
        self.expect(client.get("/Users?count=0"), 200)
        return client

    def program(self, kind="ingest"):
        return (kind + "_" + self.name).upper().replace("-", "_")

    def under_way(self, client):
        """A read that is there and cannot be answered."""
        answers = []

        def ask():
            try:
                answers.append(client.again().get("/Users?count=7").status)
            except (OSError, AssertionError, RuntimeError) as trouble:
                answers.append(trouble)

        thread = threading.Thread(target=ask)
        thread.start()
        self.addCleanup(thread.join)
        wait_until(lambda: self.in_flight(client) > 0, "the request to be there")
        return answers

    def in_flight(self, client):
        http = Client("http://%s:%d" % (client.host, client.port), prefix="", check=False)
        text = http.get("/metrics").body.decode()
        http.close()
        return float(re.search(r"^usher_in_flight_requests (\S+)$", text, re.M).group(1))

    def ends(self, kind="ingest"):
        """Gives the last line of its log."""
        began, program = time.monotonic(), self.program(kind)
        os.kill(self.stack.pid(program), signal.SIGTERM)
        wait_until(lambda: not self.stack.alive(program), "the process to end", silence=ENDS)
        self.assertLess(time.monotonic() - began, ENDS)
        with open(os.path.join(self.stack.run_dir, "log", "%s-%s.log" % (kind, self.name))) as log:
            return log.read().splitlines()[-1]

    def test_in_peace(self):
        self.ingest("peace")
        self.assertIn("event=stopped reason=signal", self.ends())

    def test_a_worker_says_it_too(self):
        self.name = "stop"
        self.stack.extra_worker(self.name)
        self.assertIn("event=stopped reason=signal code=0", self.ends("worker"))
        self.back(self.stack.workspace(self.name + "-after"))

    def test_while_kafka_stands_still(self):
        client = self.ingest("kafka")
        with self.standing_still("BROKER"):
            answers = self.under_way(client)
            self.assertRegex(self.ends(), "event=stopped reason=(signal|hangs)")
        wait_until(lambda: answers, "the end of the request")

    def test_while_postgresql_stands_still(self):
        client = self.ingest("postgres")
        with self.postgres_stands():
            answers = self.under_way(client)
            self.assertRegex(self.ends(), "event=stopped reason=(signal|hangs)")
        wait_until(lambda: answers, "the end of the request")

    def test_with_live_views(self):
        client = self.ingest("views")
        ws = self.stack.workspace("views")
        token = self.stack.ctl("owner", "create", "--workspace", ws.id, "--name", "Olga")["token"]
        views = [Viewer("http://%s:%d" % (client.host, client.port), token, 0) for _ in range(10)]
        self.assertEqual({v.status for v in views}, {200})
        self.assertIn("event=stopped reason=signal", self.ends())
        wait_until(lambda: all(v.ended for v in views), "the views to end")

    def test_with_a_thousand_idle_connections(self):
        client = self.ingest("idle")
        idle = [socket.create_connection((client.host, client.port)) for _ in range(1000)]
        try:
            self.assertIn("event=stopped reason=signal", self.ends())
        finally:
            for s in idle:
                s.close()

    def test_with_a_reader_that_does_not_read(self):
        """More than the system buffers for it."""
        client = self.ingest("slow")
        for part in range(4):
            operations = [{"method": "POST", "path": "/Users", "bulkId": str(i),
                           "data": body("slow%d-%d" % (part, i), title="t" * 45000)} for i in range(20)]
            self.expect(client.post("/Bulk", {"schemas": [BULK], "Operations": operations}), 200)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.connect((client.host, client.port))
            for _ in range(2):
                s.sendall(client.encode("GET", "/Users?count=200"))
            wait_until(lambda: s.recv(1, socket.MSG_PEEK), "the first byte of the answer")
            self.assertIn("event=stopped reason=signal", self.ends())

    def test_with_a_bulk_that_nobody_does(self):
        """It has its deadline, and its answer."""
        client = self.ingest("bulk")
        operations = [{"method": "POST", "path": "/Users", "bulkId": "a", "data": body("undone")}]
        answers = []
        with self.standing_still("WORKER"):
            asked = threading.Thread(target=lambda: answers.append(
                client.again().post("/Bulk", {"schemas": [BULK], "Operations": operations})))
            asked.start()
            wait_until(lambda: self.in_flight(client) > 0, "the Bulk to be there")
            self.assertIn("event=stopped reason=signal", self.ends())
            asked.join()
        self.expect(answers[0], 200)
        self.assertEqual(answers[0].json["Operations"][0]["status"], "503")
        self.back(self.stack.workspace(self.name + "-after"))
