"""Bulks that are large, and Bulks while something stands still or ends; over two ingests at once. Rules B3, B6, B7."""

import contextlib
import json
import os
import signal
import socket
import threading
import time

import proxied
import stream
from case import BUSY
from scimhttp import USER, in_flight, statuses
from stack import free_port
from test_bulk import BULK, BulkCase, patch, post_room, post_user, replace
from waiting import run

DEADLINE = 3.0  # of the ingest "bulk"


def second_ingest(stack):
    """Beside the first; a Bulk has a short time there."""
    if not os.path.exists("/proc/%s" % stack.env.get("USHER_PID_INGEST_BULK", "none")):
        stack.extra_ingest("bulk", free_port(), "--bulk-deadline-ms=%d" % (DEADLINE * 1000))
    return stack.env["USHER_URL_INGEST_BULK"]


class Size(BulkCase):
    def test_a_thousand_creates(self):
        """B6: as much as is announced, in one room at the end; every event is there."""
        ws = self.stack.workspace("thousand", rate=100000, seats=5000)
        results = self.bulk(post_room("room", "all", *["bulkId:%d" % i for i in range(999)]),
                            *[post_user(str(i), "u%d" % i) for i in range(999)], client=ws.client)
        self.assertEqual({r["status"] for r in results}, {"201"})
        self.assertEqual([r["bulkId"] for r in results], ["room"] + [str(i) for i in range(999)])
        self.assertEqual((ws.counts()["users"], ws.counts()["members"]), (999, 999))
        self.assertEqual(sum(e["type"] == "usher.member.added" for e in self.followers.events(ws.id)), 999)

    def test_several_at_once_and_singles_between(self):
        """Two workspaces' Bulks do not keep single requests of a third one waiting until they are through."""
        others = [self.stack.workspace("side", rate=100000, seats=5000) for _ in range(3)]
        done, singles = threading.Event(), []

        def look():
            http = self.http.again()
            while not done.is_set():
                singles.append(http.get("/Users?count=1").status)
            http.close()

        watcher = threading.Thread(target=look)
        watcher.start()
        answers = in_flight(3, [lambda c, w=w: self.send(*[post_user(str(i), "u%d" % i) for i in range(150)],
                                                         client=w.open()) for w in others], self.http)
        done.set()
        watcher.join()
        self.assertEqual(statuses(answers), {200: 3})
        self.assertEqual({o["status"] for a in answers for o in a.json["Operations"]}, {"201"})
        self.assertEqual(set(singles), {200})
        self.assertGreater(len(singles), 2, "single requests went on meanwhile")

    def test_one_who_does_not_wait(self):
        """The client is gone before the answer: what was asked for is done all the same, and nothing else suffers."""
        ws = self.stack.workspace("gone", rate=100000, seats=5000)
        wire = ws.client.encode("POST", "/Bulk",
                                {"schemas": [BULK], "Operations": [post_user(str(i), "g%d" % i) for i in range(100)]})
        for _ in range(3):
            with socket.create_connection((ws.client.host, ws.client.port), 10) as s:
                s.sendall(wire)
        # A Bulk that comes later may be quicker than one whose body is still read.
        self.wait_until(lambda: ws.counts()["users"] == 100, "what was asked for to be done")
        results = self.bulk(*[post_user(str(i), "g%d" % i) for i in range(100)], client=ws.client)
        self.assertEqual({r["status"] for r in results}, {"409"})
        self.assertEqual(ws.counts()["users"], 100)


