"""Two ingests and two workers at once on one Kafka and PostgreSQL: the same must hold, whichever door is taken."""

import unittest

import case
import stream
from scimhttp import USER, Client, in_flight, statuses
from stack import free_port
from test_members import Concurrency


def second_ingest(stack):
    """Started once for all classes here; on the embedded broker too."""
    if "USHER_URL_INGEST_TWO" not in stack.env:
        stack.extra_worker("two")
        stack.extra_ingest("two", free_port())
    return stack.env["USHER_URL_INGEST_TWO"]


def tearDownModule():
    """Whoever comes next has one worker, which can be stopped."""
    for name in ("ingest-two", "worker-two"):
        case.shared_stack().stop_part(name)


class TwoOfEach(Concurrency):
    """All tests of Concurrency again, spread over both ingests, while both workers own partitions."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.urls = [cls.stack.url, second_ingest(cls.stack)]

    def test_both_workers_work(self):
        """Workspaces fall into partitions of both; without this the others would prove nothing."""
        worked = set()
        for i in range(12):
            ws = self.stack.workspace("both")
            self.expect(ws.open(url=self.urls[i % 2]).post("/Users", {"schemas": [USER], "userName": "u"}), 201)
            worked.add(stream.murmur2(ws.id.encode()) % int(self.stack.env.get("USHER_PARTITIONS", "12")))
        self.assertGreater(len(worked), 3)
        applied = [Client(self.stack.env[name], prefix="", check=False).get("/metrics").body.decode()
                   for name in ("USHER_URL_WORKER", "USHER_URL_WORKER_TWO")]
        for text in applied:
            taken = [line for line in text.splitlines() if line.startswith("usher_worker_commands_total")]
            self.assertEqual(len(taken), 1, text)
            self.assertGreater(float(taken[0].split()[-1]), 0, "a worker has had nothing to do")

    def test_one_rate_for_all_ingests(self):
        """601 requests over both doors: 600 pass, one is refused."""
        ws = self.stack.workspace("rate2", rate=600)
        results = in_flight(16, [lambda c: c.get("/Users?count=0")] * 601, self.clients(ws))
        self.assertEqual(statuses(results), {200: 600, 429: 1})

    def test_seats_over_both_ingests(self):
        ws = self.stack.workspace("seats2x", seats=10)
        results = in_flight(50, [lambda c, i=i: c.post("/Users", {"schemas": [USER], "userName": "s%d" % i})
                                 for i in range(50)], self.clients(ws))
        self.assertEqual(statuses(results), {201: 10, 403: 40})
        self.assertEqual(ws.counts()["seats"], 10)

    def test_revoked_on_every_ingest(self):
        token, key = self.ws.key("everywhere")
        clients = [self.ws.open(token, url=u) for u in self.urls]
        for c in clients:
            self.expect(c.get("/Users?count=0"), 200)
        self.stack.ctl("key", "revoke", key)
        for c in clients:
            self.expect(c.get("/Users?count=0"), 401)


if __name__ == "__main__":
    unittest.main()