class Trouble(BulkCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.url = second_ingest(cls.stack)

    @contextlib.contextmanager
    def standing_still(self, program):
        over = threading.Event()

        def go_on():
            if not over.is_set():
                over.set()
                self.stack.signal(program, signal.SIGCONT)

        self.stack.signal(program, signal.SIGSTOP)
        try:
            yield go_on
        finally:
            go_on()

    def there(self, ws):
        return {name for (name,) in self.stack.sql("SELECT user_name FROM users WHERE workspace_id = %s", ws.id)}

    def back(self, ws):
        http = ws.open(url=self.url)

        def through():
            answer = self.send(post_user("a", "back-%f" % time.monotonic()), client=http)
            return answer.status == 200 and answer.json["Operations"][0]["status"] == "201"

        self.wait_until(through, "Bulks to go through again")

    def told(self, ws):
        """Names of users that the audit stream says were created."""
        return {c["target"]["name"] for c in self.followers.changes(ws.id) if c["action"] == "user.created"}

    def test_a_worker_that_stands_still(self):
        """At the deadline every operation is cancelled, in a few round trips; 503 inside, and it is the truth."""
        ws = self.stack.workspace("bulk-still", rate=100000, seats=5000)
        with self.standing_still("WORKER"):
            began = time.monotonic()
            results = self.bulk(*[post_user(str(i), "u%d" % i) for i in range(600)], post_user("bad", ""),
                                client=ws.open(url=self.url))
            took = time.monotonic() - began
        self.assertEqual([r["status"] for r in results], ["503"] * 600 + ["400"])
        self.assertIn("nothing was changed", results[0]["response"]["detail"])
        self.assertTrue(DEADLINE - 0.3 < took < DEADLINE + BUSY, took)
        self.back(ws)
        self.assertEqual({n for n in self.there(ws) if n.startswith("u")}, set())
        self.assertEqual({n for n in self.told(ws) if n.startswith("u")}, set())

    def test_of_one_workspace_so_many_wait(self):
        """Two are worked on and 16 wait; a further one is refused at once, and another workspace's still has a place."""
        greedy, other = [self.stack.workspace(name, rate=100000, seats=5000) for name in ("greedy", "modest")]

        def timed(client):
            began = time.monotonic()
            return self.send(post_user("a", "u-%f" % began), client=client), time.monotonic() - began

        with self.standing_still("WORKER"):
            answers = in_flight(21, [lambda c, w=w: timed(w.open(url=self.url)) for w in [greedy] * 20 + [other]],
                                self.http)
        refused = [(a, took) for a, took in answers[:20] if a.status == 503]
        self.assertEqual({a.status for a, _ in answers[:20]}, {200, 503})
        self.assertEqual({a.headers.get("retry-after") is not None for a, _ in refused}, {True})
        self.assertGreaterEqual(sum(took < DEADLINE - 0.3 for _, took in refused), 2)
        modest = answers[20][0]  # it was worked on; its operation had no time
        self.assertEqual((modest.status, [o["status"] for o in modest.json["Operations"]]), (200, ["503"]))
        self.back(greedy)

    def test_replies_of_a_batch_come_together(self):
        """One record for the replies of a batch to one ingest. An ingest of an older version, whose commands do not
        say that it can read that, gets one record for each."""
        ws = self.stack.workspace("together", rate=100000, seats=5000)
        results = self.bulk(*[post_user(str(i), "u%d" % i) for i in range(60)], client=ws.client)
        self.assertEqual({r["status"] for r in results}, {"201"})
        txns = {txn for txn, in self.stack.sql("SELECT txn::text FROM usher.command_log WHERE workspace_id = %s AND "
                                               "type = 'user.create'", ws.id)}
        replies = self.replies_to(txns)
        self.assertEqual(sum(len(told) for _, told in replies), 60)
        self.assertLess(len(replies), 30)
        commands = [r for r in stream.read_topic(self.stack.kafka, stream.COMMANDS) if r.key == ws.id
                    and r.value["txn"] in txns][:2]
        with self.standing_still("WORKER"):
            for r in commands:
                path = os.path.join(self.stack.run_dir, "old-command")
                with open(path, "w") as f:
                    json.dump({k: v for k, v in r.value.items() if k != "repliesTogether"}, f)
                run(["kcat", "-P", "-b", self.stack.kafka, "-t", stream.COMMANDS, "-p", str(r.partition), "-k", ws.id,
                     path], check=True)
        alone = {r.value["txn"] for r in commands}
        self.wait_until(lambda: len(self.replies_to(alone)) - len([r for r in replies if r[1] & alone]) == 2,
                        "a reply for each repetition")
        for record, told in self.replies_to(alone)[-2:]:
            self.assertEqual({record.headers["usher-txn"]}, told)

    def replies_to(self, txns):
        """[(record, txns that it tells of)]"""
        found = []
        for r in stream.read_topic(self.stack.kafka, stream.REPLIES):
            told = {json.loads(line)["txn"] for line in r.text.splitlines()}
            if told & txns:
                found.append((r, told))
        return found

    def test_the_race_at_the_deadline(self):
        """The worker goes on just then: whoever wins each operation, its result says what happened."""
        ws = self.stack.workspace("bulk-race", rate=100000, seats=5000)
        with self.standing_still("WORKER") as go_on:
            threading.Timer(DEADLINE - 0.02, go_on).start()
            results = self.bulk(*[post_user(str(i), "u%d" % i) for i in range(400)], client=ws.open(url=self.url))
        self.back(ws)
        self.assertLessEqual({r["status"] for r in results}, {"201", "503"})
        done = {"u" + r["bulkId"] for r in results if r["status"] == "201"}
        self.assertEqual({n for n in self.there(ws) if n.startswith("u")}, done)
        self.assertEqual({n for n in self.told(ws) if n.startswith("u")}, done)

    def test_stopped_by_the_deadline_counts_as_errors_B3(self):
        """B3: what was never done is not shown as done; what failOnErrors leaves out was not done."""
        ws = self.stack.workspace("bulk-foe", rate=100000)
        with self.standing_still("WORKER"):
            results = self.bulk(*[post_user(str(i), "u%d" % i) for i in range(5)], post_user("bad", ""),
                                client=ws.open(url=self.url), failOnErrors=2)
        self.assertEqual({r["status"] for r in results}, {"503"})
        self.back(ws)
        self.assertEqual({n for n in self.there(ws) if n.startswith("u")}, set())

    def test_a_broker_that_stands_still(self):
        """503, and nothing is done later."""
        ws = self.stack.workspace("bulk-log", rate=100000)
        with self.standing_still("BROKER"):
            answer = self.send(*[post_user(str(i), "u%d" % i) for i in range(20)], client=ws.open(url=self.url))
            self.assertEqual(answer.status, 503, repr(answer))
        self.back(ws)
        self.assertEqual({n for n in self.there(ws) if n.startswith("u")}, set())
        records = self.followers.requests(ws.id, lambda rs: sum(r["path"] == "/scim/v2/Bulk" for r in rs) >= 2,
                                          "the record")
        told = [r for r in records if r["path"] == "/scim/v2/Bulk" and r["operations"] == 20]
        self.assertEqual(told[-1]["status"], 503)
        self.assertTrue(len(told) == 1 or told[1]["supersedes"] == told[0]["n"], told)

    def test_never_accepted_without_the_log_Q3(self):
        """Q3: 202 only after Kafka has it: one request and a Bulk, with and without a time to wait, while the broker
        stands still."""
        ws, jobs = self.stack.workspace("async-log", rate=100000), []
        for prefer in ({"Prefer": "respond-async"}, {"Prefer": "respond-async, wait=1"}):
            user = {"schemas": [USER], "userName": "one"}
            jobs.append(lambda c, body=user, headers=prefer: c.post("/Users", body, headers=headers))
            jobs.append(lambda c, headers=prefer: self.send(post_user("1", "u1"), post_user("2", "u2"), client=c,
                                                            headers=headers))
        with self.standing_still("BROKER"):
            answers = in_flight(4, jobs, ws.open(url=self.url))
        self.assertEqual(statuses(answers), {503: 4})
        self.assertEqual([a for a in answers if "set-txn" in a.headers], [])
        self.back(ws)
        self.assertEqual({n for n in self.there(ws) if not n.startswith("back")}, set())

    def test_an_asynchronous_bulk_that_waits_Q2(self):
        """Q2, Q6: with wait=N the BulkResponse if all is done in time, else 202 for the whole; the outcome of each
        operation is told either way."""
        ws = self.stack.workspace("async-wait", rate=100000)
        http = ws.open(url=self.url)
        answer = self.send(post_user("1", "a1"), post_user("2", ""), client=http,
                           headers={"Prefer": "respond-async, wait=2"})
        self.assertEqual([r["status"] for r in self.expect(answer, 200).json["Operations"]], ["201", "400"])
        self.assertNotIn("set-txn", answer.headers)
        with self.standing_still("WORKER"):
            began = time.monotonic()
            late = self.send(post_user("1", "b1"), post_user("2", ""), post_user("3", "b3"), client=http,
                             headers={"Prefer": "respond-async, wait=1"})
            self.assertEqual((late.status, late.body, late.headers["preference-applied"]), (202, b"", "respond-async"))
            self.assertGreater(time.monotonic() - began, 0.9)
        path = late.headers["location"].split("/scim/v2", 1)[1]
        done = self.wait_until(lambda: (lambda a: a if a.status == 200 else None)(http.get(path)), "the outcome")
        self.assertEqual([r["status"] for r in done.json["Operations"]], ["201", "400", "201"])
        self.assertEqual(self.there(ws), {"a1", "b1", "b3"})
        told = [r.value["txn"] for r in self.followers.tokens(ws.id) if stream.event_of(r)[0] == stream.ASYNC]
        self.assertEqual(len(told), len(set(told)))
        self.assertEqual({t for t in told if t.startswith(late.headers["set-txn"])},
                         {"%s:%d" % (late.headers["set-txn"], i) for i in range(3)})
        self.assertEqual(len(told), 5)

    def test_a_database_that_does_not_answer(self):
        """Nobody can say what became of the operations: 503 says so inside, and the ingest goes on afterwards."""
        ws = self.stack.workspace("bulk-db", rate=100000)
        with self.stack.connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM workspaces WHERE workspace_id = %s FOR UPDATE", (ws.id,))
            try:
                results = self.bulk(*[post_user(str(i), "u%d" % i) for i in range(30)], client=ws.open(url=self.url))
            finally:
                cursor.execute("ROLLBACK")
        self.assertEqual({r["status"] for r in results}, {"503"})
        self.back(ws)
        made = {n for n in self.there(ws) if n.startswith("u")}
        self.assertEqual({n for n in self.told(ws) if n.startswith("u")}, made)
        unknown = {"u" + r["bulkId"] for r in results if "not known" in r["response"]["detail"]}
        self.assertLessEqual(made, unknown, "what is surely not done is not there")

    def test_both_doors_at_once(self):
        """Two ingests, one workspace, the same users: each operation is done once, and every result is true."""
        ws = self.stack.workspace("bulk-two", rate=100000, seats=5000)
        doors = [ws.open(), ws.open(url=self.url)]
        answers = in_flight(4, [lambda c: self.send(*[post_user(str(i), "u%d" % i) for i in range(60)],
                                                    client=c)] * 4, doors)
        self.assertEqual(statuses(answers), {200: 4})
        for i in range(60):
            self.assertEqual(sorted(a.json["Operations"][i]["status"] for a in answers), ["201", "409", "409", "409"])
        user = [r["location"].rsplit("/", 1)[1] for a in answers for r in a.json["Operations"] if r["status"] == "201"
                and r["bulkId"] == "0"][0]
        answers = in_flight(4,
                            [lambda c, k=k: self.send(
                                *[patch("/Users/" + user, replace("displayName", "%d-%d" % (k, i))) for i in range(40)],
                                client=c) for k in range(4)], doors)
        versions = [[int(r["version"][3:-1]) for r in a.json["Operations"]] for a in answers]
        self.assertTrue(all(v == sorted(v) for v in versions), "each Bulk in its own order")
        self.assertEqual(sorted(sum(versions, [])), list(range(2, 162)), "each change once")

    def test_one_rate_for_both(self):
        ws = self.stack.workspace("bulk-rate2", rate=100)
        gone = [{"method": "DELETE", "path": "/Users/4f0a5b4a-0000-7000-8000-000000000000"}] * 30
        answers = in_flight(4, [lambda c: self.send(*gone, client=c)] * 4, [ws.open(), ws.open(url=self.url)])
        self.assertEqual(statuses(answers), {200: 3, 429: 1})

    def test_z_a_stop_with_one_under_way(self):
        """Last here: SIGTERM while operations are open. The Bulk is answered, then the process ends in order."""
        ws = self.stack.workspace("bulk-stop", rate=100000)
        pid, answers = self.stack.pid("INGEST_BULK"), []
        with self.standing_still("WORKER"):
            sender = threading.Thread(target=lambda: answers.append(
                self.send(*[post_user(str(i), "u%d" % i) for i in range(50)], client=ws.open(url=self.url))))
            sender.start()
            self.wait_until(lambda: proxied.metric(self.url, "usher_pending_commands") >= 50,
                            "all operations to be in the log")
            os.kill(pid, signal.SIGTERM)
            sender.join()
        self.assertEqual([a.status for a in answers], [200])
        self.assertEqual({r["status"] for r in answers[0].json["Operations"]}, {"503"})
        self.wait_until(lambda: not self.stack.alive("INGEST_BULK"), "the ingest to end")
        with open(os.path.join(self.stack.run_dir, "log", "ingest-bulk.log")) as log:
            text = log.read()
        self.assertIn("event=stopped", text)
        self.assertNotIn("Sanitizer", text)
        self.wait_until(lambda: ws.client.post("/Users", {"schemas": [USER],
                                                          "userName": "after-%f" % time.monotonic()}).status == 201,
                        "the worker to be back")
        self.assertEqual({n for n in self.there(ws) if n.startswith("u")}, set())


if __name__ == "__main__":
    import unittest
    unittest.main()
